// Package catalogtest runs services on two nodes of a cluster in one process, for
// tests in virtual time: the second node hears of changes when the test lets it.
package catalogtest

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/store"
)

// Pair is two nodes. The first owns every partition; the second follows the catalog,
// and asks the first for everything else.
type Pair struct {
	*testing.T
	First, Second *Node
	written       chan []store.Op // of the catalog: what the second has still to apply

	mu sync.Mutex
	// behind, if it is not nil, keeps the second from applying. It is closed when the
	// second asks the first something.
	behind chan struct{}
}

// Node is one of the two.
type Node struct {
	Store   *store.Store
	Set     *partition.Set
	Catalog *catalog.Catalog
}

// NewPair opens two nodes, whose sets are to be started when the engines have been made.
// It is called in the bubble of the test.
func NewPair(t *testing.T) *Pair {
	t.Helper()
	p := &Pair{T: t, written: make(chan []store.Op, 100)}
	p.First = p.node(func() partition.Serve { return p.First.Catalog.Serve })
	p.Second = p.node(func() partition.Serve { p.release(); return p.First.Catalog.Serve })
	return p
}

func (p *Pair) node(owner Owner) *Node {
	p.Helper()
	st, err := store.Open(store.Options{Memory: true, Replicated: true})
	if err != nil {
		p.Fatal(err)
	}
	set, err := partition.OpenSet(st, partition.Options{Replicated: true})
	if err != nil {
		p.Fatal(err)
	}
	return &Node{Store: st, Set: set, Catalog: catalog.New(set.Catalog(), owner)}
}

// Start makes the first node the owner, and has the second follow it. Both close when
// the test ends, before what was put on its Cleanup earlier.
func (p *Pair) Start() {
	p.Helper()
	follower := make(chan struct{})
	go func() {
		defer close(follower)
		for ops := range p.written {
			<-p.heard()
			p.apply(ops)
		}
	}()
	p.Cleanup(func() {
		p.release()
		for _, n := range []*Node{p.First, p.Second} {
			if err := n.Set.Close(context.Background()); err != nil {
				p.Error(err)
			}
		}
		close(p.written)
		<-follower
		p.First.Store.Close()
		p.Second.Store.Close()
	})
	first := p.First.Set
	for _, part := range append(first.All(), first.Catalog()) {
		log := partition.NewLocalLog()
		if part.ID() == 0 {
			log = &toSecond{log, p.written}
		}
		if err := part.Own(log, time.Time{}, time.Time{}); err != nil {
			p.Fatal(err)
		}
	}
}

// Behind does something while the second node hears of nothing. It goes on not to,
// until it asks.
func (p *Pair) Behind(f func()) {
	synctest.Wait() // it has heard of everything before
	p.mu.Lock()
	if p.behind == nil {
		p.behind = make(chan struct{})
	}
	p.mu.Unlock()
	f()
}

// heard is closed when the second may apply.
func (p *Pair) heard() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.behind != nil {
		return p.behind
	}
	at := make(chan struct{})
	close(at)
	return at
}

func (p *Pair) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.behind != nil {
		close(p.behind)
		p.behind = nil
	}
}

func (p *Pair) apply(ops []store.Op) {
	b := p.Second.Store.NewBatch()
	for _, op := range ops {
		if op.Value == nil {
			b.Delete(op.Key)
		} else {
			b.Set(op.Key, op.Value)
		}
	}
	if err := b.Commit(false); err != nil {
		p.Error(err)
	}
	p.Second.Set.Catalog().Applied(ops)
}

// Owner is what serves the requests for a partition at the node that owns it. It
// implements catalog.Peers.
type Owner func() partition.Serve

// Call implements partition.Peers.
func (o Owner) Call(ctx context.Context, id uint16, request []byte) ([]byte, error) {
	return o()(ctx, id, request)
}

// Tell implements catalog.Peers: here nobody reads elsewhere what was just changed
// without asking for it.
func (Owner) Tell(context.Context, uint16, []byte) {}

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

// Append implements partition.Log.
func (l *toSecond) Append(b *store.Batch, sync bool) (partition.Commit, error) {
	ops, err := b.Ops()
	if err != nil {
		return nil, err
	}
	c, err := l.Log.Append(b, sync)
	return &sent{c, ops, l.written}, err
}

// Wait implements partition.Commit.
func (s *sent) Wait() error {
	err := s.Commit.Wait()
	if err == nil {
		s.to <- s.ops
	}
	return err
}
