package bus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestCluster has everything that three healthy nodes can share.
func TestCluster(t *testing.T) {
	t.Parallel()
	c := newTrio(t, 3)
	for name, test := range map[string]func(*testing.T, *trio){
		"CreateLog": testCreateLog, "Append": testAppend, "Trim": testTrim, "Hole": testHole, "StepDown": testStepDown,
		"Call": testCall, "Busy": testBusy, "Broadcast": testBroadcast, "Strangers": testStrangers,
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); test(t, c) })
	}
}

// testCreateLog: of three that make a log at once, one did, and all know what it made.
func testCreateLog(t *testing.T, c *trio) {
	for _, different := range []bool{true, false} {
		name := fmt.Sprintf("create-%v", different)
		var creating sync.WaitGroup
		made := make([]map[string]string, 3)
		created := make([]bool, 3)
		for i, b := range c.buses {
			creating.Go(func() {
				metadata := map[string]string{"founder": "any"}
				if different {
					metadata["founder"] = b.Node()
				}
				var err error
				made[i], created[i], err = b.CreateLog(within(t), LogSpec{Name: name, Replicas: 3, Metadata: metadata})
				if err != nil {
					t.Error(err)
				}
			})
		}
		creating.Wait()
		winner := slices.Index(created, true)
		if winner < 0 || slices.Contains(created[winner+1:], true) {
			t.Fatalf("%s: created %v", name, created)
		}
		want := map[string]string{"founder": "any"}
		if different {
			want["founder"] = c.buses[winner].Node()
		}
		for i := range made {
			if !maps.Equal(made[i], want) {
				t.Errorf("%s: n%d has %v, not %v", name, i, made[i], want)
			}
		}
		names, err := c.buses[2].Logs(within(t))
		if err != nil || !slices.Contains(names, name) {
			t.Errorf("logs: %v, %v", names, err)
		}
	}
}

// testAppend: messages on their way at the same time, fenced and deduplicated.
func testAppend(t *testing.T, c *trio) {
	c.log("append")
	ctx := within(t)
	follower := c.buses[(c.leader("append")+1)%3]
	fill(t, follower.OpenLog("append"), 0, 1)
	for _, b := range []*Bus{c.buses[c.leader("append")], follower} {
		log := b.OpenLog("append")
		info, err := log.Info(ctx)
		if err != nil {
			t.Fatal(err)
		}
		var all []Pending
		for i := range uint64(20) {
			p, err := log.Append(info.Last+i, fmt.Sprint("id-", info.Last+i), fmt.Append(nil, "m", info.Last+i))
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, p)
		}
		for i, p := range all {
			if seq, err := p.Wait(ctx); err != nil || seq != info.Last+uint64(i)+1 {
				t.Fatalf("message %d: sequence %d, %v", i, seq, err)
			}
		}
	}
	log := follower.OpenLog("append")
	wait := func(expected uint64, id string) (uint64, error) {
		p, err := log.Append(expected, id, []byte("again"))
		if err != nil {
			t.Fatal(err)
		}
		return p.Wait(ctx)
	}
	if seq, err := wait(7, "id-7"); seq != 8 || err != nil {
		t.Errorf("the same again: %d, %v", seq, err)
	}
	for _, expected := range []uint64{7, 40, 42} {
		if _, err := wait(expected, "other"); !errors.Is(err, ErrConflict) {
			t.Errorf("after %d of 41: %v", expected, err)
		}
	}
	if data, ok, err := log.Read(ctx, 8); string(data) != "m7" || !ok || err != nil {
		t.Errorf("read: %q, %v, %v", data, ok, err)
	}
	if _, ok, err := log.Read(ctx, 42); ok || err != nil {
		t.Errorf("read what is not there: %v, %v", ok, err)
	}
	p, err := follower.OpenLog("no-such-log").Append(0, "x", nil)
	if err == nil {
		_, err = p.Wait(ctx)
	}
	if !errors.Is(err, ErrRefused) {
		t.Errorf("append to no log: %v", err)
	}
}

