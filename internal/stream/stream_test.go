package stream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/store"
)

var (
	memory  = store.Options{Memory: true}
	daySpec = Spec{Retention: 24 * 3600_000}
)

// open starts an engine on a store of its own; declare makes its shards known before
// the partitions load.
func open(t testing.TB, o store.Options, options Options, declare func(*Engine)) *Engine {
	t.Helper()
	st, err := store.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	set, err := partition.OpenSet(st, partition.Options{})
	if err != nil {
		t.Fatal(err)
	}
	e := New(set, st, options)
	declare(e)
	if err := set.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		e.Close()
		if err := set.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if problems := st.Check(Check, partition.Check); len(problems) > 0 {
			t.Error(problems)
		}
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func put(t testing.TB, s *Shard, in ...Record) Appended {
	t.Helper()
	out, err := s.Append(in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func text(data string) Record {
	return Record{Key: "k-" + data, Data: []byte(data), Header: []byte("h")}
}

func read(t testing.TB, s *Shard, from uint64, records, bytes int) Page {
	t.Helper()
	p, err := s.Read(t.Context(), from, records, bytes, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAppendAndRead(t *testing.T) {
	t.Parallel()
	for name, cache := range map[string]int64{"from memory": 64 << 20, "from the store": 1, "from both": 40_000} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := open(t, memory, Options{CacheBytes: cache}, func(*Engine) {})
			s := e.Declare(7, daySpec)
			if p := read(t, s, 0, 10, 1<<20); len(p.Records) != 0 || p.Next != 1 || !p.Tip() || p.Bounds != (Bounds{First: 1, Next: 1}) {
				t.Fatalf("empty: %+v", p)
			}
			for i := 1; i <= 1000; {
				var in []Record
				for range 1 + i%7 {
					in = append(in, text(fmt.Sprint(i)))
					i++
				}
				out := put(t, s, in...)
				if want := uint64(i - len(in)); out.First != want || out.Time == 0 {
					t.Fatalf("appended %+v, want first %d", out, want)
				}
				if p := read(t, s, out.First, 100, 1<<20); len(p.Records) != len(in) || !p.Tip() {
					t.Fatalf("%d of %d records can be read at once", len(p.Records), len(in))
				}
			}
			b, err := s.Bounds(t.Context())
			if err != nil || b.First != 1 || b.Newest == 0 || b.ClosedAt != 0 {
				t.Fatal(b, err)
			}
			next, time := uint64(0), int64(0)
			for !tipOf(t, s, next) {
				p := read(t, s, next, 13, 1<<20)
				next = max(next, 1)
				for _, r := range p.Records {
					want := text(fmt.Sprint(next))
					if r.Seq != next || r.Key != want.Key || !bytes.Equal(r.Data, want.Data) || string(r.Header) != "h" || r.Time < time {
						t.Fatalf("%d: %+v", next, r)
					}
					next, time = next+1, r.Time
				}
				if p.Next != next || len(p.Records) > 13 {
					t.Fatalf("%d records, next %d, want %d", len(p.Records), p.Next, next)
				}
			}
			if next != b.Next {
				t.Fatalf("read up to %d of %+v", next, b)
			}
		})
	}
}

func tipOf(t *testing.T, s *Shard, next uint64) bool {
	b, err := s.LocalBounds()
	if err != nil {
		t.Fatal(err)
	}
	return next >= b.Next
}

func TestReadIsBounded(t *testing.T) {
	t.Parallel()
	e := open(t, memory, Options{}, func(*Engine) {})
	s := e.Declare(7, daySpec)
	large := Record{Key: "k", Data: make([]byte, 10<<20)}
	put(t, s, large)
	put(t, s, Record{Key: "kk", Data: make([]byte, 98)}, Record{Key: "kk", Data: make([]byte, 98)}, Record{})
	if p := read(t, s, 1, 10, 1); len(p.Records) != 1 || len(p.Records[0].Data) != 10<<20 || p.Next != 2 || p.Tip() {
		t.Errorf("the first record, whatever its size: %d, next %d", len(p.Records), p.Next)
	}
	for bytes, want := range map[int]int{1: 1, 100: 1, 199: 1, 200: 2, 201: 3, 1000: 3} {
		if p := read(t, s, 2, 10, bytes); len(p.Records) != want || p.Next != uint64(2+want) {
			t.Errorf("%d bytes: %d records, next %d", bytes, len(p.Records), p.Next)
		}
	}
	if p := read(t, s, 4, 10, 100); len(p.Records) != 1 || len(p.Records[0].Data) != 0 || p.Records[0].Key != "" {
		t.Errorf("the empty record: %+v", p.Records)
	}
	if p := read(t, s, 77, 10, 100); len(p.Records) != 0 || p.Next != 77 || !p.Tip() {
		t.Errorf("from beyond the end: %+v", p)
	}
	if _, err := s.Append([]Record{large, {Data: make([]byte, 3<<20)}}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
	if out, err := s.Append(nil); err != nil || out != (Appended{}) {
		t.Errorf("nothing: %+v %v", out, err)
	}
}

func TestAppendEach(t *testing.T) {
	t.Parallel()
	e := open(t, memory, Options{}, func(*Engine) {})
	var targets []*Target
	for id := range uint64(300) {
		s := e.Declare(id+1, daySpec)
		if id%100 == 7 {
			if _, err := s.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		targets = append(targets, &Target{Shard: s, Records: []Record{text("a"), text("b")}}, &Target{Shard: s, Records: []Record{text("c")}})
	}
	AppendEach(targets)
	for i, target := range targets {
		id := uint64(i / 2)
		switch want := (Appended{First: uint64(1 + 2*(i%2)), Time: target.Appended.Time}); {
		case id%100 == 7:
			if !errors.Is(target.Err, ErrClosed) || target.Appended != (Appended{}) {
				t.Errorf("closed shard %d: %+v %v", id, target.Appended, target.Err)
			}
		case target.Err != nil || target.Appended != want:
			t.Errorf("shard %d: %+v %v", id, target.Appended, target.Err)
		}
	}
	for _, target := range targets {
		if p := read(t, target.Shard, 1, 10, 1000); len(p.Records) != 3 && p.Bounds.ClosedAt == 0 || !p.Tip() {
			t.Errorf("shard %d has %d records", target.Shard.id, len(p.Records))
		}
	}
}

func TestCloseIsFinal(t *testing.T) {
	t.Parallel()
	e := open(t, memory, Options{}, func(*Engine) {})
	s, empty := e.Declare(7, daySpec), e.Declare(8, daySpec)
	out := put(t, s, text("a"), text("b"))
	waits := make(chan error)
	go func() { waits <- s.Wait(context.Background(), 3) }()
	for range 2 {
		if c, err := s.Close(t.Context()); err != nil || c.Last != 2 || c.Time < out.Time {
			t.Errorf("closed: %+v %v", c, err)
		}
	}
	if err := <-waits; !errors.Is(err, ErrClosed) {
		t.Errorf("a wait at the end: %v", err)
	}
	if err := s.Wait(t.Context(), 2); err != nil {
		t.Errorf("a wait before the end: %v", err)
	}
	if _, err := s.Append([]Record{text("c")}); !errors.Is(err, ErrClosed) {
		t.Errorf("append: %v", err)
	}
	if p := read(t, s, 1, 10, 100); len(p.Records) != 2 || !p.Tip() || p.Bounds.ClosedAt == 0 {
		t.Errorf("read: %+v", p)
	}
	if c, err := empty.Close(t.Context()); err != nil || c.Last != 0 || c.Time == 0 {
		t.Errorf("an empty shard: %+v %v", c, err)
	}
}

func TestWaitIsWokenByCommit(t *testing.T) {
	t.Parallel()
	e := open(t, memory, Options{}, func(*Engine) {})
	s := e.Declare(7, daySpec)
	for i := range uint64(50) {
		woken := make(chan error, 2)
		for range 2 {
			go func() {
				err := s.Wait(context.Background(), i+1)
				if err == nil && len(read(t, s, i+1, 10, 100).Records) != 1 {
					err = errors.New("there is nothing to read")
				}
				woken <- err
			}()
		}
		put(t, s, text("a"))
		for range 2 {
			if err := <-woken; err != nil {
				t.Fatal(err)
			}
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := s.Wait(ctx, 51); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("nothing in time: %v", err)
	}
}

func TestDeletedShard(t *testing.T) {
	t.Parallel()
	e := open(t, memory, Options{}, func(*Engine) {})
	s := e.Declare(7, daySpec)
	put(t, s, text("a"))
	waits := make(chan error)
	go func() { waits <- s.Wait(context.Background(), 2) }()
	e.Delete(7)
	if err := <-waits; !errors.Is(err, ErrNoShard) {
		t.Errorf("wait: %v", err)
	}
	if _, err := s.Append([]Record{text("b")}); !errors.Is(err, ErrNoShard) {
		t.Errorf("append: %v", err)
	}
	if _, err := s.Read(t.Context(), 1, 1, 1, nil); !errors.Is(err, ErrNoShard) {
		t.Errorf("read: %v", err)
	}
	if _, err := s.Close(t.Context()); !errors.Is(err, ErrNoShard) {
		t.Errorf("close: %v", err)
	}
	eventually(t, "deleted", func() bool { return stored(t, e, s) == 0 && e.tails.Used() == 0 })
}

// TestAllocations: not parallel, since it counts everybody's.
func TestAllocations(t *testing.T) {
	e := open(t, memory, Options{}, func(*Engine) {})
	s := e.Declare(7, daySpec)
	in := []Record{text("a")}
	put(t, s, in...)
	for _, c := range []struct {
		what string
		most float64
		do   func()
	}{
		{"append", 12, func() { put(t, s, in...) }}, // with the batch and the store
		{"read at the tip", 0, func() { read(t, s, 1<<40, 10, 100) }},
		{"read", 8, func() { read(t, s, 1, 1, 100) }},
		{"wait for what is there", 1, func() {
			if err := s.Wait(t.Context(), 1); err != nil {
				t.Error(err)
			}
		}},
		{"bounds", 0, func() {
			if _, err := s.LocalBounds(); err != nil {
				t.Error(err)
			}
		}},
	} {
		if n := testing.AllocsPerRun(200, c.do); n > c.most {
			t.Errorf("%s: %v allocations, more than %v", c.what, n, c.most)
		}
	}
}

// stored counts the keys of a shard.
func stored(t testing.TB, e *Engine, s *Shard) (n int) {
	for _, space := range []store.Space{store.SpaceShard, store.SpaceRecord} {
		lo, hi := store.Bounds(s.m.p.ID(), space, s.id)
		if err := e.store.Scan(lo, hi, func(_, _ []byte) bool { n++; return true }); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// eventually polls for what another goroutine does.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: never", what)
		}
	}
}
