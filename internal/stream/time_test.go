package stream

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/store"
)

// virtual runs f with an engine in memory, in virtual time.
func virtual(t *testing.T, f func(t *testing.T, e *Engine)) {
	t.Helper()
	virtualWith(t, partition.Options{Partitions: 1}, f)
}

func virtualWith(t *testing.T, o partition.Options, f func(t *testing.T, e *Engine)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		st, err := store.Open(store.Options{Memory: true})
		if err != nil {
			t.Fatal(err)
		}
		set, err := partition.OpenSet(st, o)
		if err != nil {
			t.Fatal(err)
		}
		e := New(set, st, Options{CacheBytes: 10_000})
		if err := set.Start(); err != nil {
			t.Fatal(err)
		}
		f(t, e)
		e.Close()
		if err := set.Close(context.Background()); err != nil {
			t.Error(err)
		}
		for _, problem := range st.Check(Check) {
			t.Error(problem)
		}
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
}

// oldest is the first record that is shown, 0 for none.
func oldest(t *testing.T, s *Shard) uint64 {
	t.Helper()
	if p := read(t, s, 0, 1, 1<<20); len(p.Records) > 0 {
		return p.Records[0].Seq
	}
	return 0
}

func first(t *testing.T, s *Shard) uint64 {
	t.Helper()
	b, err := s.LocalBounds()
	if err != nil {
		t.Fatal(err)
	}
	return b.First
}

// fill appends a record of 1,000 bytes every second.
func fill(t *testing.T, s *Shard, n int) {
	t.Helper()
	for range n {
		put(t, s, Record{Key: "k", Data: make([]byte, 999)})
		time.Sleep(time.Second)
	}
}

func TestRecordsExpireInTime(t *testing.T) {
	virtual(t, func(t *testing.T, e *Engine) {
		s := e.Declare(7, Spec{Retention: 3600_000})
		fill(t, s, 100) // record n is of second n-1, it is second 100
		time.Sleep(3500*time.Second + time.Millisecond)
		for n := range uint64(100) { // it is second 3600 + n
			want := n + 2
			if n == 99 {
				want = 0
			}
			if got := oldest(t, s); got != want {
				t.Errorf("second %d: record %d is shown, want %d", 3600+n, got, want)
			}
			if got, err := s.Seek(t.Context(), 0); err != nil || got != n+2 {
				t.Errorf("second %d: seek gives %d, want %d (%v)", 3600+n, got, n+2, err)
			}
			time.Sleep(time.Second)
		}
		time.Sleep(time.Minute)
		if b, err := s.LocalBounds(); err != nil || b.First != 101 || b.Next != 101 || stored(t, e, s) != 1 {
			t.Errorf("after all: %+v, %d keys", b, stored(t, e, s))
		}
		if out := put(t, s, text("a")); out.First != 101 {
			t.Errorf("it goes on with %d", out.First)
		}
	})
}

// TestTrimmingIsLateAndRare: the disk is given back within a hundredth of the retention.
func TestTrimmingIsLateAndRare(t *testing.T) {
	virtual(t, func(t *testing.T, e *Engine) {
		s := e.Declare(7, Spec{Retention: 3600_000})
		fill(t, s, 3600)
		trims, was := 0, first(t, s)
		for n := range 3600 {
			fill(t, s, 1)
			shown, at := oldest(t, s), first(t, s)
			if at > shown || shown-at > 38 {
				t.Fatalf("second %d: record %d is shown, %d stored", n, shown, at)
			}
			if at != was {
				was = at
				trims++
			}
			if n%100 == 0 && stored(t, e, s) > 3600+38 {
				t.Fatalf("second %d: %d keys", n, stored(t, e, s))
			}
		}
		if trims < 90 || trims > 110 {
			t.Errorf("%d trims", trims)
		}
	})
}

func TestSeekByTime(t *testing.T) {
	virtual(t, func(t *testing.T, e *Engine) {
		s := e.Declare(7, daySpec)
		if got, err := s.Seek(t.Context(), 0); got != 1 || err != nil {
			t.Errorf("an empty shard: %d %v", got, err)
		}
		start := time.Now().UnixMilli()
		fill(t, s, 300)
		for at, want := range map[int64]uint64{-5000: 1, 0: 1, 1: 2, 1000: 2, 1001: 3, 150_000: 151, 298_999: 300, 299_000: 300, 299_001: 301, 9_000_000: 301} {
			if got, err := s.Seek(t.Context(), start+at); got != want || err != nil {
				t.Errorf("from %d ms on: %d, want %d (%v)", at, got, want, err)
			}
		}
	})
}

