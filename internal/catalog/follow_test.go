package catalog_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/store"
	"github.com/spillway/spillway/internal/store/storetest"
)

// recorder is a local log that keeps what was written.
type recorder struct {
	partition.Log
	batches [][]store.Op
}

func (r *recorder) Append(b *store.Batch, sync bool) (partition.Commit, error) {
	ops, err := b.Ops()
	if err != nil {
		return nil, err
	}
	r.batches = append(r.batches, ops)
	return r.Log.Append(b, sync)
}

// content is the whole catalog of a store.
func content(t *testing.T, st *store.Store) (all []store.Op) {
	t.Helper()
	lo, hi := store.Bounds(0, store.SpaceCatalog)
	err := st.Scan(lo, hi, func(key, value []byte) bool {
		all = append(all, store.Op{Key: slices.Clone(key), Value: slices.Clone(value)})
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestFollower gives a follower batches and whole contents, older ones, too: its
// watchers hear what differs, and nothing is taken back.
func TestFollower(t *testing.T) {
	log := &recorder{Log: partition.NewLocalLog()}
	from := storetest.Open(t, storetest.NewFS(1))
	owners, err := partition.OpenSet(from, partition.Options{Partitions: 1, NewLog: func(id uint16) partition.Log {
		if id == 0 {
			return log
		}
		return partition.NewLocalLog()
	}})
	if err != nil {
		t.Fatal(err)
	}
	owner := catalog.New(owners.Catalog(), nil)
	if err := owners.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { owners.Close(context.Background()) })
	put(t, owner, "queue", "a", "1")
	put(t, owner, "queue", "b", "1")
	early := content(t, from)
	err = owner.Update(t.Context(), func(tx *catalog.Tx) error { tx.Delete("queue", "a"); return nil })
	if err != nil {
		t.Fatal(err)
	}
	put(t, owner, "queue", "c", "")
	late := content(t, from)
	put(t, owner, "queue", "b", "2")

	to := storetest.Open(t, storetest.NewFS(2))
	set, err := partition.OpenSet(to, partition.Options{Partitions: 1, Replicated: true})
	if err != nil {
		t.Fatal(err)
	}
	c := catalog.New(set.Catalog(), nil)
	var heard []string
	c.Watch("queue", func(key string, value []byte) {
		if value == nil {
			heard = append(heard, key+" deleted")
		} else {
			heard = append(heard, key+"="+string(value))
		}
	})
	if err := set.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { set.Close(context.Background()) })
	expect := func(what string, want ...string) {
		t.Helper()
		if !slices.Equal(heard, want) {
			t.Errorf("%s: heard %q, not %q", what, heard, want)
		}
		heard = nil
	}
	replace := func(all []store.Op) {
		t.Helper()
		b := to.NewBatch()
		b.DeleteRange(store.Bounds(0, store.SpaceCatalog))
		for _, op := range all {
			b.Set(op.Key, op.Value)
		}
		if err := errors.Join(b.Commit(false), set.Catalog().Reset()); err != nil {
			t.Fatal(err)
		}
	}
	apply := set.Catalog().Applied
	apply(log.batches[0])
	apply(log.batches[1])
	expect("two batches", "a=1", "b=1")
	apply([]store.Op{{Key: []byte("of another space"), Value: []byte("1")}})
	replace(early)
	expect("the same content")
	replace(late)
	expect("a newer content", "a deleted", "c=")
	replace(early)
	expect("an older content")
	apply(log.batches[2])
	apply(log.batches[3])
	expect("batches that were known")
	if _, ok := c.Get("queue", "a"); ok {
		t.Error("a deleted record is back")
	}
	apply(log.batches[4])
	expect("what is new", "b=2")
	if value, ok := c.Get("queue", "c"); !ok || value == nil || len(value) > 0 {
		t.Errorf("an empty record: %q %v", value, ok)
	}
}

// TestWithoutOwner: what can wait for an owner does, and what gives up says that it did.
func TestWithoutOwner(t *testing.T) {
	c := openNodes(t, 2, 0)
	c.elect(nil, false)
	n := c.all[1]
	over, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := n.catalog.Refresh(over); !errors.Is(err, partition.ErrStopped) && !errors.Is(err, partition.ErrNotOwner) {
		t.Errorf("refresh: %v", err)
	}
	over, cancel = context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	err := n.catalog.Update(over, func(*catalog.Tx) error { return nil })
	if !errors.Is(err, partition.ErrNotOwner) {
		t.Errorf("update: %v", err)
	}
	var waiting sync.WaitGroup
	secrets := make([][]byte, len(c.all))
	for i, n := range c.all {
		waiting.Go(func() {
			var err error
			if secrets[i], err = n.catalog.Secret(t.Context(), "key", "one"); err != nil {
				t.Error(err)
			}
		})
	}
	c.elect(c.all[0], false)
	waiting.Wait()
	if len(secrets[0]) != 32 || string(secrets[0]) != string(secrets[1]) {
		t.Errorf("secrets of two nodes: %x and %x", secrets[0], secrets[1])
	}
}

// slowOwner answers barriers one at a time, when it is told to.
type slowOwner struct {
	calls  atomic.Int64
	answer chan []byte
}

func (s *slowOwner) Call(ctx context.Context, _ uint16, _ []byte) ([]byte, error) {
	s.calls.Add(1)
	select {
	case reply := <-s.answer:
		return reply, nil
	case <-ctx.Done():
		return nil, partition.ErrStopped
	}
}

func (s *slowOwner) Tell(context.Context, uint16, []byte) {} // nothing is changed here

// TestRefreshIsShared: callers share a question that was not sent when they came, and
// that somebody else gives up is no error.
func TestRefreshIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := storetest.Open(t, storetest.NewFS(1))
		set, err := partition.OpenSet(st, partition.Options{Partitions: 1, Replicated: true})
		if err != nil {
			t.Fatal(err)
		}
		owner := &slowOwner{answer: make(chan []byte)}
		c := catalog.New(set.Catalog(), owner)
		var callers sync.WaitGroup
		refresh := func(ctx context.Context, want bool) {
			callers.Go(func() {
				if err := c.Refresh(ctx); (err == nil) != want {
					t.Error(err)
				}
			})
		}
		expect := func(calls int64) {
			t.Helper()
			synctest.Wait()
			if n := owner.calls.Load(); n != calls {
				t.Errorf("%d questions, not %d", n, calls)
			}
		}
		asks, giveUp := context.WithCancel(t.Context())
		refresh(asks, false)
		expect(1)
		next, giveUpNext := context.WithCancel(t.Context())
		refresh(next, false)
		synctest.Wait()
		for range 20 {
			refresh(t.Context(), true)
		}
		expect(1) // all wait for the first to end
		giveUpNext()
		expect(1) // one of the others asks instead
		giveUp()
		expect(2)
		for range 20 { // too late for that one
			refresh(t.Context(), true)
		}
		expect(2)
		nothing := []byte{1, 1, 0, 0} // made, at version 0
		owner.answer <- nothing
		expect(3)
		owner.answer <- nothing
		callers.Wait()
		expect(3)
	})
}

