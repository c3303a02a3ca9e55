package stream

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/partition"
)

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
	s := other.Shard(3)
	if s.Local() || !owner.Shard(3).Local() {
		t.Error("who owns the shard?")
	}
	in := []Record{text("a"), {Key: "large", Data: bytes.Repeat([]byte("0123456789"), 1<<20)}, {}}
	out := put(t, s, in...)
	if out.First != 1 || out.Time == 0 {
		t.Errorf("appended %+v", out)
	}
	for _, s := range []*Shard{s, owner.Shard(3)} {
		p := read(t, s, 0, 10, MaxRead)
		if len(p.Records) != 3 || p.Next != 4 || !p.Tip() || p.Bounds != (Bounds{First: 1, Next: 4, Newest: out.Time}) {
			t.Fatalf("%d records, next %d, %+v", len(p.Records), p.Next, p.Bounds)
		}
		for i, r := range p.Records {
			if r.Seq != uint64(i+1) || r.Time != out.Time || r.Key != in[i].Key || !bytes.Equal(r.Data, in[i].Data) || !bytes.Equal(r.Header, in[i].Header) {
				t.Errorf("record %d: %d bytes at %d", i, len(r.Data), r.Seq)
			}
		}
		if seq, err := s.Seek(t.Context(), out.Time); seq != 1 || err != nil {
			t.Errorf("seek: %d %v", seq, err)
		}
		if seq, err := s.Seek(t.Context(), out.Time+1); seq != 4 || err != nil {
			t.Errorf("seek the tip: %d %v", seq, err)
		}
		if b, err := s.Bounds(t.Context()); err != nil || b != p.Bounds {
			t.Errorf("bounds %+v %v", b, err)
		}
		if err := s.Wait(t.Context(), 3); err != nil {
			t.Errorf("wait: %v", err)
		}
	}
	if _, err := s.LocalBounds(); !errors.Is(err, partition.ErrNotOwner) {
		t.Errorf("local bounds: %v", err)
	}
	if _, err := s.Append([]Record{{Data: make([]byte, MaxAppend+1)}}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
	if c, err := s.Close(t.Context()); err != nil || c.Last != 3 || c.Time < out.Time {
		t.Errorf("close: %+v %v", c, err)
	}
	if err := s.Wait(t.Context(), 4); !errors.Is(err, ErrClosed) {
		t.Errorf("wait at the end: %v", err)
	}
	if _, err := s.Append(in); !errors.Is(err, ErrClosed) {
		t.Errorf("append: %v", err)
	}
	owner.Delete(3)
	if _, err := s.Append(in); !errors.Is(err, ErrNoShard) {
		t.Errorf("append to none: %v", err)
	}
	if _, err := s.Read(t.Context(), 1, 1, 1, nil); !errors.Is(err, ErrNoShard) {
		t.Errorf("read from none: %v", err)
	}
	for op := opAppend; op <= opWait; op++ {
		if w.Served()[op] == 0 {
			t.Errorf("no request of kind %d was sent", op)
		}
	}
}

// TestAppendIsSentOnce: what may have been executed is the caller's to decide.
func TestAppendIsSentOnce(t *testing.T) {
	t.Parallel()
	w, _, other := twoNodes(t)
	w.SetFaults(33) // everything goes wrong in one of the three ways
	stored := 0
	s := other.Shard(1)
	for range 30 {
		if _, err := s.Append([]Record{text("a")}); err == nil {
			t.Error("acknowledged")
		} else if !errors.Is(err, partition.ErrStopped) {
			t.Error(err)
		}
		stored++
	}
	w.SetFaults(0)
	w.DeliverLate()
	w.Settle()
	if p := read(t, s, 1, 100, 10_000); len(p.Records) != stored {
		t.Errorf("%d records after %d calls", len(p.Records), stored)
	}
}

// TestReadsEndWithTheOwnership: what was looked at in one is not answered in the next.
func TestReadsEndWithTheOwnership(t *testing.T) {
	t.Parallel()
	w, owner, _ := twoNodes(t)
	s := owner.Shard(1)
	put(t, s, text("a"))
	g, err := s.glance()
	if err != nil || s.still(g.epoch) != nil {
		t.Fatal(err)
	}
	w.Take(s.m.p.ID(), w.nodes[0].Member)
	if err := s.still(g.epoch); !errors.Is(err, partition.ErrNotOwner) {
		t.Errorf("a read from before: %v", err)
	}
	s.m.p.Release()
	if g, err = s.glance(); !errors.Is(err, partition.ErrNotOwner) || owner.tails.Used() != 0 {
		t.Errorf("released: %v, %d bytes in memory", err, owner.tails.Used())
	}
	w.Take(s.m.p.ID(), w.nodes[0].Member)
	if err := s.still(g.epoch); !errors.Is(err, partition.ErrNotOwner) {
		t.Errorf("a read from between: %v", err)
	}
}

// TestWaitMoves: who waits is woken whatever happens to the partition meanwhile.
func TestWaitMoves(t *testing.T) {
	t.Parallel()
	w, owner, other := twoNodes(t)
	for i := range 30 {
		seq := uint64(i + 1)
		s := owner.Shard(2)
		woken := make(chan error, 2)
		for _, e := range []*Engine{owner, other} {
			go func() { woken <- e.Shard(2).Wait(context.Background(), seq) }()
		}
		if i%3 == 1 {
			time.Sleep(time.Duration(w.IntN(2000)) * time.Microsecond)
		}
		next := w.nodes[i%2]
		if i%2 == 0 {
			w.Hand(s.m.p.ID(), next.Member)
		} else {
			w.Take(s.m.p.ID(), next.Member)
			w.nodes[1-i%2].Set.Get(s.m.p.ID()).Release()
		}
		put(t, s, text("a"))
		for range 2 {
			select {
			case err := <-woken:
				if err != nil {
					t.Fatal(err)
				}
			case <-time.After(10 * time.Second):
				t.Fatalf("round %d: nobody woke it", i)
			}
		}
	}
}

// TestWaitEndsWithItsCaller: also where the wait is at another node.
func TestWaitEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	_, owner, other := twoNodes(t)
	for _, e := range []*Engine{owner, other} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		start := time.Now()
		if err := e.Shard(1).Wait(ctx, 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if d := time.Since(start); d > 2*time.Second {
			t.Errorf("it took %v", d)
		}
		cancel()
	}
}
