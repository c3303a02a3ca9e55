package partition_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/store"
)

// guest is a machine that notes what is done to it.
type guest struct {
	loaded, unloaded int
	loadedAt         time.Time
	reset            int
	applied          []store.Op
	fail             error
}

func (g *guest) Load(_ store.Reader, now time.Time) error {
	g.loaded++
	g.loadedAt = now
	return g.fail
}
func (g *guest) Unload(error)                        { g.unloaded++ }
func (g *guest) Advance(*partition.Tx) (_ time.Time) { return }
func (g *guest) Reset(store.Reader) error            { g.reset++; return nil }
func (g *guest) Applied(ops []store.Op)              { g.applied = append(g.applied, ops...) }

// replicated is a set whose partition 1 has a guest.
func replicated(t *testing.T) (*partition.Partition, *guest) {
	t.Helper()
	st, err := store.Open(store.Options{Memory: true})
	if err != nil {
		t.Fatal(err)
	}
	set, err := partition.OpenSet(st, partition.Options{Partitions: 1, Replicated: true})
	if err != nil {
		t.Fatal(err)
	}
	g := &guest{}
	set.Get(1).Attach(g)
	if err := set.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(set.Close(context.Background()), st.Close()); err != nil {
			t.Error(err)
		}
	})
	return set.Get(1), g
}

// TestOwnership: commands run between Own and Release only, any number of times.
func TestOwnership(t *testing.T) {
	t.Parallel()
	p, g := replicated(t)
	if g.reset != 1 || g.loaded != 0 {
		t.Errorf("before: %+v", g)
	}
	if err := do(p, put(1, "a")); !errors.Is(err, partition.ErrNotOwner) {
		t.Errorf("a command before ownership: %v", err)
	}
	seen := time.Now().Add(time.Hour)
	for round := range 3 {
		if err := p.Own(partition.NewLocalLog(), seen, time.Time{}); err != nil {
			t.Fatal(err)
		}
		if !p.Owned() || g.loaded != round+1 {
			t.Errorf("round %d: %+v", round, g)
		}
		if g.loadedAt.Before(seen.Round(0)) {
			t.Errorf("time goes on at %v, the last owner saw %v", g.loadedAt, seen)
		}
		if err := do(p, put(uint64(round), "a")); err != nil {
			t.Error(err)
		}
		if round == 1 {
			if err := p.Resign(t.Context()); err != nil {
				t.Error(err)
			}
		} else {
			p.Release()
		}
		if err := do(p, put(9, "a")); !errors.Is(err, partition.ErrNotOwner) || p.Owned() || p.Err() != nil {
			t.Errorf("after round %d: %v, %v", round, err, p.Err())
		}
		if g.unloaded != round+1 {
			t.Errorf("unloaded %d times", g.unloaded)
		}
	}
	p.Release() // nothing to release
	g.fail = errors.New("unreadable")
	if err := p.Own(partition.NewLocalLog(), seen, time.Time{}); !errors.Is(err, g.fail) || p.Owned() {
		t.Errorf("own what cannot be loaded: %v", err)
	}
}

// fenced is a log that another node has taken over.
type fenced struct{ end chan struct{} }

func (fenced) Fenced() {}

func (l fenced) Append(b *store.Batch, _ bool) (partition.Commit, error) {
	b.Discard()
	return l, nil
}

func (l fenced) Wait() error {
	<-l.end
	return partition.ErrNotOwner
}

// TestTakenOver: what was on its way to the log is answered with ErrStopped, what
// was not run with ErrNotOwner, and the ownership ends by itself.
func TestTakenOver(t *testing.T) {
	t.Parallel()
	p, _ := replicated(t)
	log := fenced{end: make(chan struct{})}
	if err := p.Own(log, time.Time{}, time.Time{}); err != nil {
		t.Fatal(err)
	}
	isFenced := make(chan bool, 1)
	first := submit(p, func(tx *partition.Tx) {
		isFenced <- tx.Fenced()
		put(1, "a")(tx)
	})
	if !<-isFenced {
		t.Error("the log is fenced, its transactions are not")
	}
	second := submit(p, put(2, "b"))
	close(log.end)
	if err := <-first; !errors.Is(err, partition.ErrStopped) {
		t.Errorf("on its way: %v", err)
	}
	if err := <-second; !errors.Is(err, partition.ErrNotOwner) {
		t.Errorf("not run: %v", err)
	}
	<-p.Ended()
	p.Release()
	if p.Err() != nil {
		t.Errorf("another owner is no failure: %v", p.Err())
	}
	if err := p.Own(partition.NewLocalLog(), time.Time{}, time.Time{}); err != nil {
		t.Fatal(err)
	}
	if err := do(p, put(3, "c")); err != nil {
		t.Error(err)
	}
	p.Release()
}
