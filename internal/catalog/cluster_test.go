package catalog_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/partition"
)

// tally is what is known of a counter from outside.
type tally struct{ begun, made, unknown atomic.Int64 }

// load is what the workers of a test do, and what they find out.
type load struct {
	t        *testing.T
	counters [3]tally
	ids      sync.Map // id -> who got it, of updates that were made
	failed   atomic.Int64
}

var errLook = errors.New("only looking")

// number reads a counter.
func number(get func(kind, key string) ([]byte, bool), key string) int64 {
	value, _ := get("counter", key)
	n, _ := strconv.ParseInt(string(value), 10, 64)
	return n
}

// increment adds one to a counter, and to the tally what became of it.
func (l *load) increment(ctx context.Context, n *node, i int) {
	c, key := &l.counters[i], fmt.Sprint(i)
	c.begun.Add(1)
	var to int64
	err := n.catalog.Update(ctx, func(tx *catalog.Tx) error {
		to = number(tx.Get, key) + 1
		tx.Put("counter", key, strconv.AppendInt(nil, to, 10))
		return nil
	})
	switch {
	case err == nil:
		c.made.Add(1)
		if seen, _ := strconv.ParseInt(n.last("counter/"+key), 10, 64); seen < to {
			l.t.Errorf("node %d made %d of counter %s, its watchers know %d", n.id, to, key, seen)
		}
	case errors.Is(err, partition.ErrStopped):
		c.unknown.Add(1)
	default:
		l.refused(err)
	}
}

// look reads a counter, by an update that changes nothing or after a Refresh.
func (l *load) look(ctx context.Context, n *node, i int, update bool) {
	c, key := &l.counters[i], fmt.Sprint(i)
	least := c.made.Load()
	var seen int64
	var err error
	if update {
		err = n.catalog.Update(ctx, func(tx *catalog.Tx) error { seen = number(tx.Get, key); return errLook })
	} else if err = n.catalog.Refresh(ctx); err == nil {
		seen, err = number(n.catalog.Get, key), errLook
	}
	if !errors.Is(err, errLook) {
		l.refused(err)
	} else if most := c.begun.Load(); seen < least || seen > most {
		l.t.Errorf("node %d, update %v: counter %s is %d, not in [%d, %d]", n.id, update, key, seen, least, most)
	}
}

// create makes a record under a new id.
func (l *load) create(ctx context.Context, n *node, who string) {
	var id uint64
	err := n.catalog.Update(ctx, func(tx *catalog.Tx) error {
		id = tx.NextID()
		key := fmt.Sprint(id)
		if _, ok := tx.Get("unique", key); ok {
			l.t.Errorf("id %d was there", id)
		}
		tx.Put("unique", key, []byte(who))
		return nil
	})
	if err == nil {
		if other, taken := l.ids.LoadOrStore(id, who); taken {
			l.t.Errorf("%s got id %d of %s", who, id, other)
		}
	} else if !errors.Is(err, partition.ErrStopped) {
		l.refused(err)
	}
}

// write sets, or deletes, a record that nobody else writes.
func (l *load) write(ctx context.Context, n *node, who string, i int) {
	value := fmt.Sprint(i)
	err := n.catalog.Update(ctx, func(tx *catalog.Tx) error {
		if i%5 == 0 {
			value = ""
			tx.Delete("own", who)
		} else {
			tx.Put("own", who, []byte(value))
		}
		return nil
	})
	if err == nil {
		if seen := n.last("own/" + who); seen != value {
			l.t.Errorf("%s wrote %q, its node's watchers know %q", who, value, seen)
		}
		got, _ := n.catalog.Get("own", who)
		if string(got) != value {
			l.t.Errorf("%s wrote %q, Get shows %q", who, value, got)
		}
	} else if !errors.Is(err, partition.ErrStopped) {
		l.refused(err)
	}
}

func (l *load) refused(err error) {
	l.failed.Add(1)
	if !errors.Is(err, partition.ErrNotOwner) && !errors.Is(err, partition.ErrStopped) {
		l.t.Errorf("%v", err)
	}
}

// work does random things through one node.
func (l *load) work(n *node, worker, count int) {
	who := fmt.Sprintf("%d-%d", n.id, worker)
	for i := range count {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		switch rand.IntN(6) {
		case 0, 1:
			l.increment(ctx, n, rand.IntN(len(l.counters)))
		case 2:
			l.create(ctx, n, who)
		case 3:
			l.write(ctx, n, who, i)
		case 4:
			l.look(ctx, n, rand.IntN(len(l.counters)), true)
		case 5:
			l.look(ctx, n, rand.IntN(len(l.counters)), false)
		}
		cancel()
	}
}

