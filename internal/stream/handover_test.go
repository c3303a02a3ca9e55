package stream

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
)

var (
	handOverRuns = flag.Int("handover.runs", 4, "runs of the hand-over test, of 40 hand-overs each")
	handOverSeed = flag.Uint64("handover.seed", 0, "seed of the first")
)

const shards = 6

func declareAll(e *Engine) {
	for id := range uint64(shards) {
		e.Declare(id+1, daySpec)
	}
}

// ledger is what callers of an engine know.
type ledger struct {
	mu    sync.Mutex // guards the fields below
	asked map[string]bool
	acked map[string]place  // where a record was put, as acknowledged
	seen  map[place]string  // what was read
	ends  map[uint64]Closed // of closed shards
}

// place of a record.
type place struct{ shard, seq uint64 }

func newLedger() *ledger {
	return &ledger{asked: map[string]bool{}, acked: map[string]place{}, seen: map[place]string{}, ends: map[uint64]Closed{}}
}

// append appends to several shards; data are unique.
func (l *ledger) append(e *Engine, rng *rand.Rand, name string) error {
	var targets []*Target
	l.mu.Lock()
	for k := range 1 + rng.IntN(4) {
		t := &Target{Shard: e.Shard(1 + uint64(rng.IntN(shards)))}
		for n := range 1 + rng.IntN(3) {
			data := fmt.Sprintf("%s-%d-%d", name, k, n)
			l.asked[data] = true
			t.Records = append(t.Records, Record{Key: name, Data: []byte(data)})
		}
		targets = append(targets, t)
	}
	l.mu.Unlock()
	AppendEach(targets)
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, t := range targets {
		end, closed := l.ends[t.Shard.id]
		switch {
		case t.Err == nil:
			for i, r := range t.Records {
				l.acked[string(r.Data)] = place{t.Shard.id, t.Appended.First + uint64(i)}
			}
			if closed && t.Appended.First > end.Last {
				return fmt.Errorf("shard %d took record %d after it ended with %d", t.Shard.id, t.Appended.First, end.Last)
			}
		case errors.Is(t.Err, ErrClosed):
			for _, r := range t.Records {
				delete(l.asked, string(r.Data)) // certainly not stored
			}
		case !partitionError(t.Err):
			return t.Err
		}
	}
	return nil
}

// saw checks that everybody who reads a record reads the same.
func (l *ledger) saw(shard uint64, r Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	at, data := place{shard, r.Seq}, string(r.Data)
	if was, ok := l.seen[at]; ok && was != data {
		return fmt.Errorf("%v was %q, and is %q", at, was, data)
	}
	l.seen[at] = data
	if end, ok := l.ends[shard]; ok && r.Seq > end.Last {
		return fmt.Errorf("record %d of shard %d comes after its end %d", r.Seq, shard, end.Last)
	}
	if acked, ok := l.acked[data]; ok && acked != at {
		return fmt.Errorf("%q was put at %v, and is at %v", data, acked, at)
	}
	return nil
}

// follow reads a shard from its beginning as consumers do, from any node.
func (l *ledger) follow(ctx context.Context, w *world, id uint64, rng *rand.Rand) error {
	next, time := uint64(1), int64(0)
	for ctx.Err() == nil {
		s := w.nodes[rng.IntN(len(w.nodes))].Shard(id)
		if rng.IntN(3) > 0 {
			if err := s.Wait(ctx, next); errors.Is(err, ErrClosed) {
				break
			} else if err != nil && ctx.Err() == nil {
				return err
			}
		}
		p, err := s.Read(ctx, next, 1+rng.IntN(20), 1<<20, nil)
		if partitionError(err) || ctx.Err() != nil {
			continue
		}
		if err != nil {
			return err
		}
		for _, r := range p.Records {
			if r.Seq != next || r.Time < time {
				return fmt.Errorf("shard %d: record %d of %d follows %d of %d", id, r.Seq, r.Time, next-1, time)
			}
			if err := l.saw(id, r); err != nil {
				return err
			}
			next, time = next+1, r.Time
		}
		if p.Next != next || p.Bounds.First != 1 || len(p.Records) > 0 && next > p.Bounds.Next {
			return fmt.Errorf("shard %d: next is %d after %d (%+v)", id, p.Next, next-1, p.Bounds)
		}
	}
	return nil
}

