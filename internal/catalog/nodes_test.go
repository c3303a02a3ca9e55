package catalog_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/store"
)

// nodes are several catalogs that replicate over a log in memory. As in a cluster, one
// owns the partition, the log refuses what an earlier owner still sends, and whoever
// asks for something may not hear what became of it.
type nodes struct {
	t   *testing.T
	all []*node
	// lossy: how often, of 100, a reply or an acknowledgement of the log is lost.
	lossy int

	mu      sync.Mutex // guards the rest
	epoch   int
	leader  *node
	soft    bool // the last election waited for the owner to finish
	entries [][]byte
	changed chan struct{} // closed and replaced when something above changes
}

// node is one of them.
type node struct {
	*nodes
	id      int
	store   *store.Store
	set     *partition.Set
	catalog *catalog.Catalog
	applied int // entries that the store has; of run, or of the partition while it runs

	mu     sync.Mutex
	heard  []string          // "kind/key=value" of every change, in order
	latest map[string]string // by "kind/key"
}

// openNodes runs n nodes until the test ends. The first leads.
func openNodes(t *testing.T, n, lossy int) *nodes {
	t.Helper()
	c := &nodes{t: t, lossy: lossy, changed: make(chan struct{})}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for id := range n {
		st, err := store.Open(store.Options{Memory: true, Replicated: true})
		if err != nil {
			t.Fatal(err)
		}
		set, err := partition.OpenSet(st, partition.Options{Partitions: 1, Replicated: true})
		if err != nil {
			t.Fatal(err)
		}
		node := &node{nodes: c, id: id, store: st, set: set, latest: map[string]string{}}
		node.catalog = catalog.New(set.Catalog(), (*peers)(node))
		for _, kind := range []string{"counter", "unique", "own"} {
			node.catalog.Watch(kind, func(key string, value []byte) { node.hear(kind+"/"+key, value) })
		}
		if err := set.Start(); err != nil {
			t.Fatal(err)
		}
		c.all = append(c.all, node)
	}
	for _, node := range c.all {
		running.Go(func() { node.run(ctx) })
	}
	t.Cleanup(func() {
		stop()
		running.Wait()
		for _, n := range c.all {
			if err := errors.Join(n.set.Close(context.Background()), n.store.Close()); err != nil {
				t.Error(err)
			}
		}
	})
	c.elect(c.all[0], false)
	return c
}

// elect gives the lead to a node. Unless it is soft, what the owner has on its way is
// refused from now on.
func (c *nodes) elect(n *node, soft bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !soft {
		c.epoch++
	}
	c.leader, c.soft = n, soft
	c.signal()
}

// signal needs mu.
func (c *nodes) signal() {
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *nodes) luck() bool { return rand.IntN(100) < c.lossy }

// run follows the log, or owns the partition while this node leads.
func (n *node) run(ctx context.Context) {
	p := n.set.Catalog()
	for ctx.Err() == nil {
		n.nodes.mu.Lock()
		leads, changed := n.leader == n, n.changed
		var entry []byte
		if n.applied < len(n.entries) {
			entry = n.entries[n.applied]
		} else if leads {
			n.epoch++ // the barrier: what others still send is refused
		}
		epoch := n.epoch
		n.nodes.mu.Unlock()
		switch {
		case entry != nil:
			if rand.IntN(20) == 0 {
				wait(ctx, nil, time.Millisecond) // a node that lags
			}
			n.apply(entry)
		case leads:
			if err := p.Own(&ownersLog{n, epoch}, time.Time{}, time.Time{}); err != nil {
				n.t.Error(err)
			}
			n.own(ctx)
			if err := p.Reset(); err != nil {
				n.t.Error(err)
			}
		default:
			wait(ctx, changed, time.Second)
		}
	}
}

// own returns when this node does not own the partition any more.
func (n *node) own(ctx context.Context) {
	p := n.set.Catalog()
	for {
		n.nodes.mu.Lock()
		leads, soft, changed := n.leader == n, n.soft, n.changed
		n.nodes.mu.Unlock()
		if !leads && soft {
			p.Resign(ctx)
			return
		}
		if !leads || ctx.Err() != nil {
			p.Release()
			return
		}
		select {
		case <-changed:
		case <-p.Ended(): // an acknowledgement was lost
			p.Release()
			return
		case <-ctx.Done():
		}
	}
}

// apply is what a follower does with a batch of the owner.
func (n *node) apply(entry []byte) {
	b := n.store.NewBatch()
	if err := b.SetRepr(bytes.Clone(entry)); err != nil {
		n.t.Error(err)
	}
	ops, err := b.Ops()
	if err = errors.Join(err, b.Commit(false)); err != nil {
		n.t.Error(err)
	}
	n.applied++
	n.set.Catalog().Applied(ops)
}

func (n *node) hear(record string, value []byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.heard = append(n.heard, record+"="+string(value))
	n.latest[record] = string(value)
}

func (n *node) last(record string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.latest[record]
}

// ownersLog is the log as one owner writes it.
type ownersLog struct {
	n     *node
	epoch int
}

func (l *ownersLog) Fenced() {}

func (l *ownersLog) Append(b *store.Batch, _ bool) (partition.Commit, error) {
	return &ownersCommit{l, b, bytes.Clone(b.Repr())}, nil
}

type ownersCommit struct {
	*ownersLog
	batch *store.Batch
	repr  []byte
}

func (c *ownersCommit) Wait() error {
	c.n.nodes.mu.Lock()
	fenced := c.epoch != c.n.epoch
	if !fenced {
		c.n.entries = append(c.n.entries, c.repr)
		c.n.signal()
	}
	c.n.nodes.mu.Unlock()
	if fenced || c.n.luck() {
		c.batch.Discard() // it comes back from the log, if it is there
		return partition.ErrNotOwner
	}
	c.n.applied++
	return c.batch.Commit(false)
}

// peers is how a node reaches the owner.
type peers node

func (p *peers) Call(ctx context.Context, id uint16, request []byte) ([]byte, error) {
	for {
		p.nodes.mu.Lock()
		leader, changed := p.leader, p.changed
		p.nodes.mu.Unlock()
		reply, err := []byte(nil), partition.ErrNotOwner
		if leader != nil {
			reply, err = leader.catalog.Serve(ctx, id, bytes.Clone(request))
		}
		switch {
		case errors.Is(err, partition.ErrNotOwner):
			if !wait(ctx, changed, time.Millisecond) {
				return nil, err
			}
		case p.luck():
			return nil, partition.ErrStopped
		default:
			return reply, err
		}
	}
}

func (p *peers) Tell(ctx context.Context, id uint16, request []byte) {
	var asked sync.WaitGroup
	for _, n := range p.all {
		if n != (*node)(p) && !p.luck() {
			asked.Go(func() { _, _ = n.catalog.Serve(ctx, id, bytes.Clone(request)) })
		}
	}
	asked.Wait()
}

// wait returns when changed is closed, after a while, or, with false, when ctx ends.
func wait(ctx context.Context, changed <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-changed:
	case <-timer.C:
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}