// disturb moves the ownership around until the workers are done.
func (c *nodes) disturb(done <-chan struct{}) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for {
		n := c.all[rand.IntN(len(c.all))]
		c.elect(n, rand.IntN(2) == 0)
		for owned := false; !owned; { // or a slow machine would do nothing but elect
			owned = n.set.Catalog().Owned()
			wait(ctx, nil, time.Duration(rand.IntN(8)+1)*time.Millisecond)
			select {
			case <-done:
				return
			default:
			}
		}
	}
}

// TestNodes has updates and reads on all nodes, while ownership moves and answers are
// lost: every acknowledged update is there once, reads are never older than what was
// acknowledged before them, ids are unique, and the watchers of all nodes heard the
// same.
func TestNodes(t *testing.T) {
	for _, lossy := range []int{0, 3} {
		t.Run(fmt.Sprintf("lossy=%d", lossy), func(t *testing.T) {
			c := openNodes(t, 3, lossy)
			l := &load{t: t}
			var working, disturbing sync.WaitGroup
			done := make(chan struct{})
			disturbing.Go(func() { c.disturb(done) })
			for _, n := range c.all {
				for worker := range 3 {
					working.Go(func() { l.work(n, worker, 60) })
				}
			}
			working.Wait()
			close(done)
			disturbing.Wait()
			c.check(l)
		})
	}
}

// TestUpdatesAreSeenEverywhere: what one node was told is made is there on the others
// at once, without their asking.
func TestUpdatesAreSeenEverywhere(t *testing.T) {
	t.Parallel()
	c := openNodes(t, 3, 0)
	for i := range 60 {
		at, value := c.all[i%3], []byte(fmt.Sprint(i))
		err := at.catalog.Update(t.Context(), func(tx *catalog.Tx) error {
			tx.Put("own", "k", value)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range c.all {
			if got, _ := n.catalog.Get("own", "k"); !bytes.Equal(got, value) {
				t.Fatalf("node %d shows %q after node %d was told that it is %q", n.id, got, at.id, value)
			}
			if got := n.last("own/k"); got != string(value) {
				t.Fatalf("the watchers of node %d know %q, not %q", n.id, got, value)
			}
		}
	}
}

// check compares the nodes, and the counters with what was acknowledged.
func (c *nodes) check(l *load) {
	c.elect(c.all[0], false)
	for _, n := range c.all {
		if err := n.catalog.Refresh(c.t.Context()); err != nil {
			c.t.Fatal(err)
		}
	}
	for i := range l.counters {
		got, tally := number(c.all[0].catalog.Get, fmt.Sprint(i)), &l.counters[i]
		if made, unknown := tally.made.Load(), tally.unknown.Load(); got < made || got > made+unknown {
			c.t.Errorf("counter %d is %d: %d increments were made, %d may have been", i, got, made, unknown)
		}
	}
	l.ids.Range(func(id, who any) bool {
		if value, _ := c.all[0].catalog.Get("unique", fmt.Sprint(id)); string(value) != who {
			c.t.Errorf("the record of id %v is of %q, not of %v", id, value, who)
		}
		return true
	})
	first := c.all[0]
	for _, n := range c.all[1:] {
		if !slices.Equal(n.heard, first.heard) {
			c.t.Errorf("watchers of node 0 heard %d changes, of node %d %d, or in another order", len(first.heard), n.id, len(n.heard))
		}
		for _, kind := range []string{"counter", "unique", "own"} {
			if a, b := records(first.catalog, kind), records(n.catalog, kind); !slices.Equal(a, b) {
				c.t.Errorf("%s of node 0: %q, of node %d: %q", kind, a, n.id, b)
			}
		}
		if problems := n.store.Check(catalog.Check); len(problems) > 0 {
			c.t.Errorf("%q", problems)
		}
	}
	if l.failed.Load() > 0 {
		c.t.Logf("%d calls failed without effect, %d changes", l.failed.Load(), len(first.heard))
	}
}

func records(c *catalog.Catalog, kind string) (all []string) {
	c.Each(kind, func(key string, value []byte) bool {
		all = append(all, key+"="+string(bytes.Clone(value)))
		return true
	})
	slices.Sort(all)
	return all
}
