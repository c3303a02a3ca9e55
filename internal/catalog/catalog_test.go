package catalog_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/store"
	"github.com/spillway/spillway/internal/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open runs a catalog on the file system; prepare is called before it is loaded.
func open(t *testing.T, fs *storetest.FS, prepare ...func(*catalog.Catalog)) (*catalog.Catalog, *partition.Set, *store.Store) {
	t.Helper()
	st := storetest.Open(t, fs)
	s, err := partition.OpenSet(st, partition.Options{Partitions: 1})
	if err != nil {
		t.Fatal(err)
	}
	c := catalog.New(s.Catalog(), nil)
	for _, f := range prepare {
		f(c)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(context.Background()) })
	return c, s, st
}

func put(t *testing.T, c *catalog.Catalog, kind, key, value string) {
	t.Helper()
	err := c.Update(t.Context(), func(tx *catalog.Tx) error {
		tx.Put(kind, key, []byte(value))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestUpdate(t *testing.T) {
	fs := storetest.NewFS(1)
	c, _, st := open(t, fs)
	put(t, c, "queue", "a", "1")
	put(t, c, "queue", "b", "")
	put(t, c, "topic", "a", "2")
	refused := errors.New("refused")
	err := c.Update(t.Context(), func(tx *catalog.Tx) error {
		tx.Put("queue", "a", []byte("changed"))
		tx.Delete("topic", "a")
		if v, ok := tx.Get("queue", "a"); string(v) != "changed" || !ok {
			t.Errorf("its own change: %q %v", v, ok)
		}
		if _, ok := tx.Get("topic", "a"); ok {
			t.Error("its own delete is not seen")
		}
		return refused
	})
	if !errors.Is(err, refused) {
		t.Errorf("update: %v", err)
	}
	if err := c.Update(t.Context(), func(*catalog.Tx) error { panic("broken") }); err == nil {
		t.Error("a panic is no error")
	}
	check := func(c *catalog.Catalog) {
		t.Helper()
		if v, ok := c.Get("queue", "a"); string(v) != "1" || !ok {
			t.Errorf("queue a: %q %v", v, ok)
		}
		if v, ok := c.Get("queue", "b"); len(v) != 0 || v == nil || !ok {
			t.Errorf("queue b: %q %v", v, ok)
		}
		if v, ok := c.Get("topic", "a"); string(v) != "2" || !ok {
			t.Errorf("topic a: %q %v", v, ok)
		}
		var keys []string
		c.Each("queue", func(key string, _ []byte) bool { keys = append(keys, key); return true })
		if slices.Sort(keys); !slices.Equal(keys, []string{"a", "b"}) {
			t.Errorf("queues %v", keys)
		}
	}
	check(c)
	if problems := st.Check(catalog.Check, partition.Check); len(problems) > 0 {
		t.Errorf("%q", problems)
	}
	again, _, _ := open(t, fs.Crash())
	check(again)
}

func TestNextIDIsNeverReused(t *testing.T) {
	fs := storetest.NewFS(1)
	c, _, _ := open(t, fs)
	seen := map[uint64]bool{}
	next := func(c *catalog.Catalog, end error) {
		t.Helper()
		var ids []uint64
		err := c.Update(t.Context(), func(tx *catalog.Tx) error {
			ids = append(ids, tx.NextID(), tx.NextID())
			return end
		})
		if !errors.Is(err, end) {
			t.Error(err)
		}
		for _, id := range ids {
			if id == 0 || seen[id] {
				t.Errorf("%d was returned before", id)
			}
			seen[id] = true
		}
	}
	next(c, nil)
	next(c, errors.New("refused"))
	next(c, nil)
	again, _, _ := open(t, fs.Crash())
	next(again, nil)
}

func TestCancelledUpdateNeverRuns(t *testing.T) {
	c, s, _ := open(t, storetest.NewFS(1))
	running, release := make(chan struct{}), make(chan struct{})
	var first sync.WaitGroup
	first.Go(func() {
		c.Update(context.Background(), func(*catalog.Tx) error { close(running); <-release; return nil })
	})
	<-running
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := c.Update(ctx, func(*catalog.Tx) error { t.Error("it ran"); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	close(release)
	first.Wait()
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if err := c.Update(t.Context(), func(*catalog.Tx) error { return nil }); !errors.Is(err, partition.ErrStopped) {
		t.Errorf("after close: %v", err)
	}
}

// TestWatch has concurrent updates to a counter per key, and watchers that must
// see every value once, in order, before the update returns.
func TestWatch(t *testing.T) {
	fs := storetest.NewFS(1)
	seen := map[string]int{} // guarded by the order of calls, which the race detector checks
	c, _, _ := open(t, fs, func(c *catalog.Catalog) {
		c.Watch("counter", func(key string, value []byte) {
			n := 0
			if fmt.Sscan(string(value), &n); value == nil {
				return // the delete below
			}
			if n != seen[key]+1 {
				t.Errorf("%s: %d after %d", key, n, seen[key])
			}
			seen[key] = n
		})
		c.Watch("other", func(key string, _ []byte) { t.Errorf("other: %s", key) })
	})
	var running sync.WaitGroup
	for range 8 {
		running.Go(func() {
			for i := range 30 {
				key := fmt.Sprint(i % 3)
				err := c.Update(t.Context(), func(tx *catalog.Tx) error {
					var n int
					value, _ := tx.Get("counter", key)
					fmt.Sscan(string(value), &n)
					tx.Put("counter", key, fmt.Append(nil, n+1))
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	running.Wait()
	want := map[string]int{"0": 80, "1": 80, "2": 80}
	if !maps.Equal(seen, want) {
		t.Errorf("seen %v", seen)
	}

	// A late watcher and one after a restart are told what there is; deletes are nil.
	late := map[string]string{}
	c.Watch("counter", func(key string, value []byte) {
		if late[key] = string(value); value == nil {
			delete(late, key)
		}
	})
	err := c.Update(t.Context(), func(tx *catalog.Tx) error {
		tx.Delete("counter", "1")
		tx.Delete("counter", "none")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	left := map[string]string{"0": "80", "2": "80"}
	if !maps.Equal(late, left) {
		t.Errorf("a late watcher knows %v", late)
	}
	loaded := map[string]string{}
	open(t, fs.Crash(), func(c *catalog.Catalog) {
		c.Watch("counter", func(key string, value []byte) { loaded[key] = string(value) })
	})
	if !maps.Equal(loaded, left) {
		t.Errorf("after a restart: %v", loaded)
	}
}

// TestNothingIsSeenBeforeItIsDurable fails the log: watchers and Get must not show
// what the update wrote.
func TestNothingIsSeenBeforeItIsDurable(t *testing.T) {
	fs := storetest.NewFS(1)
	c, s, _ := open(t, fs)
	put(t, c, "queue", "a", "1")
	told := 0
	c.Watch("queue", func(string, []byte) { told++ })
	fs.FailSyncs()
	err := c.Update(t.Context(), func(tx *catalog.Tx) error { tx.Put("queue", "a", []byte("2")); return nil })
	if !errors.Is(err, partition.ErrStopped) {
		t.Errorf("%v", err)
	}
	if v, _ := c.Get("queue", "a"); string(v) != "1" || told != 1 {
		t.Errorf("shown %q, watchers told %d times", v, told)
	}
	if s.Err() == nil {
		t.Error("the set says it is well")
	}
}

// TestCrash crashes at random moments under concurrent updates of two records
// each: no acknowledged one is lost, and the two always agree.
func TestCrash(t *testing.T) {
	for seed := range int64(10) {
		fs := storetest.NewFS(seed)
		c, _, _ := open(t, fs)
		var mu sync.Mutex
		acked := 0
		var crashed []*storetest.FS
		var least []int
		var running sync.WaitGroup
		for range 4 {
			running.Go(func() {
				for range 20 {
					err := c.Update(t.Context(), func(tx *catalog.Tx) error {
						n := fmt.Append(nil, tx.NextID())
						tx.Put("pair", "left", n)
						tx.Put("pair", "right", n)
						return nil
					})
					if err != nil {
						t.Error(err)
					}
					mu.Lock()
					if acked++; acked%17 == 0 {
						least = append(least, acked)
						crashed = append(crashed, fs.Crash())
					}
					mu.Unlock()
				}
			})
		}
		running.Wait()
		for i, fs := range crashed {
			c, _, _ := open(t, fs)
			left, _ := c.Get("pair", "left")
			right, _ := c.Get("pair", "right")
			var n int
			fmt.Sscan(string(left), &n)
			if string(left) != string(right) || n < least[i] {
				t.Errorf("seed %d: left %s, right %s, acknowledged %d", seed, left, right, least[i])
			}
		}
	}
}

func TestSecretIsMadeOnce(t *testing.T) {
	fs := storetest.NewFS(1)
	c, _, _ := open(t, fs)
	first, err := c.Secret(t.Context(), "kind", "a")
	if err != nil {
		t.Fatal(err)
	}
	again, err := c.Secret(t.Context(), "kind", "a")
	if err != nil || string(again) != string(first) || len(first) != 32 {
		t.Errorf("%x, then %x, %v", first, again, err)
	}
	other, err := c.Secret(t.Context(), "kind", "b")
	if err != nil || string(other) == string(first) {
		t.Errorf("two secrets are the same: %v", err)
	}
	after, _, _ := open(t, fs.Crash())
	kept, err := after.Secret(t.Context(), "kind", "a")
	if err != nil || string(kept) != string(first) {
		t.Errorf("%x after a crash, was %x: %v", kept, first, err)
	}
}
