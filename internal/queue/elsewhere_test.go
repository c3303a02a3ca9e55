package queue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/store"
)

var memory = store.Options{Memory: true}

// twoNodes returns a world whose first node owns everything.
func twoNodes(t *testing.T) (w *world, owner, other *Engine) {
	t.Helper()
	w = newWorld(t, 1, 2, declareAll)
	for id := range w.Logs {
		w.Take(id, w.nodes[0].Member)
	}
	return w, w.nodes[0].Engine, w.nodes[1].Engine
}

func TestEveryMethodElsewhere(t *testing.T) {
	t.Parallel()
	w, owner, other := twoNodes(t)
	q := other.Queue(plain)
	large := make([]Enqueue, 10)
	for i := range large {
		large[i] = text(fmt.Sprint(i))
		large[i].Body = bytes.Repeat([]byte{byte(i)}, 1<<20)
		large[i].Header = []byte("header")
	}
	sent := send(t, q, large...)
	if len(sent) != 10 || sent[3].ID != large[3].ID {
		t.Fatalf("sent %+v", sent)
	}
	if c, err := q.Counters(t.Context()); err != nil || c.Visible != 10 {
		t.Errorf("counters %+v %v", c, err)
	}
	if q.Local() || !owner.Queue(plain).Local() {
		t.Error("who owns the queue?")
	}
	page, err := q.Browse(0, 3, nil)
	if err != nil || len(page) != 3 || !bytes.Equal(page[2].Body, large[2].Body) {
		t.Errorf("browse: %d %v", len(page), err)
	}
	in := lease(t, q, LeaseRequest{Max: 10, Time: -1})
	if len(in) != 10 {
		t.Fatalf("leased %d", len(in))
	}
	for i, d := range in {
		if !bytes.Equal(d.Body, large[i].Body) || string(d.Header) != "header" || d.Acquired != 1 || d.ID != large[i].ID {
			t.Errorf("message %d: %d bytes, %+v", i, len(d.Body), d.Seq)
		}
	}
	accept(t, q, in[2:]...)
	errs, err := q.Settle([]Settlement{
		{Seq: in[0].Seq, Generation: in[0].Generation, Extend: true},
		{Seq: in[1].Seq, Generation: in[1].Generation, Extend: true, Time: MaxLease + 1},
		{Seq: in[2].Seq, Generation: in[2].Generation, Extend: true},
		{Seq: in[3].Seq, Generation: in[3].Generation},
	}, nil)
	if err != nil || errs[0] != nil || !errors.Is(errs[1], ErrTooLong) || !errors.Is(errs[2], ErrGone) || errs[3] != nil {
		t.Errorf("settled: %v %v", errs, err)
	}
	if err := q.Purge(); err != nil {
		t.Error(err)
	}
	if c, err := q.Counters(t.Context()); err != nil || c != (Counters{}) {
		t.Errorf("counters after the purge %+v %v", c, err)
	}
	// Twice received, then dead, and back again.
	dead := other.Queue(plainDead)
	send(t, q, text("a"))
	for range 2 {
		lease(t, q, LeaseRequest{Max: 1, Time: 0})
	}
	if got := lease(t, q, LeaseRequest{Max: 1, Time: 0}); len(got) != 0 {
		t.Errorf("received a third time: %v", got)
	}
	if n, err := dead.Move(t.Context(), 5, 0); err != nil || n != 1 {
		t.Errorf("moved %d %v", n, err)
	}
	if got := lease(t, q, LeaseRequest{Max: 1, Time: -1}); len(got) != 1 || string(got[0].Body) != "a" || got[0].Acquired != 1 {
		t.Errorf("after its return: %+v", got)
	}
	for _, e := range []*Engine{owner, other} {
		e.Delete(plain)
	}
	if _, err := q.Enqueue([]Enqueue{text("b")}, nil); !errors.Is(err, ErrNoQueue) {
		t.Errorf("send to a queue that was deleted: %v", err)
	}
	if w.Served()[opEnqueue] < 2 {
		t.Error("nothing was forwarded")
	}
}