func TestRetentionChanges(t *testing.T) {
	virtual(t, func(t *testing.T, e *Engine) {
		s := e.Declare(7, Spec{Retention: 3600_000})
		fill(t, s, 1000)
		e.Declare(7, Spec{Retention: 100_000})
		synctest.Wait()
		if got := oldest(t, s); got != 901 {
			t.Errorf("shortened: record %d is shown", got)
		}
		e.Declare(7, Spec{Retention: 3600_000}) // before it is trimmed
		synctest.Wait()
		if got := oldest(t, s); got != 901 {
			t.Errorf("extended again: record %d is shown", got)
		}
		time.Sleep(2500 * time.Second) // nothing expires
		if got := oldest(t, s); got != 901 {
			t.Errorf("later: record %d is shown", got)
		}
		time.Sleep(1000 * time.Second) // 900 do
		if got := oldest(t, s); got != 901 {
			t.Errorf("after an hour: record %d is shown", got)
		}
		time.Sleep(50 * time.Second)
		if got := oldest(t, s); got < 949 || got > 952 {
			t.Errorf("in the end: record %d is shown", got)
		}
	})
}

// TestRetentionChangesBothWays: the change is remembered even if the next comes before
// the partition has seen it.
func TestRetentionChangesBothWays(t *testing.T) {
	virtual(t, func(t *testing.T, e *Engine) {
		s := e.Declare(7, Spec{Retention: 3600_000})
		fill(t, s, 10)
		e.Declare(7, Spec{Retention: 2_000})
		e.Declare(7, Spec{Retention: 3600_000})
		synctest.Wait()
		if got := oldest(t, s); got != 9 {
			t.Errorf("record %d is shown", got)
		}
	})
}

func TestWaitEndsInTime(t *testing.T) {
	virtual(t, func(t *testing.T, e *Engine) {
		s := e.Declare(7, daySpec)
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if err := s.Wait(ctx, 1); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 5*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// TestIdleEngineSleeps: with nothing due, virtual time passes at once. An engine that
// looked again and again would take very long.
func TestIdleEngineSleeps(t *testing.T) {
	virtual(t, func(t *testing.T, e *Engine) {
		for id := range uint64(100) {
			put(t, e.Declare(id, Spec{Retention: 6 * 3600_000}), text("a"))
		}
		time.Sleep(5 * time.Hour)
		if got := oldest(t, e.Shard(7)); got != 1 {
			t.Errorf("record %d is shown", got)
		}
		time.Sleep(2 * time.Hour)
		for id := range uint64(100) {
			if n := stored(t, e, e.Shard(id)); n != 1 {
				t.Errorf("shard %d has %d keys", id, n)
			}
		}
	})
}

// stall keeps the partition from doing anything until it is let go.
type stall struct{ running, goOn chan struct{} }

func (c *stall) Run(*partition.Tx) { close(c.running); <-c.goOn }
func (c *stall) Done(error)        {}

// TestBusyPartitionDoesItLater: what nobody waits for is done when there is room again.
func TestBusyPartitionDoesItLater(t *testing.T) {
	virtualWith(t, partition.Options{Partitions: 1, InboxLimit: 2}, func(t *testing.T, e *Engine) {
		gone, short := e.Declare(7, daySpec), e.Declare(8, daySpec)
		put(t, gone, text("a"))
		put(t, short, text("b"))
		time.Sleep(2 * time.Minute)
		busy := &stall{make(chan struct{}), make(chan struct{})}
		e.set.All()[0].Submit(busy)
		<-busy.running
		for range 2 {
			e.set.All()[0].Submit(&stall{make(chan struct{}), busy.goOn})
		}
		e.Delete(7)
		e.Declare(8, Spec{Retention: time.Minute.Milliseconds()})
		e.Declare(8, daySpec) // what was hidden stays hidden
		close(busy.goOn)
		time.Sleep(5 * time.Second)
		if n := stored(t, e, gone); n != 0 {
			t.Errorf("%d keys of a shard that is deleted", n)
		}
		if seq := oldest(t, short); seq != 0 {
			t.Errorf("record %d came back", seq)
		}
	})
}
