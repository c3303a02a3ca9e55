package kinesis

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/store"
	engine "github.com/spillway/spillway/internal/stream"
)

// twoNodes are two services of a cluster. The first owns every partition; the second
// follows the catalog, and asks the first for everything else.
type twoNodes struct {
	*testing.T
	first, second *fixture
	stores        []*store.Store
	sets          []*partition.Set
	written       chan []store.Op // of the catalog: what the second has still to apply
	// held keeps the second from applying until it asks the first something. It has
	// one slot.
	held chan struct{}
}

// onTwoNodes runs a test in virtual time with two fresh services.
func onTwoNodes(t *testing.T, f func(n *twoNodes)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := &twoNodes{T: t, written: make(chan []store.Op, 100), held: make(chan struct{}, 1)}
		var shards *engine.Engine
		var owner *catalog.Catalog
		n.first, owner, shards = n.node(
			func() partition.Serve { return owner.Serve }, func() partition.Serve { return shards.Serve })
		n.second, _, _ = n.node(
			func() partition.Serve { n.release(); return owner.Serve },
			func() partition.Serve { return shards.Serve })
		follower := make(chan struct{})
		go func() {
			defer close(follower)
			for ops := range n.written {
				n.held <- struct{}{}
				n.apply(ops)
				<-n.held
			}
		}()
		t.Cleanup(func() {
			n.release()
			for _, s := range n.sets {
				if err := s.Close(context.Background()); err != nil {
					t.Error(err)
				}
			}
			close(n.written)
			<-follower
			for _, s := range n.stores {
				s.Close()
			}
		})
		first := n.sets[0]
		for _, p := range append(first.All(), first.Catalog()) {
			log := partition.NewLocalLog()
			if p.ID() == 0 {
				log = &toSecond{log, n.written}
			}
			if err := p.Own(log, time.Time{}, time.Time{}); err != nil {
				t.Fatal(err)
			}
		}
		for _, fx := range []*fixture{n.second, n.first} { // the owner need not be the first
			if err := fx.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		f(n)
	})
}

// node makes one that reaches the owner through the two functions.
func (n *twoNodes) node(toCatalog, toShards func() partition.Serve) (*fixture, *catalog.Catalog, *engine.Engine) {
	st, err := store.Open(store.Options{Memory: true, Replicated: true})
	if err != nil {
		n.Fatal(err)
	}
	set, err := partition.OpenSet(st, partition.Options{Replicated: true})
	if err != nil {
		n.Fatal(err)
	}
	cat := catalog.New(set.Catalog(), toOwner(toCatalog))
	e := engine.New(set, st, engine.Options{Peers: toOwner(toShards), Refresh: cat.Refresh})
	s := New(e, cat, Config{Account: account, ShardLimit: 20_000})
	if err := set.Start(); err != nil {
		n.Fatal(err)
	}
	n.stores, n.sets = append(n.stores, st), append(n.sets, set)
	n.Cleanup(e.Close)
	return &fixture{T: n.T, Service: s, call: rootCall(), store: st}, cat, e
}

// toOwner is a catalog.Peers.
type toOwner func() partition.Serve

func (o toOwner) Call(ctx context.Context, id uint16, request []byte) ([]byte, error) {
	return o()(ctx, id, request)
}

// Tell implements catalog.Peers: here nobody reads elsewhere what was just changed
// without asking for it.
func (o toOwner) Tell(context.Context, uint16, []byte) {}

// toSecond is a log that the second node follows.
type toSecond struct {
	partition.Log
	written chan<- []store.Op
}

type sent struct {
	partition.Commit
	ops []store.Op
	to  chan<- []store.Op
}

func (l *toSecond) Append(b *store.Batch, sync bool) (partition.Commit, error) {
	ops, err := b.Ops()
	if err != nil {
		return nil, err
	}
	c, err := l.Log.Append(b, sync)
	return &sent{c, ops, l.written}, err
}

func (s *sent) Wait() error {
	err := s.Commit.Wait()
	if err == nil {
		s.to <- s.ops
	}
	return err
}

func (n *twoNodes) apply(ops []store.Op) {
	b := n.stores[1].NewBatch()
	for _, op := range ops {
		if op.Value == nil {
			b.Delete(op.Key)
		} else {
			b.Set(op.Key, op.Value)
		}
	}
	if err := b.Commit(false); err != nil {
		n.Error(err)
	}
	n.sets[1].Catalog().Applied(ops)
}

// behind does something while the second node hears of nothing. It goes on not to,
// until it asks.
func (n *twoNodes) behind(f func()) {
	synctest.Wait() // it has heard of everything before
	n.held <- struct{}{}
	f()
}

func (n *twoNodes) release() {
	select {
	case <-n.held:
	default:
	}
}