func TestFIFOErrorsElsewhere(t *testing.T) {
	t.Parallel()
	_, _, other := twoNodes(t)
	q := other.Queue(ordered)
	m := text("a")
	m.Group, m.HasDedup = "g", true
	first := send(t, q, m)
	if again := send(t, q, m); !again[0].Duplicate || again[0].Seq != first[0].Seq {
		t.Errorf("sent again: %+v", again)
	}
	in := lease(t, q, LeaseRequest{Max: 1, Time: -1, Attempt: "x"})
	if again := lease(t, q, LeaseRequest{Max: 1, Time: -1, Attempt: "x"}); len(again) != 1 || again[0].Generation != in[0].Generation {
		t.Errorf("the same attempt: %+v", again)
	}
	errs, err := q.Settle([]Settlement{{Seq: in[0].Seq, Generation: in[0].Generation + 1}}, nil)
	if err != nil || !errors.Is(errs[0], ErrLapsed) {
		t.Errorf("another lease: %v %v", errs, err)
	}
	accept(t, q, in...)
}

// TestNewQueue: the owner need not have heard of a queue when the first request comes.
func TestNewQueue(t *testing.T) {
	t.Parallel()
	w, owner, other := twoNodes(t)
	refreshed := 0
	owner.remote.refresh = func(context.Context) error {
		refreshed++
		owner.Declare(77, standardSpec)
		return nil
	}
	q := other.Declare(77, standardSpec)
	send(t, q, text("a"))
	if refreshed != 1 {
		t.Errorf("refreshed %d times", refreshed)
	}
	owner.remote.refresh = func(context.Context) error { return errors.New("the catalog has no owner") }
	if _, err := other.Declare(78, standardSpec).Enqueue([]Enqueue{text("a")}, nil); !errors.Is(err, partition.ErrBusy) {
		t.Errorf("without a catalog: %v", err)
	}
	if _, err := w.nodes[0].Serve(t.Context(), 99, request(opPurge, 77).Writer); err == nil {
		t.Error("a partition that does not exist is served")
	}
}

// TestNothingTwice: a request whose reply is lost is not sent again.
func TestNothingTwice(t *testing.T) {
	t.Parallel()
	w, owner, other := twoNodes(t)
	lost := &losing{call: w.nodes[1].CallOwner}
	w.nodes[1].Divert(lost.Call)
	q := other.Queue(plain)
	if _, err := q.Enqueue([]Enqueue{text("a")}, nil); !errors.Is(err, partition.ErrStopped) {
		t.Errorf("send: %v", err)
	}
	if _, err := q.Lease(t.Context(), LeaseRequest{Max: 1, Time: 3600_000}); !errors.Is(err, partition.ErrStopped) {
		t.Errorf("receive: %v", err)
	}
	if err := q.Purge(); !errors.Is(err, partition.ErrStopped) {
		t.Errorf("purge: %v", err)
	}
	if _, err := q.Move(t.Context(), 1, plainDead); !errors.Is(err, partition.ErrStopped) {
		t.Errorf("move: %v", err)
	}
	if _, err := q.Settle([]Settlement{{Seq: 1}}, nil); !errors.Is(err, partition.ErrStopped) {
		t.Errorf("settle: %v", err)
	}
	if lost.calls != 5 {
		t.Errorf("%d calls", lost.calls)
	}
	if s := owner.Queue(plain).Stats(); s.Enqueued != 1 || s.Delivered != 1 {
		t.Errorf("the owner did %+v", s)
	}
}

// losing loses every reply.
type losing struct {
	call  func(ctx context.Context, id uint16, request []byte) ([]byte, error)
	calls int
}

func (l *losing) Call(ctx context.Context, id uint16, request []byte) ([]byte, error) {
	l.calls++
	if _, err := l.call(ctx, id, request); err != nil {
		return nil, err
	}
	return nil, partition.ErrStopped
}

