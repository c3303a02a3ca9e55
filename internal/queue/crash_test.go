package queue

import (
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/store"
	"github.com/spillway/spillway/internal/store/storetest"
)

var crashPoints = flag.Int("crash.points", 1000, "crash points of the crash test, in all")

const crashesPerRun = 20

// Queues of the crash test.
const (
	plain     = 11 // dead letters go to plainDead, and are moved back
	plainDead = 12
	ordered   = 13 // FIFO; dead letters go to orderedDead
	orderDead = 14
	purged    = 15
	delayedQ  = 16
)

func declareAll(e *Engine) {
	dead := standardSpec
	spec := dead
	spec.DeadLetter, spec.MaxDeliveries = plainDead, 2
	e.Declare(plain, spec)
	e.Declare(plainDead, dead)
	e.Declare(purged, dead)
	spec = dead
	spec.Delay = 50
	e.Declare(delayedQ, spec)
	dead.FIFO, spec = true, dead
	spec.FIFO, spec.DeadLetter, spec.MaxDeliveries = true, orderDead, 2
	e.Declare(ordered, spec)
	e.Declare(orderDead, dead)
}

// TestCrash runs callers of all kinds against an engine and cuts the power at
// random moments. After each, what was acknowledged must be so.
func TestCrash(t *testing.T) {
	t.Parallel()
	points := *crashPoints
	if testing.Short() {
		points /= 10
	}
	for seed := range int64((points + crashesPerRun - 1) / crashesPerRun) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			crashRun(t, seed)
		})
	}
}

func crashRun(t *testing.T, seed int64) {
	rng := rand.New(rand.NewPCG(uint64(seed), 1))
	fs := storetest.NewFS(seed)
	left := crashesPerRun
	l := newLedger(fs, func() bool {
		crash := left > 0 && rng.IntN(25) == 0
		if crash {
			left--
		}
		return crash
	})
	e, stop := openOn(t, fs)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	worker := func(n uint64, work func(rng *rand.Rand, i int) error) {
		rng := rand.New(rand.NewPCG(uint64(seed), 100+n))
		running.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				if err := work(rng, i); err != nil && ctx.Err() == nil {
					t.Errorf("worker %d: %v", n, err)
					return
				}
			}
		})
	}
	for n := range uint64(3) {
		worker(n, l.sendPlain(e, n))
		worker(20+n, l.sendOrdered(e, n))
		worker(40+n, l.receive(e, plain))
	}
	worker(60, l.receive(e, ordered))
	worker(61, l.receive(e, plainDead))
	worker(62, l.receive(e, delayedQ))
	worker(63, func(rng *rand.Rand, _ int) error {
		_, err := e.Queue(plainDead).Move(ctx, 1+rng.IntN(5), plain)
		return err
	})
	worker(64, func(rng *rand.Rand, i int) error {
		if i%8 == 7 {
			return l.purge(e.Queue(purged), "purge")
		}
		return l.send(e.Queue(purged), text(fmt.Sprintf("purge-%d", i)))
	})
	deadline := time.Now().Add(20 * time.Second)
	for done := false; !done; {
		l.mu.Lock()
		done = left == 0 || t.Failed() || time.Now().After(deadline)
		l.mu.Unlock()
		time.Sleep(time.Millisecond)
	}
	cancel()
	running.Wait()
	stop()
	if len(l.crashes) != crashesPerRun && !t.Failed() {
		t.Errorf("%d crashes, want %d", len(l.crashes), crashesPerRun)
	}
	for i, c := range l.crashes {
		afterCrash(t, fmt.Sprintf("crash %d", i), c)
	}
}

func (l *ledger) sendPlain(e *Engine, n uint64) func(*rand.Rand, int) error {
	return func(rng *rand.Rand, i int) error {
		var in []Enqueue
		for k := range 1 + rng.IntN(3) {
			m := text(fmt.Sprintf("plain-%d-%d-%d", n, i, k))
			m.Group = fmt.Sprint(rng.IntN(3))
			in = append(in, m)
		}
		if n == 0 {
			in[0].Delay = int64(rng.IntN(100))
			return l.send(e.Queue(delayedQ), in...)
		}
		return l.send(e.Queue(plain), in...)
	}
}

// sendOrdered is the only sender of its group.
func (l *ledger) sendOrdered(e *Engine, n uint64) func(*rand.Rand, int) error {
	return func(rng *rand.Rand, i int) error {
		m := text(fmt.Sprintf("order-%d-%08d", n, i))
		m.Group, m.HasDedup = fmt.Sprint(n), true
		binary.BigEndian.PutUint64(m.DedupKey[:], n+1)
		binary.BigEndian.PutUint64(m.DedupKey[8:], uint64(i))
		return l.send(e.Queue(ordered), m)
	}
}

// receive takes messages for long, and deletes most of them, or for a moment, and
// leaves them. Only long leases are kept until the end, so that what is deleted
// is known.
func (l *ledger) receive(e *Engine, id uint64) func(*rand.Rand, int) error {
	q := e.Queue(id)
	return func(rng *rand.Rand, _ int) error {
		in := LeaseRequest{Max: 1 + rng.IntN(4), Time: 3600_000, Wait: 5 * time.Millisecond}
		long := rng.IntN(3) > 0
		if !long {
			in.Time = int64(rng.IntN(10))
		}
		out, err := q.Lease(context.Background(), in)
		if err != nil || len(out) == 0 || !long {
			return err
		}
		l.hold(q, out)
		switch rng.IntN(6) {
		case 0:
			return nil
		case 1:
			settle := make([]Settlement, len(out))
			l.note(func(b *books) {
				for i, d := range out {
					settle[i] = Settlement{Seq: d.Seq, Generation: d.Generation, Extend: true}
					delete(b.held, string(d.Body))
				}
			})
			_, err := q.Settle(settle, nil)
			return err
		}
		return l.remove(q, out)
	}
}