// TestStreamThroughAnyNode: made, written, resharded and read through either, though one
// hears of everything late.
func TestStreamThroughAnyNode(t *testing.T) {
	onTwoNodes(t, func(n *twoNodes) {
		a, b := n.first, n.second
		n.behind(func() { a.create("s", 2) })
		b.put("s", "a", "1")
		n.behind(func() { a.split("s", "0", "1000") })
		b.put("s", "k", "2", hashed("0"))
		b.put("s", "k", "3", hashed("1000"))
		a.reads("[2]", "s", "2", "TRIM_HORIZON")
		b.reads("[3]", "s", "3", "TRIM_HORIZON")
		n.behind(func() { a.split("s", "3", "5000") })
		b.iterator("s", "5", "TRIM_HORIZON") // which would be an end for KCL if it were not found
		n.behind(func() { a.merge("s", "4", "5") })
		if got := ids(b.shards("s")); got != "0 1 2 3 4 5 6" {
			t.Error(got)
		}
		n.behind(func() { a.retain("s", 24, 48) })
		if h := *b.describe().RetentionPeriodHours; h != 48 {
			t.Errorf("%d hours", h)
		}
		// What was replaced is not replaced again by who knows it only as it was.
		n.behind(func() { a.split("s", "2", "500") })
		b.refused(kinesisapi.SplitShard, &kinesisapi.SplitShardInput{StreamName: new("s"), ShardToSplit: new("2"), NewStartingHashKey: new("100")}, codeInvalid, "Shard shardId-000000000002 in stream s under account 000000000000 has already been merged or split, ...")
		b.checkOpen("s")
		a.merge("s", "7", "8")
		synctest.Wait()
		n.behind(func() { b.merge("s", "9", "6") })
		it := b.iterator("s", "10", "LATEST")
		a.put("s", "k", "4", hashed("0"))
		if got := data(a.get(it).Records); got != "[4]" {
			t.Errorf("an iterator of another node reads %s", got)
		}
		for _, f := range []*fixture{a, b} {
			if got := ids(f.shards("s")); got != "0 1 2 3 4 5 6 7 8 9 10" {
				t.Error(got)
			}
			out := f.get(f.iterator("s", "9", "LATEST"))
			if childrenOf(out) == "" || out.NextShardIterator != nil {
				t.Errorf("%+v", out)
			}
			checkLineage(t, f.shards("s"))
			f.checkCoverage(t, "s", 0)
			f.checkOpen("s")
		}
		n.behind(func() { a.does(kinesisapi.DeleteStream, &kinesisapi.DeleteStreamInput{StreamName: new("s")}) })
		b.create("s", 1)
		b.reads("[]", "s", "0", "TRIM_HORIZON")
	})
}

// TestAnotherNodeCompletesAResharding that the one that began it left half done.
func TestAnotherNodeCompletesAResharding(t *testing.T) {
	onTwoNodes(t, func(n *twoNodes) {
		a, b := n.first, n.second
		a.create("s", 2)
		a.put("s", "k", "1", hashed("0"))
		a.interrupt(false)
		synctest.Wait()
		b.put("s", "k", "2", hashed("0"))
		b.reads("[2]", "s", "2", "TRIM_HORIZON")
		a.reads("[1]", "s", "0", "TRIM_HORIZON")
		for _, f := range []*fixture{a, b} {
			if s := f.status("s"); s != stateActive {
				t.Error(s)
			}
		}
	})
}

// TestBothNodesReshard at the same time as both put: nothing is lost, and each writer's
// records stay in order.
func TestBothNodesReshard(t *testing.T) {
	onTwoNodes(t, func(n *twoNodes) {
		nodes := []*fixture{n.first, n.second}
		nodes[0].create("s", 2)
		const writers, each = 4, 40
		done := make(chan error, writers)
		for w := range writers {
			go func() { done <- nodes[w%2].write(w, each) }()
		}
		refused := 0
		for i := range 10 {
			time.Sleep(3 * time.Millisecond)
			f := nodes[i%2]
			open := f.lookup(name{region, account, "s"}).open
			id := shardID(open[i%len(open)].Index)
			_, err := try[kinesisapi.SplitShardInput](f, kinesisapi.SplitShard, &kinesisapi.SplitShardInput{StreamName: new("s"), ShardToSplit: &id, NewStartingHashKey: new(f.middle("s", id))})
			if err != nil { // the other one was faster
				refused++
			}
		}
		for range writers {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if refused > 5 {
			t.Errorf("%d of 10 were refused", refused)
		}
		synctest.Wait()
		for _, f := range nodes {
			f.checkAll("s", writers, each)
			checkLineage(t, f.shards("s"))
			f.checkCoverage(t, "s", 0)
			f.checkOpen("s")
		}
	})
}

// TestClocksOfNodesDiffer: what is ready where it was made is ready where it is earlier.
func TestClocksOfNodesDiffer(t *testing.T) {
	onTwoNodes(t, func(n *twoNodes) {
		a, b := n.first, n.second
		b.ahead = -90 * time.Second
		a.create("s", 2)
		a.split("s", "0", "1000")
		consumer := a.register("c")
		synctest.Wait()
		b.split("s", "1", b.middle("s", "1"))
		if s := b.status("s"); s != stateActive {
			t.Error(s)
		}
		b.subscribe(subscribe(consumer, "2", "LATEST")).Close()
		a.resize("s", 5)
		b.retain("s", 24, 48)
		a.merge("s", a.openID(0), a.openID(1))
		checkLineage(t, b.shards("s"))
	})
}

// openID is the id of an open shard of stream s.
func (f *fixture) openID(i int) string {
	return shardID(f.lookup(name{region, account, "s"}).open[i].Index)
}
