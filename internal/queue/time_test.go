package queue

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/store"
)

// virtual runs f with an engine in memory, in virtual time.
func virtual(t *testing.T, f func(t *testing.T, e *Engine)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		st, err := store.Open(store.Options{Memory: true})
		if err != nil {
			t.Fatal(err)
		}
		set, err := partition.OpenSet(st, partition.Options{Partitions: 1})
		if err != nil {
			t.Fatal(err)
		}
		e := New(set, st, Options{})
		if err := set.Start(); err != nil {
			t.Fatal(err)
		}
		e.Start()
		f(t, e)
		e.Close()
		if err := set.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
}

// receives checks that a long poll is served after so long.
func receives(t *testing.T, q *Queue, after time.Duration) Delivery {
	t.Helper()
	start := time.Now()
	out := lease(t, q, LeaseRequest{Max: 10, Time: -1, Wait: 24 * time.Hour})
	if len(out) != 1 {
		t.Fatalf("got %d messages after %v", len(out), time.Since(start))
	}
	// The engine's time is in milliseconds.
	if d := time.Since(start) - after; d < -time.Millisecond || d > 2*time.Millisecond {
		t.Errorf("received after %v, want %v", time.Since(start), after)
	}
	return out[0]
}

func TestVisibilityEndsInTime(t *testing.T) {
	virtual(t, func(t *testing.T, e *Engine) {
		q := e.Declare(7, standardSpec)
		send(t, q, text("a"))
		receives(t, q, 0)
		d := receives(t, q, 30*time.Second)
		if _, err := q.Settle([]Settlement{{Seq: d.Seq, Generation: d.Generation, Extend: true, Time: 5000}}, nil); err != nil {
			t.Fatal(err)
		}
		receives(t, q, 5*time.Second)
	})
}

func TestDelayEndsInTime(t *testing.T) {
	virtual(t, func(t *testing.T, e *Engine) {
		q := e.Declare(7, standardSpec)
		late := text("late")
		late.Delay = 90_000
		send(t, q, late)
		if c := q.LocalCounters(); c.Delayed != 1 || c.Visible != 0 {
			t.Errorf("counters %+v", c)
		}
		receives(t, q, 90*time.Second)
		fifo := standardSpec
		fifo.FIFO, fifo.Delay = true, 60_000
		f := e.Declare(8, fifo)
		send(t, f, text("a"))
		time.Sleep(10 * time.Second)
		fifo.Delay = 20_000 // applies to what is there
		e.Declare(8, fifo)
		receives(t, f, 10*time.Second)
	})
}

func TestRetentionEndsInTime(t *testing.T) {
	virtual(t, func(t *testing.T, e *Engine) {
		spec := standardSpec
		spec.Retention = 3600_000
		q := e.Declare(7, spec)
		for range 5000 { // several sweeps, and more than the window
			send(t, q, text("a"))
		}
		late := text("late")
		late.Delay = 900_000
		send(t, q, late)
		lease(t, q, LeaseRequest{Max: 10, Time: 43_200_000})
		time.Sleep(59 * time.Minute)
		if c := q.LocalCounters(); c.Visible != 4991 || c.InFlight != 10 {
			t.Errorf("before: %+v", c)
		}
		time.Sleep(time.Minute + 3*time.Second)
		if c := q.LocalCounters(); c.Visible+c.InFlight+c.Delayed != 0 || q.Stats().Expired != 5001 {
			t.Errorf("after: %+v %+v", c, q.Stats())
		}
		if problems := e.store.Check(Check); len(problems) > 0 {
			t.Error(problems)
		}
		if e.CacheUsed() != 0 {
			t.Errorf("the cache leaks %d bytes", e.CacheUsed())
		}
	})
}

func TestDedupWindowEndsInTime(t *testing.T) {
	virtual(t, func(t *testing.T, e *Engine) {
		spec := standardSpec
		spec.FIFO = true
		q := e.Declare(7, spec)
		again := func() Enqueued {
			m := text("a")
			m.HasDedup = true
			return send(t, q, m)[0]
		}
		first := again()
		time.Sleep(5*time.Minute - 2*time.Millisecond)
		if got := again(); !got.Duplicate || got.Seq != first.Seq || got.ID != first.ID {
			t.Errorf("in the window: %+v", got)
		}
		time.Sleep(3 * time.Millisecond)
		if got := again(); got.Duplicate {
			t.Errorf("after the window: %+v", got)
		}
	})
}

func TestLongPollEndsInTime(t *testing.T) {
	virtual(t, func(t *testing.T, e *Engine) {
		q := e.Declare(7, standardSpec)
		start := time.Now()
		if out := lease(t, q, LeaseRequest{Max: 1, Time: -1, Wait: 20 * time.Second}); len(out) != 0 {
			t.Fatal(out)
		}
		if d := time.Since(start); d != 20*time.Second {
			t.Errorf("ended after %v", d)
		}
		// The one that waits longest gets the first message.
		got := make(chan string, 3)
		for _, name := range []string{"first", "second", "third"} {
			go func() {
				for _, d := range lease(t, q, LeaseRequest{Max: 1, Time: -1, Wait: 20 * time.Second}) {
					got <- name + " " + string(d.Body)
				}
			}()
			synctest.Wait()
		}
		for _, body := range []string{"a", "b", "c"} {
			send(t, q, text(body))
			synctest.Wait()
		}
		for _, want := range []string{"first a", "second b", "third c"} {
			if s := <-got; s != want {
				t.Errorf("%q, want %q", s, want)
			}
		}
	})
}

func TestAttemptIsRepeatedForFiveMinutes(t *testing.T) {
	virtual(t, func(t *testing.T, e *Engine) {
		spec := standardSpec
		spec.FIFO = true
		q := e.Declare(7, spec)
		send(t, q, text("a"))
		first := lease(t, q, LeaseRequest{Max: 10, Time: 600_000, Attempt: "x"})
		time.Sleep(4 * time.Minute)
		again := lease(t, q, LeaseRequest{Max: 10, Time: 600_000, Attempt: "x"})
		if len(again) != 1 || again[0].Seq != first[0].Seq || again[0].Generation != first[0].Generation {
			t.Errorf("repeated: %+v", again)
		}
		time.Sleep(2 * time.Minute)
		if late := lease(t, q, LeaseRequest{Max: 10, Time: -1, Attempt: "x"}); len(late) != 0 {
			t.Errorf("after the window: %+v", late)
		}
	})
}

// TestIdleEngineSleeps: with nothing due, virtual time passes at once. An engine
// that looked again and again would take very long.
func TestIdleEngineSleeps(t *testing.T) {
	virtual(t, func(t *testing.T, e *Engine) {
		q := e.Declare(7, standardSpec)
		late := text("late")
		late.Delay = 900_000
		send(t, q, text("a"), late)
		time.Sleep(3 * 24 * time.Hour)
		if c := q.LocalCounters(); c.Visible != 2 {
			t.Errorf("counters %+v", c)
		}
	})
}