// deepLog is the local log as one that needs a pipeline to be fast.
type deepLog struct{ partition.Log }

// Depth implements partition.Pipeliner.
func (deepLog) Depth() int { return 4 }

// openOn starts an engine on a file system.
func openOn(t *testing.T, fs *storetest.FS) (e *Engine, stop func()) {
	t.Helper()
	st := storetest.Open(t, fs)
	// With a pipeline, as a replicated log has it: more can go wrong.
	set, err := partition.OpenSet(st, partition.Options{Partitions: 3, NewLog: func(uint16) partition.Log { return deepLog{partition.NewLocalLog()} }})
	if err != nil {
		t.Fatal(err)
	}
	e = New(set, st, Options{})
	declareAll(e)
	if err := set.Start(); err != nil {
		t.Fatal(err)
	}
	e.Start()
	return e, func() {
		e.Close()
		set.Close(context.Background())
		st.Close()
	}
}

// found is a message on disk.
type found struct {
	queue, seq uint64
}

// afterCrash opens what a crash left and compares it with what was acknowledged.
func afterCrash(t *testing.T, name string, c crashed) {
	t.Helper()
	st := storetest.Open(t, c.fs)
	for _, problem := range st.Check(Check, partition.Check) {
		t.Errorf("%s: %s", name, problem)
	}
	if err := st.Close(); err != nil {
		t.Error(err)
	}
	e, stop := openOn(t, c.fs)
	defer stop()
	// The leases from before are still good for deleting.
	n := 0
	for body, h := range c.held {
		if n++; n%2 == 0 || c.maybe[body] {
			continue
		}
		errs, err := e.Queue(h.queue).Settle([]Settlement{h.Settlement}, nil)
		if err != nil || errs[0] != nil {
			t.Errorf("%s: delete %q with a lease from before: %v %v", name, body, errs, err)
		}
		c.removed[body], c.maybe[body] = true, true
	}
	settleTransfers(t, e)
	bodies := scan(t, e, name)
	for body := range c.sent {
		if !c.maybe[body] && len(bodies[body]) == 0 {
			t.Errorf("%s: %q was acknowledged and is lost", name, body)
		}
	}
	for body := range c.removed {
		if len(bodies[body]) > 0 {
			t.Errorf("%s: %q was removed and is back: %v", name, body, bodies[body])
		}
	}
	for body, at := range bodies {
		if len(at) > 1 || !c.asked[body] {
			t.Errorf("%s: %q is there more than once or from nowhere: %v", name, body, at)
		}
	}
	dedupHolds(t, e, name, c)
	for _, problem := range e.store.Check(Check) {
		t.Errorf("%s: after recovery: %s", name, problem)
	}
}

// settleTransfers returns when no transfer is under way.
func settleTransfers(t *testing.T, e *Engine) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(200 * time.Microsecond) {
		open := 0
		for _, p := range e.set.All() {
			lo, hi := store.Bounds(p.ID(), store.SpaceTransfer)
			if err := e.store.Scan(lo, hi, func(_, _ []byte) bool { open++; return true }); err != nil {
				t.Fatal(err)
			}
			lo, hi = store.Bounds(p.ID(), store.SpaceState)
			if err := e.store.Scan(lo, hi, func(_, value []byte) bool {
				if s, err := parseState(value); err != nil || s.Leaving != 0 {
					open++
				}
				return true
			}); err != nil {
				t.Fatal(err)
			}
		}
		if open == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d transfers do not end", open)
		}
	}
}

// scan reads all messages, and compares the counters and the FIFO order.
func scan(t *testing.T, e *Engine, name string) map[string][]found {
	t.Helper()
	bodies := map[string][]found{}
	for id, q := range e.queues {
		n := uint64(0)
		last := map[string]string{}
		for from := uint64(0); ; {
			page, err := q.Browse(from, 1000, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range page {
				body := string(m.Body)
				bodies[body] = append(bodies[body], found{id, m.Seq})
				if strings.HasPrefix(body, "order") {
					if last[m.Group] >= body {
						t.Errorf("%s: %q comes after %q", name, body, last[m.Group])
					}
					last[m.Group] = body
				}
				from = m.Seq + 1
			}
			n += uint64(len(page))
			if len(page) == 0 {
				break
			}
		}
		if c := q.LocalCounters(); c.Visible+c.InFlight+c.Delayed != n {
			t.Errorf("%s: queue %d has %d messages, its counters are %+v", name, id, n, c)
		}
	}
	return bodies
}

// dedupHolds sends what was acknowledged again.
func dedupHolds(t *testing.T, e *Engine, name string, c crashed) {
	t.Helper()
	n := 0
	for body, key := range c.keys {
		was, ok := c.sent[body]
		if n++; !ok || n > 20 {
			continue
		}
		m := text(body)
		m.HasDedup, m.DedupKey = true, key
		out, err := e.Queue(ordered).Enqueue([]Enqueue{m}, nil)
		if err != nil || !out[0].Duplicate || out[0].ID != was.ID || out[0].Seq != was.Seq {
			t.Errorf("%s: %q sent again: %+v %v, was %+v", name, body, out, err, was)
		}
	}
}
