package stream

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/store/storetest"
)

var crashPoints = flag.Int("crash.points", 500, "crash points of the crash test, in all")

const crashesPerRun = 20

// shortLived is a shard whose records expire during the test.
const shortLived = shards + 1

func declareCrashing(e *Engine) {
	declareAll(e)
	e.Declare(shortLived, Spec{Retention: 30})
}

// TestCrash runs callers of all kinds against an engine and cuts the power at random
// moments. After each, what was acknowledged must be so, and what was read must still
// be there.
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

// crashed is a disk after a crash, and what was known then.
type crashed struct {
	fs   *storetest.FS
	acks map[string]place
	seen map[place]string
	ends map[uint64]Closed
	next uint64 // of the short-lived shard: what was acknowledged is below
}

// crasher crashes the disk now and then, between two things that callers know.
type crasher struct {
	*ledger
	fs      *storetest.FS
	rng     *rand.Rand
	next    uint64
	crashes []crashed
}

// note may crash after what was just learned. mu is held.
func (c *crasher) note() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.crashes) < crashesPerRun && c.rng.IntN(25) == 0 {
		// First what is known, then the disk: it has at least that.
		known := crashed{acks: maps.Clone(c.acked), seen: maps.Clone(c.seen), ends: maps.Clone(c.ends), next: c.next}
		known.fs = c.fs.Crash()
		c.crashes = append(c.crashes, known)
	}
}

func (c *crasher) done() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.crashes) == crashesPerRun
}

func crashRun(t *testing.T, seed int64) {
	fs := storetest.NewFS(seed)
	c := &crasher{ledger: newLedger(), fs: fs, rng: rand.New(rand.NewPCG(uint64(seed), 1))}
	// Half of the runs store all records in value files, the others hardly any.
	large := int(seed % 2)
	e, stop := openOn(t, fs, large)
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
				c.note()
			}
		})
	}
	for n := range uint64(4) {
		worker(n, func(rng *rand.Rand, i int) error { return c.append(e, rng, fmt.Sprintf("%d-%d", n, i)) })
	}
	worker(10, func(rng *rand.Rand, i int) error {
		out, err := e.Shard(shortLived).Append([]Record{{Key: "k", Data: make([]byte, rng.IntN(20_000))}})
		c.mu.Lock()
		c.next = out.First + 1
		c.mu.Unlock()
		return err
	})
	for n, id := range []uint64{1, 4, 6} {
		from := uint64(1)
		worker(20+uint64(n), func(rng *rand.Rand, i int) error {
			waiting, end := context.WithTimeout(ctx, 5*time.Millisecond)
			defer end()
			if err := e.Shard(id).Wait(waiting, from); err != nil {
				return nil // nothing came, or it is closed
			}
			p, err := e.Shard(id).Read(ctx, from, 1+rng.IntN(10), 1<<20, nil)
			for _, r := range p.Records {
				if err := c.saw(id, r); err != nil {
					return err
				}
			}
			from = p.Next
			return err
		})
	}
	worker(30, func(rng *rand.Rand, i int) error {
		time.Sleep(time.Millisecond)
		id := uint64(1 + i%2)
		if i < 20 || i > 22 {
			return nil
		}
		out, err := e.Shard(id).Close(ctx)
		c.mu.Lock()
		c.ends[id] = out
		c.mu.Unlock()
		return err
	})
	for deadline := time.Now().Add(20 * time.Second); !c.done() && !t.Failed() && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	cancel()
	running.Wait()
	stop()
	if len(c.crashes) != crashesPerRun && !t.Failed() {
		t.Errorf("%d crashes, want %d", len(c.crashes), crashesPerRun)
	}
	for i := range c.crashes {
		afterCrash(t, fmt.Sprintf("crash %d", i), &c.crashes[i], c.asked)
	}
}

// deepLog is the local log as one that needs a pipeline to be fast.
type deepLog struct{ partition.Log }

// Depth implements partition.Pipeliner.
func (deepLog) Depth() int { return 4 }

// openOn starts an engine on a file system.
func openOn(t *testing.T, fs *storetest.FS, largeBatch int) (e *Engine, stop func()) {
	t.Helper()
	st := storetest.Open(t, fs)
	// With a pipeline, as a replicated log has it: more can go wrong.
	set, err := partition.OpenSet(st, partition.Options{Partitions: 3, NewLog: func(uint16) partition.Log { return deepLog{partition.NewLocalLog()} }})
	if err != nil {
		t.Fatal(err)
	}
	e = New(set, st, Options{CacheBytes: 20_000, LargeBatch: largeBatch})
	declareCrashing(e)
	if err := set.Start(); err != nil {
		t.Fatal(err)
	}
	return e, func() {
		e.Close()
		set.Close(context.Background())
		st.Close()
	}
}

// afterCrash opens what a crash left and compares it with what was known.
func afterCrash(t *testing.T, name string, c *crashed, asked map[string]bool) {
	t.Helper()
	st := storetest.Open(t, c.fs)
	for _, problem := range st.Check(Check, partition.Check) {
		t.Errorf("%s: %s", name, problem)
	}
	if err := st.Close(); err != nil {
		t.Error(err)
	}
	e, stop := openOn(t, c.fs, 0)
	defer stop()
	found := map[place]string{}
	for id := range uint64(shards) {
		s := e.Shard(id + 1)
		p, err := s.Read(t.Context(), 0, maxRecords, MaxRead, nil)
		if err != nil || !p.Tip() {
			t.Fatalf("%s: %v", name, err)
		}
		for i, r := range p.Records {
			if r.Seq != uint64(i+1) || !asked[string(r.Data)] && c.acks[string(r.Data)] == (place{}) {
				t.Errorf("%s: shard %d: %q is record %d, at %d", name, s.id, r.Data, i+1, r.Seq)
			}
			found[place{s.id, r.Seq}] = string(r.Data)
		}
		end, closed := c.ends[s.id]
		if closed && (p.Bounds.ClosedAt != end.Time || p.Next != end.Last+1) {
			t.Errorf("%s: shard %d ended with %+v, and is %+v", name, s.id, end, p.Bounds)
		}
		// It goes on after what there is.
		out, err := s.Append([]Record{text("after")})
		if closed != errors.Is(err, ErrClosed) && (closed || p.Bounds.ClosedAt == 0) || err == nil && out.First != p.Next {
			t.Errorf("%s: shard %d goes on with %d after %d: %v", name, s.id, out.First, p.Next-1, err)
		}
	}
	for data, at := range c.acks {
		if found[at] != data {
			t.Errorf("%s: %q was acknowledged at %v, where %q is", name, data, at, found[at])
		}
	}
	for at, data := range c.seen {
		if found[at] != data {
			t.Errorf("%s: %q was read at %v, where %q is", name, data, at, found[at])
		}
	}
	if out, err := e.Shard(shortLived).Append([]Record{text("after")}); err != nil || out.First < c.next {
		t.Errorf("%s: the short-lived shard goes on with %d, after %d: %v", name, out.First, c.next-1, err)
	}
}