// testTrim: what is trimmed is gone, what is not is there, and nothing is skipped.
func testTrim(t *testing.T, c *trio) {
	c.log("trim")
	log := c.buses[0].OpenLog("trim")
	if info, err := log.Info(within(t)); err != nil || info.First != 1 || info.Last != 0 || len(info.Peers) != 3 {
		t.Fatalf("empty log: %+v, %v", info, err)
	}
	fill(t, log, 0, 10)
	if err := log.Trim(within(t), 4); err != nil {
		t.Fatal(err)
	}
	for from, want := range map[uint64]*GapError{1: {1, 5}, 4: {4, 5}, 5: nil} {
		ctx, cancel := context.WithCancel(within(t))
		got := from
		err := c.buses[2].OpenLog("trim").Tail(ctx, from, func(uint64) {}, func(seq uint64, data []byte) error {
			if seq != got || string(data) != fmt.Sprint("m", seq) {
				t.Errorf("sequence %d: %q instead of %d", seq, data, got)
			}
			if got++; got > 10 {
				cancel()
			}
			return nil
		})
		cancel()
		var gap *GapError
		switch {
		case want == nil && !errors.Is(err, context.Canceled):
			t.Errorf("from %d: %v", from, err)
		case want != nil && (!errors.As(err, &gap) || *gap != *want):
			t.Errorf("from %d: %v, not %v", from, err, want)
		}
	}
	// All of it, and more than there is.
	if err := log.Trim(within(t), 1000); err != nil {
		t.Fatal(err)
	}
	if info, err := log.Info(within(t)); err != nil || info.First != 11 || info.Last != 10 {
		t.Errorf("trimmed log: %+v, %v", info, err)
	}
	var gap *GapError
	if err := log.Tail(within(t), 10, func(uint64) {}, nil); !errors.As(err, &gap) || *gap != (GapError{10, 11}) {
		t.Errorf("tail of what is trimmed: %v", err)
	}
	fill(t, log, 10, 1)
	failed := errors.New("failed")
	if err := log.Tail(within(t), 11, func(uint64) {}, func(uint64, []byte) error { return failed }); !errors.Is(err, failed) {
		t.Errorf("tail: %v", err)
	}
}

// testHole: what the node of a consumer does not have is asked of the leader; only
// what the leader does not have either is a gap.
func testHole(t *testing.T, c *trio) {
	c.log("hole")
	log := c.buses[1].OpenLog("hole")
	fill(t, log, 0, 6)
	if err := log.Trim(within(t), 1); err != nil {
		t.Fatal(err)
	}
	var got []string
	f := &tail{log: log, next: 3, each: func(seq uint64, data []byte) error {
		got = append(got, fmt.Sprint(seq, string(data)))
		return nil
	}}
	for _, seq := range []uint64{5, 4, 6} { // 3 is missing; 4 comes again
		if err := f.take(within(t), seq, fmt.Append(nil, "m", seq)); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"3m3", "4m4", "5m5", "6m6"}; !slices.Equal(got, want) {
		t.Errorf("%v, not %v", got, want)
	}
	f.next = 1
	var gap *GapError
	if err := f.take(within(t), 3, nil); !errors.As(err, &gap) || *gap != (GapError{1, 3}) {
		t.Errorf("a real gap: %v", err)
	}
}

// fill appends n messages. A node may hear a moment later where a new log is.
func fill(t *testing.T, l *Log, last uint64, n int) {
	t.Helper()
	for range n {
		eventually(t, fmt.Sprint("append after ", last), func() error {
			p, err := l.Append(last, fmt.Sprint(last), fmt.Append(nil, "m", last+1))
			if err == nil {
				_, err = p.Wait(within(t))
			}
			if err != nil && !errors.Is(err, ErrRefused) {
				t.Fatalf("append after %d: %v", last, err)
			}
			return err
		})
		last++
	}
}

func testStepDown(t *testing.T, c *trio) {
	c.log("lead")
	for range 3 {
		to := (c.leader("lead") + 1) % 3
		// A node that was away from the log a moment ago is passed over: ask again.
		eventually(t, "another leader", func() error {
			if c.buses[to].OpenLog("lead").Leads() {
				return nil
			}
			if err := c.buses[0].OpenLog("lead").StepDown(within(t), c.buses[to].Node()); err != nil {
				return err
			}
			eventually(t, "a leader", func() error {
				if info, err := c.buses[0].OpenLog("lead").Info(within(t)); err != nil || info.Leader == "" {
					return fmt.Errorf("%+v, %w", info, err)
				}
				return nil
			})
			return errors.New("another leads")
		})
	}
}

