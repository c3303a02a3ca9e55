package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/spillway/spillway/internal/pause"
)

// TestLeadersDeath: a log is written and followed while its leader goes, and comes
// back. Nobody misses a message, or gets one twice.
func TestLeadersDeath(t *testing.T) {
	t.Parallel()
	c := newTrio(t, 3)
	c.log("log")
	dies := c.leader("log")
	survivor := (dies + 1) % 3
	ctx, stop := context.WithCancel(within(t))
	defer stop()

	var following sync.WaitGroup
	var seen [3]atomic.Uint64
	follow := func(i int) {
		b := c.buses[i] // of this life of the node
		following.Go(func() {
			seen[i].Store(0)
			err := b.OpenLog("log").Tail(ctx, 1, func(uint64) {}, func(seq uint64, data []byte) error {
				if seq != seen[i].Load()+1 || string(data) != fmt.Sprint("m", seq) {
					t.Errorf("n%d: sequence %d after %d: %q", i, seq, seen[i].Load(), data)
				}
				seen[i].Store(seq)
				return nil
			})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("n%d: %v", i, err)
			}
		})
	}
	for i := range c.buses {
		if i != dies {
			follow(i)
		}
	}
	var written atomic.Uint64
	var writing sync.WaitGroup
	writing.Go(func() { written.Store(write(t, ctx, c.buses[survivor].OpenLog("log"), &written)) })
	progress := func(what string) {
		t.Helper()
		before, began := written.Load(), time.Now()
		eventually(t, what, func() error {
			for i, b := range c.buses {
				if b != nil && seen[i].Load() < before+20 {
					return fmt.Errorf("n%d is at %d of %d", i, seen[i].Load(), written.Load())
				}
			}
			return nil
		})
		t.Logf("%s: %v", what, time.Since(began).Round(time.Millisecond))
	}
	seen[dies].Store(1 << 40) // it does not follow yet
	progress("three nodes")
	c.stop(dies)
	progress("without the leader")
	c.start(dies)
	follow(dies)
	progress("three nodes again")
	stop()
	writing.Wait()
	following.Wait()
}

// write appends until ctx ends, each message until it is in the log, as an owner
// does. It returns the last sequence.
func write(t *testing.T, ctx context.Context, l *Log, written *atomic.Uint64) uint64 {
	last := uint64(0)
	for ctx.Err() == nil {
		p, err := l.Append(last, fmt.Sprint(last), fmt.Append(nil, "m", last+1))
		if err == nil {
			waiting, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
			var seq uint64
			seq, err = p.Wait(waiting)
			cancel()
			if err == nil && seq != last+1 {
				t.Errorf("appended at %d instead of %d", seq, last+1)
				return last
			}
		}
		switch {
		case errors.Is(err, ErrConflict):
			t.Errorf("after %d: %v", last, err) // nobody else writes
			return last
		case err != nil:
			pause.For(ctx, 20*time.Millisecond)
		default:
			last++
			written.Store(last)
		}
	}
	return last
}

// TestMinority: one node of three can do nothing, says so in time, and lets go of
// who follows a log. Nodes that are gone can be taken out when there is a majority.
func TestMinority(t *testing.T) {
	t.Parallel()
	c := newTrio(t, 3)
	c.log("log")
	fill(t, c.buses[0].OpenLog("log"), 0, 3)
	seen := make(chan uint64, 10)
	ctx, cancel := context.WithCancel(within(t))
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		ended <- c.buses[0].OpenLog("log").Tail(ctx, 1, func(uint64) {}, func(seq uint64, _ []byte) error { seen <- seq; return nil })
	}()
	for want := range uint64(3) {
		if seq := <-seen; seq != want+1 {
			t.Errorf("sequence %d", seq)
		}
	}
	c.stop(2)
	if err := c.buses[1].RemovePeer(within(t), "n2"); err != nil {
		t.Fatal(err)
	}
	c.members(0, 1)
	c.stop(1)
	lonely := c.buses[0]
	asking, end := context.WithTimeout(within(t), 300*time.Millisecond)
	defer end()
	if _, _, err := lonely.CreateLog(asking, LogSpec{Name: "more", Replicas: 3}); err == nil {
		t.Error("made a log alone")
	}
	if p, err := lonely.OpenLog("log").Append(3, "alone", nil); err == nil {
		waiting, end := context.WithTimeout(within(t), 300*time.Millisecond)
		if _, err := p.Wait(waiting); err == nil {
			t.Error("appended alone")
		}
		end()
	}
	cancel()
	began := time.Now()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("tail: %v", err)
	}
	if d := time.Since(began); d > time.Second {
		t.Errorf("the tail went on for %v", d)
	}
}