// TestUpdateWaitsForWatchers: an update through a node that does not own the catalog
// returns when the watchers there have heard of it, not when Get shows it.
func TestUpdateWaitsForWatchers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := storetest.Open(t, storetest.NewFS(1))
		set, err := partition.OpenSet(st, partition.Options{Partitions: 1, Replicated: true})
		if err != nil {
			t.Fatal(err)
		}
		owner := &slowOwner{answer: make(chan []byte, 1)}
		c := catalog.New(set.Catalog(), owner)
		release := make(chan struct{})
		c.Watch("queue", func(string, []byte) { <-release })
		prefix, _ := store.Bounds(0, store.SpaceCatalog)
		owner.answer <- []byte{1, 1, 1, 0} // made, at version 1
		var running sync.WaitGroup
		var returned atomic.Bool
		running.Go(func() {
			set.Catalog().Applied([]store.Op{
				{Key: append(slices.Clone(prefix), "\x05queuea"...), Value: []byte("1")},
				{Key: append(slices.Clone(prefix), 0, 1), Value: []byte{0, 0, 0, 0, 0, 0, 0, 1}},
			})
		})
		synctest.Wait()
		running.Go(func() {
			put(t, c, "queue", "a", "1")
			returned.Store(true)
		})
		synctest.Wait()
		if _, ok := c.Get("queue", "a"); !ok || returned.Load() {
			t.Errorf("Get shows it: %v, the update has returned: %v", ok, returned.Load())
		}
		close(release)
		running.Wait()
	})
}

// TestStaleOwnerAnswersNothing: one that was replaced and does not know must not say
// what the latest version is, nor that something is still so.
func TestStaleOwnerAnswersNothing(t *testing.T) {
	c := openNodes(t, 2, 0)
	for name, message := range map[string][]byte{"barrier": {1, 2}, "no change": {1, 1, 0, 0, 0}, "ids": {1, 3, 9}} {
		if err := c.all[1].catalog.Refresh(t.Context()); err != nil {
			t.Fatal(err) // there is an owner again
		}
		c.mu.Lock()
		c.epoch++ // as another owner's barrier does
		c.mu.Unlock()
		if reply, err := c.all[0].catalog.Serve(t.Context(), 0, message); err == nil {
			t.Errorf("%s: answered %x", name, reply)
		}
	}
}