// testCall: who answers what, and what the errors mean.
func testCall(t *testing.T, c *trio) {
	deadlines, given := make(chan time.Duration, 1), make(chan struct{})
	for _, b := range c.buses {
		for name, h := range map[string]Handler{
			"echo": func(_ context.Context, request []byte) []byte { return append([]byte(b.Node()+" "), request...) },
			"big":  func(context.Context, []byte) []byte { return bytes.Repeat([]byte{7}, 16<<20) },
			"huge": func(context.Context, []byte) []byte { return make([]byte, maxPayload+1) },
			"hang": func(ctx context.Context, _ []byte) []byte {
				began := time.Now()
				<-ctx.Done()
				deadlines <- time.Since(began)
				<-given // the caller has not waited for this
				return nil
			},
		} {
			if err := b.Handle(name, h); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, node := range []string{"n0", "n1", "n2"} {
		eventually(t, "a call of "+node, func() error {
			reply, err := c.buses[0].Call(within(t), node, "echo", []byte("hello"))
			if err == nil && string(reply) != node+" hello" {
				t.Errorf("reply of %s: %q", node, reply)
			}
			return err // routes tell of handlers a moment later
		})
	}
	eventually(t, "a big reply", func() error {
		reply, err := c.buses[0].Call(within(t), "n1", "big", nil)
		if err == nil && (len(reply) != 16<<20 || reply[len(reply)-1] != 7) {
			t.Errorf("%d bytes", len(reply))
		}
		return err
	})
	for _, name := range []string{"n1/none", "nobody/echo"} {
		node, name, _ := strings.Cut(name, "/")
		if _, err := c.buses[0].Call(within(t), node, name, nil); !errors.Is(err, ErrUnreachable) {
			t.Errorf("call %s of %s: %v", name, node, err)
		}
	}
	if _, err := c.buses[0].Call(within(t), "n0", "huge", nil); err == nil || within(t).Err() != nil {
		t.Errorf("a reply that cannot be sent: %v", err)
	}
	if _, err := c.buses[0].Call(within(t), "n1", "echo", make([]byte, maxPayload)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a request that cannot be sent: %v", err)
	}
	ctx, cancel := context.WithTimeout(within(t), 300*time.Millisecond)
	defer cancel()
	if _, err := c.buses[0].Call(ctx, "n1", "hang", nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a call that is not answered: %v", err)
	}
	close(given)
	if waited := <-deadlines; waited > 10*time.Second {
		t.Errorf("the handler waited for %v", waited)
	}
}

// testBusy: what cannot be started is refused.
func testBusy(t *testing.T, c *trio) {
	single := newTrio(t, 1).buses[0]
	single.most = 2
	entered, leave := make(chan struct{}, 3), make(chan struct{})
	err := single.Handle("wait", func(context.Context, []byte) []byte {
		entered <- struct{}{}
		<-leave
		return []byte("done")
	})
	if err != nil {
		t.Fatal(err)
	}
	var calling sync.WaitGroup
	call := func() {
		if reply, err := single.Call(within(t), single.Node(), "wait", nil); err != nil || string(reply) != "done" {
			t.Errorf("%q, %v", reply, err)
		}
	}
	for range single.most {
		calling.Go(call)
		<-entered
	}
	if _, err := single.Call(within(t), single.Node(), "wait", nil); !errors.Is(err, ErrBusy) {
		t.Errorf("one too many: %v", err)
	}
	close(leave)
	calling.Wait()
	eventually(t, "room again", func() error {
		if n := single.running.Load(); n != 0 {
			return fmt.Errorf("%d in work", n)
		}
		return nil
	})
	call()
}

// testBroadcast: everybody hears it, in the order of each sender.
func testBroadcast(t *testing.T, c *trio) {
	const count = 200
	var mu sync.Mutex
	heard := map[string][]string{} // by listener and sender
	for _, b := range c.buses {
		err := b.Listen("news", func(data []byte) {
			mu.Lock()
			defer mu.Unlock()
			sender, text, _ := strings.Cut(string(data), " ")
			heard[b.Node()+sender] = append(heard[b.Node()+sender], text)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	has := func(listener, sender string, n int) bool {
		mu.Lock()
		defer mu.Unlock()
		return len(heard[listener+sender]) >= n
	}
	for _, from := range c.buses {
		for _, to := range c.buses {
			eventually(t, "everybody listens", func() error {
				if has(to.Node(), from.Node(), 1) {
					return nil
				}
				return errors.Join(from.Broadcast("news", []byte(from.Node()+" hello")), errors.New("not yet"))
			})
		}
	}
	var want []string
	for i := range count {
		want = append(want, fmt.Sprint(i))
		for _, b := range c.buses {
			if err := b.Broadcast("news", fmt.Append(nil, b.Node(), " ", i)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, from := range c.buses {
		for _, to := range c.buses {
			eventually(t, "the news", func() error {
				mu.Lock()
				defer mu.Unlock()
				got := slices.DeleteFunc(slices.Clone(heard[to.Node()+from.Node()]), func(s string) bool { return s == "hello" })
				if !slices.Equal(got, want) {
					return fmt.Errorf("%s has %d of %s", to.Node(), len(got), from.Node())
				}
				return nil
			})
		}
	}
}

// testStrangers: who does not have the secret, or belongs elsewhere, does not get in.
func testStrangers(t *testing.T, c *trio) {
	for name, change := range map[string]func(*Config){
		"another secret":  func(s *Config) { s.Secret = "guessed" },
		"another cluster": func(s *Config) { s.Cluster = "other" },
	} {
		seen := &journal{}
		s := c.config(0)
		s.Node, s.Listen, s.Dir = "stranger", freePort(t), t.TempDir()
		s.Logger = logTo(seen)
		change(&s)
		b, err := Start(within(t), s)
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, name+" is refused", func() error {
			if strings.Count(seen.String(), "not a node of this cluster") < 3 {
				return errors.New(seen.String())
			}
			return nil
		})
		if n := b.server.NumRoutes(); n != 0 {
			t.Errorf("%s: %d routes", name, n)
		}
		if _, err := b.Call(within(t), "n1", "echo", nil); !errors.Is(err, ErrUnreachable) {
			t.Errorf("%s: call: %v", name, err)
		}
		b.Close()
	}
}