// members waits until the cluster has only these nodes, as the leader of all JetStream
// sees it.
func (c *trio) members(nodes ...int) {
	c.t.Helper()
	var want []string
	for _, i := range nodes {
		want = append(want, fmt.Sprint("n", i))
	}
	eventually(c.t, "only some nodes", func() error {
		var reply struct {
			Data server.JSInfo `json:"data"`
		}
		ctx, cancel := context.WithTimeout(within(c.t), apiTime)
		defer cancel()
		// Asked of all servers; only the leader answers.
		err := ask(ctx, c.buses[nodes[0]].admin, "$SYS.REQ.SERVER.PING.JSZ", server.JSzOptions{LeaderOnly: true}, &reply)
		if err != nil || reply.Data.Meta == nil {
			return fmt.Errorf("no answer: %w", err)
		}
		got := []string{reply.Data.Meta.Leader}
		for _, r := range reply.Data.Meta.Replicas {
			got = append(got, r.Name)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			return fmt.Errorf("%v", got)
		}
		return nil
	})
}

// TestRemoveStranger: a node can be taken out by servers that never heard its name,
// since they were started after its death.
func TestRemoveStranger(t *testing.T) {
	t.Parallel()
	c := newTrio(t, 3)
	for i, b := range c.buses {
		if got, want := peerID(b.Node()), b.server.Node(); got != want {
			t.Fatalf("n%d has the id %s, not %s", i, want, got)
		}
	}
	for i := range c.buses {
		c.stop(i)
	}
	var starting sync.WaitGroup
	for i := range 2 {
		starting.Go(func() { c.start(i) })
	}
	starting.Wait()
	if t.Failed() {
		return
	}
	if err := c.buses[0].RemovePeer(within(t), "n2"); err != nil {
		t.Fatal(err)
	}
	c.members(0, 1)
	if err := c.buses[0].RemovePeer(within(t), "n2"); err == nil {
		t.Error("removed it twice")
	}
}

// TestReplace: what a dead node kept moves to one that is there.
func TestReplace(t *testing.T) {
	t.Parallel()
	c := newTrio(t, 4)
	c.log("log")
	fill(t, c.buses[0].OpenLog("log"), 0, 5)
	idle := slices.IndexFunc(c.buses, func(b *Bus) bool { return !b.OpenLog("log").Kept() })
	if idle < 0 {
		t.Fatal("all four keep it")
	}
	dies, takes := (idle+1)%4, c.buses[idle]
	c.stop(dies)
	if err := takes.RemovePeer(within(t), fmt.Sprint("n", dies)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the one left keeps it", func() error {
		info, err := takes.OpenLog("log").Info(within(t))
		if err != nil {
			return err
		}
		for _, p := range info.Peers {
			if p.Node == fmt.Sprint("n", dies) || !p.Current || p.Offline {
				return fmt.Errorf("%+v", info)
			}
		}
		if len(info.Peers) != 3 || info.Last != 5 || !takes.OpenLog("log").Kept() {
			return fmt.Errorf("%+v", info)
		}
		return nil
	})
}
