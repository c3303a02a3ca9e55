package queue

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/store"
)

var (
	handOverRuns = flag.Int("handover.runs", 4, "runs of the hand-over test, of 40 hand-overs each")
	handOverSeed = flag.Uint64("handover.seed", 0, "seed of the first")
)

// TestHandOvers runs callers of all kinds on two nodes while ownership moves between
// them: in peace, by force with the old owner going on, and after a commit whose
// outcome the owner does not know; while calls are refused, lose their replies, or
// come late. Nothing acknowledged may be lost or come back, nothing may be there
// twice, and FIFO order must hold.
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
	w := newWorld(t, seed, 2, declareAll)
	l := newLedger(nil, func() bool { return false })
	w.TakeAny()
	w.SetFaults(4)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	steps := make(chan struct{}, 1)
	worker := func(n uint64, work func(e *Engine, rng *rand.Rand, i int) error) {
		rng := rand.New(rand.NewPCG(seed, 100+n))
		running.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				if err := work(w.nodes[rng.IntN(2)].Engine, rng, i); err != nil && !partitionError(err) {
					t.Errorf("worker %d: %v", n, err)
					return
				}
				select {
				case steps <- struct{}{}:
				default:
				}
			}
		})
	}
	for n := range uint64(2) {
		worker(n, func(e *Engine, rng *rand.Rand, i int) error { return l.sendPlain(e, n+1)(rng, i) })
		worker(20+n, func(e *Engine, rng *rand.Rand, i int) error {
			// The same until it is acknowledged, as who sends in order does.
			for ; ctx.Err() == nil; e = w.nodes[rng.IntN(2)].Engine {
				if err := l.sendOrdered(e, n)(rng, i); !partitionError(err) {
					return err
				}
			}
			return nil
		})
	}
	for n, id := range []uint64{plain, plain, ordered, plainDead, plain, ordered} {
		worker(40+uint64(n), func(e *Engine, rng *rand.Rand, i int) error { return l.receiveOnce(e.Queue(id), rng, i) })
	}
	worker(63, func(e *Engine, rng *rand.Rand, _ int) error {
		_, err := e.Queue(plainDead).Move(ctx, 1+rng.IntN(5), []uint64{plain, 0}[rng.IntN(2)])
		return err
	})
	rng := rand.New(rand.NewPCG(seed, 99))
	for range handOvers {
		for range 20 {
			<-steps
		}
		w.Disturb(rng)
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
	w.HandAll()
	w.check(l)
	t.Logf("%d sent, %d removed; forwarded by kind: %v", len(l.sent), len(l.removed), w.Served())
}

// receiveOnce is receive with callers that go away, and unknown outcomes.
func (l *ledger) receiveOnce(q *Queue, rng *rand.Rand, _ int) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if rng.IntN(5) == 0 {
		ctx, cancel = context.WithTimeout(ctx, time.Duration(rng.IntN(3000))*time.Microsecond)
		defer cancel()
	}
	in := LeaseRequest{Max: 1 + rng.IntN(4), Time: 3600_000, Wait: 5 * time.Millisecond}
	long := rng.IntN(3) > 0
	if !long {
		in.Time = int64(rng.IntN(10))
	}
	l.mu.Lock()
	removed := l.books.clone().removed
	l.mu.Unlock()
	out, err := q.Lease(ctx, in)
	for _, d := range out {
		if removed[string(d.Body)] {
			return fmt.Errorf("%q was removed and is received again", d.Body)
		}
	}
	if err != nil || len(out) == 0 || !long {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	switch rng.IntN(6) {
	case 0:
		return nil
	case 1:
		_, err := q.Settle([]Settlement{{Seq: out[0].Seq, Generation: out[0].Generation, Extend: true}}, nil)
		return err
	}
	return l.remove(q, out)
}

// check compares what is there with what was acknowledged, and the replicas.
func (w *world) check(l *ledger) {
	t := w.T
	t.Helper()
	eventually(t, "transfers end", func() bool { return w.transfers() == 0 })
	bodies := map[string][]found{}
	for id := range w.nodes[0].queues {
		e := w.nodes[0].Engine // whoever owns it
		n, last := uint64(0), map[string]string{}
		for from := uint64(0); ; {
			page, err := e.Queue(id).Browse(from, 100, nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			for _, m := range page {
				body := string(m.Body)
				bodies[body] = append(bodies[body], found{id, m.Seq})
				if id == ordered || id == orderDead {
					if last[m.Group] >= body {
						t.Errorf("queue %d: %q comes after %q", id, body, last[m.Group])
					}
					last[m.Group] = body
				}
				from = m.Seq + 1
			}
			n += uint64(len(page))
		}
		if c, err := e.Queue(id).Counters(t.Context()); err != nil || c.Visible+c.InFlight+c.Delayed != n {
			t.Errorf("queue %d has %d messages, its counters are %+v (%v)", id, n, c, err)
		}
	}
	for body := range l.sent {
		if !l.maybe[body] && len(bodies[body]) == 0 {
			t.Errorf("%q was acknowledged and is lost", body)
		}
	}
	for body := range l.removed {
		if len(bodies[body]) > 0 {
			t.Errorf("%q was removed and is back: %v", body, bodies[body])
		}
	}
	for body, at := range bodies {
		if len(at) > 1 || !l.asked[body] {
			t.Errorf("%q is there more than once or from nowhere: %v", body, at)
		}
	}
	w.Compare(Check)
}

// transfers counts those under way, or remembered.
func (w *world) transfers() (open int) {
	for id, log := range w.Logs {
		log.CatchUp()
		st := w.nodes[0].Store
		lo, hi := store.Bounds(id, store.SpaceTransfer)
		err := st.Scan(lo, hi, func(_, _ []byte) bool { open++; return true })
		if err != nil {
			w.T.Fatal(err)
		}
		lo, hi = store.Bounds(id, store.SpaceState)
		err = st.Scan(lo, hi, func(_, value []byte) bool {
			if s, err := parseState(value); err != nil || s.Leaving != 0 {
				open++
			}
			return true
		})
		if err != nil {
			w.T.Fatal(err)
		}
	}
	return open
}