// TestHandOvers runs callers of all kinds on three nodes while ownership moves between
// them: in peace, by force with the old owner going on, and after a commit whose
// outcome the owner does not know; while calls are refused, lose their replies, or come
// late. Nothing acknowledged may be lost or move, nothing may be there twice, and all
// readers must see the same, in order.
func TestHandOvers(t *testing.T) {
	t.Parallel()
	runs := *handOverRuns
	if testing.Short() {
		runs = min(runs, 2)
	}
	for n := range runs {
		seed := *handOverSeed + uint64(n)
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			handOverRun(t, seed, 40)
		})
	}
}

func handOverRun(t *testing.T, seed uint64, handOvers int) {
	w := newWorld(t, seed, 3, declareAll)
	l := newLedger()
	w.TakeAny()
	w.SetFaults(4)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	steps := make(chan struct{}, 1)
	for n := range uint64(4) {
		rng := rand.New(rand.NewPCG(seed, 100+n))
		running.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				if err := l.append(w.nodes[rng.IntN(3)].Engine, rng, fmt.Sprintf("%d-%d", n, i)); err != nil {
					t.Error(err)
					return
				}
				select {
				case steps <- struct{}{}:
				default:
				}
			}
		})
	}
	for id := range uint64(shards) {
		for n := range uint64(2) {
			rng := rand.New(rand.NewPCG(seed, 200+10*id+n))
			running.Go(func() {
				if err := l.follow(ctx, w, id+1, rng); err != nil {
					t.Error(err)
				}
			})
		}
	}
	rng := rand.New(rand.NewPCG(seed, 99))
	for i := range handOvers {
		for range 20 {
			<-steps
		}
		w.Disturb(rng)
		if i%8 == 7 {
			w.closeShard(l, rng)
		}
	}
	cancel()
	go func() {
		for range steps { // until everybody has seen it
		}
	}()
	running.Wait()
	close(steps)
	w.SetFaults(0)
	w.DeliverLate()
	w.Settle()
	w.HandAll()
	w.check(l)
	t.Logf("%d acknowledged of %d, %d shards closed; forwarded by kind: %v", len(l.acked), len(l.asked), len(l.ends), w.Served())
}

// closeShard closes one shard, from two nodes.
func (w *world) closeShard(l *ledger, rng *rand.Rand) {
	id := 1 + uint64(rng.IntN(shards/2)) // the others stay open
	for range 2 {
		c, err := w.nodes[rng.IntN(3)].Shard(id).Close(context.Background())
		if partitionError(err) {
			continue
		}
		l.mu.Lock()
		if was, ok := l.ends[id]; err != nil || ok && was != c {
			w.T.Errorf("shard %d closed: %+v %v, was %+v", id, c, err, was)
		}
		l.ends[id] = c
		l.mu.Unlock()
	}
}

// check compares what is there with what was acknowledged, and the replicas.
func (w *world) check(l *ledger) {
	t := w.T
	t.Helper()
	found := map[string]place{}
	for id := range uint64(shards) {
		s := w.nodes[0].Shard(id + 1) // whoever owns it
		next, end := uint64(1), uint64(0)
		for {
			p, err := s.Read(t.Context(), next, 100, 1<<20, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range p.Records {
				if r.Seq != next {
					t.Errorf("shard %d: record %d follows %d", s.id, r.Seq, next-1)
				}
				if err := l.saw(s.id, r); err != nil {
					t.Error(err)
				}
				if at, twice := found[string(r.Data)]; twice || !l.asked[string(r.Data)] {
					t.Errorf("%q is at %d of shard %d: twice (%v), or from nowhere", r.Data, r.Seq, s.id, at)
				}
				found[string(r.Data)] = place{s.id, r.Seq}
				next = r.Seq + 1
			}
			if end = p.Bounds.Next; p.Tip() {
				break
			}
		}
		if c, ok := l.ends[s.id]; ok && c.Last != end-1 {
			t.Errorf("shard %d was closed at %d, and ends with %d", s.id, c.Last, end-1)
		}
	}
	for data, at := range l.acked {
		if found[data] != at {
			t.Errorf("%q was acknowledged at %v, and is at %v", data, at, found[data])
		}
	}
	for at, data := range l.seen {
		if found[data] != at {
			t.Errorf("%q was read at %v, and is at %v", data, at, found[data])
		}
	}
	w.Compare(Check)
}