// TestReplacedOwner: one that another node replaced without its knowledge hands out
// nothing and acknowledges nothing, writes or not.
func TestReplacedOwner(t *testing.T) {
	t.Parallel()
	for name, call := range map[string]func(e *Engine, d Delivery) error{
		"send": func(e *Engine, _ Delivery) error {
			_, err := e.Queue(plain).Enqueue([]Enqueue{text("x")}, nil)
			return err
		},
		"delete what is not known": func(e *Engine, d Delivery) error {
			_, err := e.Queue(plain).Settle([]Settlement{{Seq: d.Seq, Generation: d.Generation}}, nil)
			return err
		},
		"receive": func(e *Engine, _ Delivery) error {
			_, err := e.Queue(plain).Lease(context.Background(), LeaseRequest{Max: 1, Time: -1})
			return err
		},
		"repeat a receive": func(e *Engine, _ Delivery) error {
			_, err := e.Queue(ordered).Lease(context.Background(), LeaseRequest{Max: 1, Time: -1, Attempt: "x"})
			return err
		},
		"purge": func(e *Engine, _ Delivery) error { return e.Queue(plain).Purge() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, owner, other := twoNodes(t)
			send(t, owner.Queue(plain), text("a"))
			m := text("b")
			m.Group = "g"
			send(t, owner.Queue(ordered), m)
			if got := lease(t, owner.Queue(ordered), LeaseRequest{Max: 1, Time: -1, Attempt: "x"}); len(got) != 1 {
				t.Fatalf("leased %v", got)
			}
			for id := range w.Logs {
				w.Take(id, w.nodes[1].Member)
			}
			send(t, other.Queue(plain), text("c"))
			in := lease(t, other.Queue(plain), LeaseRequest{Max: 2, Time: -1})
			if len(in) != 2 {
				t.Fatalf("leased %v", in)
			}
			if err := call(owner, in[1]); !errors.Is(err, partition.ErrStopped) {
				t.Errorf("the replaced owner says %v", err)
			}
			for id := range w.Logs {
				w.nodes[0].Set.Get(id).Release()
			}
			accept(t, owner.Queue(plain), in...) // elsewhere now
		})
	}
}

// TestDeletedWhileLoading: a queue that is deleted while its partition is loaded
// leaves nothing behind.
func TestDeletedWhileLoading(t *testing.T) {
	t.Parallel()
	w, owner, other := twoNodes(t)
	q := owner.Queue(plain)
	send(t, q, text("a"))
	id := q.m.p.ID()
	other.Queue(plain).gone.Store(true) // as Delete does, whose command is refused then
	w.Hand(id, w.nodes[1].Member)
	eventually(t, "dropped", func() bool {
		n := 0
		for _, space := range []store.Space{store.SpaceQueue, store.SpaceMessage} {
			lo, hi := store.Bounds(id, space, plain)
			if err := w.nodes[1].Store.Scan(lo, hi, func(_, _ []byte) bool { n++; return true }); err != nil {
				t.Fatal(err)
			}
		}
		return n == 0
	})
	if c := q.LocalCounters(); c != (Counters{}) {
		t.Errorf("who does not own it any more counts %+v", c)
	}
}

// poll is a waiting receive.
func poll(ctx context.Context, e *Engine, id uint64, wait time.Duration) <-chan polled {
	ended := make(chan polled, 1)
	go func() {
		out, err := e.Queue(id).Lease(ctx, LeaseRequest{Max: 1, Time: -1, Wait: wait})
		ended <- polled{out, err}
	}()
	return ended
}

// parked waits until so many receives wait at the owner.
func parked(t *testing.T, e *Engine, id uint64, n int) {
	t.Helper()
	eventually(t, "parked", func() bool {
		c := &inspectCommand{Call: partition.NewCall(), q: e.Queue(id)}
		c.q.m.p.Submit(c)
		return c.Wait() == nil && c.waiters == n
	})
}

type inspectCommand struct {
	partition.Call
	q       *Queue
	waiters int
}

func (c *inspectCommand) Run(tx *partition.Tx) {
	if l := c.q.m.locals[c.q.id]; l != nil {
		c.waiters = l.waiters.Len()
	}
}

