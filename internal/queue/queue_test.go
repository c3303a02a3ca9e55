package queue

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/queue/core"
	"github.com/spillway/spillway/internal/store"
)

// standardSpec is a standard queue with the defaults of SQS.
var standardSpec = Spec{Lease: 30_000, Retention: 4 * 24 * 3600_000, MaxInFlight: 120_000}

// open starts an engine on a store of its own; declare makes its queues known
// before the partitions load.
func open(t testing.TB, o store.Options, declare func(*Engine)) *Engine {
	t.Helper()
	st, err := store.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	set, err := partition.OpenSet(st, partition.Options{})
	if err != nil {
		t.Fatal(err)
	}
	e := New(set, st, Options{})
	declare(e)
	if err := set.Start(); err != nil {
		t.Fatal(err)
	}
	e.Start()
	t.Cleanup(func() {
		e.Close()
		if err := set.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func send(t testing.TB, q *Queue, in ...Enqueue) []Enqueued {
	t.Helper()
	out, err := q.Enqueue(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func text(body string) Enqueue {
	return Enqueue{Message: Message{ID: NewID(), Body: []byte(body)}, Delay: -1}
}

func lease(t testing.TB, q *Queue, in LeaseRequest) []Delivery {
	t.Helper()
	out, err := q.Lease(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func accept(t testing.TB, q *Queue, in ...Delivery) {
	t.Helper()
	for _, d := range in {
		errs, err := q.Settle([]Settlement{{Seq: d.Seq, Generation: d.Generation}}, nil)
		if err != nil || errs[0] != nil {
			t.Fatal(err, errs)
		}
	}
}

func TestStandardLifecycle(t *testing.T) {
	t.Parallel()
	e := open(t, store.Options{Memory: true}, func(*Engine) {})
	q := e.Declare(7, standardSpec)
	for i := range 5000 {
		send(t, q, text(fmt.Sprint(i)))
	}
	if c := q.LocalCounters(); c.Visible != 5000 || c.InFlight != 0 {
		t.Fatalf("counters %+v", c)
	}
	seen := 0
	for {
		in := lease(t, q, LeaseRequest{Max: 10, Time: -1})
		if len(in) == 0 {
			break
		}
		for _, d := range in {
			if want := fmt.Sprint(seen); string(d.Body) != want {
				t.Fatalf("got %q, want %q", d.Body, want)
			}
			seen++
		}
		accept(t, q, in...)
	}
	if seen != 5000 {
		t.Fatalf("saw %d", seen)
	}
	if c := q.LocalCounters(); c != (Counters{}) {
		t.Fatalf("counters %+v", c)
	}
}

func TestWaitingLeaseIsServedBySend(t *testing.T) {
	t.Parallel()
	e := open(t, store.Options{Memory: true}, func(*Engine) {})
	q := e.Declare(7, standardSpec)
	got := make(chan []Delivery)
	go func() {
		out, _ := q.Lease(context.Background(), LeaseRequest{Max: 10, Time: -1, Wait: time.Minute})
		got <- out
	}()
	send(t, q, text("a"))
	if out := <-got; len(out) != 1 || string(out[0].Body) != "a" {
		t.Fatalf("got %v", out)
	}
}

func TestDeadLetterArrivesBeforeTheReceiveReturns(t *testing.T) {
	t.Parallel()
	e := open(t, store.Options{Memory: true}, func(*Engine) {})
	for id := range uint64(8) { // whatever partitions they are in
		source, target := 2*id+2, 2*id+3
		dead := e.Declare(target, standardSpec)
		spec := standardSpec
		spec.DeadLetter, spec.MaxDeliveries = target, 1
		q := e.Declare(source, spec)
		sent := send(t, q, text("poison"))
		if got := lease(t, q, LeaseRequest{Max: 1, Time: 0}); len(got) != 1 {
			t.Fatalf("first lease: %v", got)
		}
		if got := lease(t, q, LeaseRequest{Max: 1, Time: 0}); len(got) != 0 {
			t.Fatalf("second lease: %v", got)
		}
		got := lease(t, dead, LeaseRequest{Max: 1, Time: -1})
		if len(got) != 1 || got[0].ID != sent[0].ID || got[0].Acquired != 2 || got[0].Origin != source {
			t.Fatalf("dead letter: %+v", got)
		}
		if c := q.LocalCounters(); c != (Counters{}) {
			t.Fatalf("source %+v", c)
		}
	}
}

func parseState(value []byte) (core.State, error) { return core.ParseState(value) }
