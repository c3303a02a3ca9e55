package kinesis

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/catalog/catalogtest"
	"github.com/spillway/spillway/internal/partition"
	engine "github.com/spillway/spillway/internal/stream"
)

// twoNodes are two services of a cluster.
type twoNodes struct {
	*catalogtest.Pair
	first, second *fixture
}

// onTwoNodes runs a test in virtual time with two fresh services.
func onTwoNodes(t *testing.T, f func(n *twoNodes)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := &twoNodes{Pair: catalogtest.NewPair(t)}
		var shards *engine.Engine
		owner := func() partition.Serve { return shards.Serve }
		n.first, shards = n.on(n.First, owner)
		n.second, _ = n.on(n.Second, owner)
		n.Start()
		for _, fx := range []*fixture{n.second, n.first} { // the owner need not be the first
			if err := fx.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		f(n)
	})
}

// on makes a service whose engine asks the owner.
func (n *twoNodes) on(node *catalogtest.Node, owner catalogtest.Owner) (*fixture, *engine.Engine) {
	e := engine.New(node.Set, node.Store, engine.Options{Peers: owner, Refresh: node.Catalog.Refresh})
	s := New(e, node.Catalog, Config{Account: account, ShardLimit: 20_000})
	if err := node.Set.Start(); err != nil {
		n.Fatal(err)
	}
	n.Cleanup(e.Close)
	return &fixture{T: n.T, Service: s, call: rootCall(), store: node.Store}, e
}

// TestStreamThroughAnyNode: made, written, resharded and read through either, though one
// hears of everything late.
func TestStreamThroughAnyNode(t *testing.T) {
	onTwoNodes(t, func(n *twoNodes) {
		a, b := n.first, n.second
		n.Behind(func() { a.create("s", 2) })
		b.put("s", "a", "1")
		n.Behind(func() { a.split("s", "0", "1000") })
		b.put("s", "k", "2", hashed("0"))
		b.put("s", "k", "3", hashed("1000"))
		a.reads("[2]", "s", "2", "TRIM_HORIZON")
		b.reads("[3]", "s", "3", "TRIM_HORIZON")
		n.Behind(func() { a.split("s", "3", "5000") })
		b.iterator("s", "5", "TRIM_HORIZON") // which would be an end for KCL if it were not found
		n.Behind(func() { a.merge("s", "4", "5") })
		if got := ids(b.shards("s")); got != "0 1 2 3 4 5 6" {
			t.Error(got)
		}
		n.Behind(func() { a.retain("s", 24, 48) })
		if h := *b.describe().RetentionPeriodHours; h != 48 {
			t.Errorf("%d hours", h)
		}
		// What was replaced is not replaced again by who knows it only as it was.
		n.Behind(func() { a.split("s", "2", "500") })
		b.refused(kinesisapi.SplitShard, &kinesisapi.SplitShardInput{StreamName: new("s"), ShardToSplit: new("2"), NewStartingHashKey: new("100")}, codeInvalid, "Shard shardId-000000000002 in stream s under account 000000000000 has already been merged or split, ...")
		b.checkOpen("s")
		a.merge("s", "7", "8")
		synctest.Wait()
		n.Behind(func() { b.merge("s", "9", "6") })
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
		n.Behind(func() { a.does(kinesisapi.DeleteStream, &kinesisapi.DeleteStreamInput{StreamName: new("s")}) })
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