// TestPollsMove: receives that wait move with the partition, also those of the node
// that owned it, however often; nobody's caller sees anything of it.
func TestPollsMove(t *testing.T) {
	t.Parallel()
	for _, force := range []bool{false, true} {
		t.Run(fmt.Sprint("force=", force), func(t *testing.T) {
			t.Parallel()
			w, owner, other := twoNodes(t)
			id := owner.Queue(plain).m.p.ID()
			polls := []<-chan polled{poll(t.Context(), owner, plain, time.Minute), poll(t.Context(), other, plain, time.Minute)}
			parked(t, owner, plain, 2)
			for i := range 5 {
				next := w.nodes[(i+1)%2]
				if force {
					old := w.nodes[i%2]
					w.Take(id, next.Member)
					old.Set.Get(id).Release()
				} else {
					w.Hand(id, next.Member)
				}
				parked(t, next.Engine, plain, 2)
			}
			send(t, owner.Queue(plain), text("a"), text("b"))
			for _, p := range polls {
				if got := <-p; got.err != nil || len(got.out) != 1 {
					t.Errorf("got %+v", got)
				}
			}
		})
	}
}

// TestPollEnds: the wait is not longer for a move.
func TestPollEnds(t *testing.T) {
	t.Parallel()
	w, owner, other := twoNodes(t)
	began := time.Now()
	polls := []<-chan polled{poll(t.Context(), owner, plain, time.Second), poll(t.Context(), other, plain, time.Second)}
	parked(t, owner, plain, 2)
	w.Hand(owner.Queue(plain).m.p.ID(), w.nodes[1].Member)
	for _, p := range polls {
		if got := <-p; got.err != nil || len(got.out) != 0 {
			t.Errorf("got %+v", got)
		}
	}
	if took := time.Since(began); took < time.Second || took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}

// TestPollAtFailingOwner: one that fails at once is not asked without a pause, and the
// poll ends when its time is over.
func TestPollAtFailingOwner(t *testing.T) {
	t.Parallel()
	w, _, other := twoNodes(t)
	failing := &losing{call: func(context.Context, uint16, []byte) ([]byte, error) { return nil, partition.ErrStopped }}
	w.nodes[1].Divert(failing.Call)
	out, err := other.Queue(plain).Lease(t.Context(), LeaseRequest{Max: 1, Wait: 200 * time.Millisecond})
	if err != nil || len(out) != 0 || failing.calls > 15 {
		t.Errorf("%v %v after %d calls", out, err, failing.calls)
	}
}

// TestCallerGoneElsewhere: what a poll at another node brings after its caller has
// gone is visible again, and it does not go on waiting there.
func TestCallerGoneElsewhere(t *testing.T) {
	t.Parallel()
	_, owner, other := twoNodes(t)
	q := other.Queue(plainDead) // no dead letters: it is received often
	for range 200 {
		ctx, cancel := context.WithCancel(context.Background())
		p := poll(ctx, other, plainDead, time.Minute)
		var both sync.WaitGroup
		both.Go(cancel)
		send(t, q, text("a"))
		both.Wait()
		got := (<-p).out
		if len(got) == 0 {
			got = lease(t, q, LeaseRequest{Max: 1, Time: -1, Wait: time.Minute})
		}
		if len(got) != 1 {
			t.Fatalf("the message is gone: %+v", owner.Queue(plainDead).LocalCounters())
		}
		accept(t, q, got...)
	}
	parked(t, owner, plainDead, 0)
}

// TestDrain: a caller that goes while its poll waits at another node is answered at
// once, and Close does not wait for the poll's time, owner or not.
func TestDrain(t *testing.T) {
	t.Parallel()
	for _, owned := range []bool{true, false} {
		t.Run(fmt.Sprint("owned=", owned), func(t *testing.T) {
			t.Parallel()
			w, owner, other := twoNodes(t)
			ctx, cancel := context.WithCancel(context.Background())
			p := poll(ctx, other, plain, time.Hour)
			parked(t, owner, plain, 1)
			if !owned {
				id := owner.Queue(plain).m.p.ID()
				w.nodes[0].Set.Get(id).Release()
				w.Route(id, nil)
			}
			began := time.Now()
			cancel()
			if got := <-p; got.err != nil || len(got.out) != 0 {
				t.Errorf("got %+v", got)
			}
			if took := time.Since(began); took > time.Second {
				t.Errorf("answered after %v", took)
			}
			other.Close()
			if took := time.Since(began); took > leaveTime+3*time.Second {
				t.Errorf("closed after %v", took)
			}
			if owned {
				parked(t, owner, plain, 0)
			}
		})
	}
}
