package stream

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/store"
)

// world is nodes in one process: replicated logs that fence, and calls between the
// nodes that go wrong as those of a network do. (Package queue has its like.)
type world struct {
	t     *testing.T
	nodes []*node
	logs  map[uint16]*replicatedLog

	mu      sync.Mutex // guards the fields below
	rng     *rand.Rand
	owners  map[uint16]*node // where calls are sent: may be out of date
	changed chan struct{}    // closed when owners changes
	faults  int              // of 100 calls, so many go wrong in each way
	late    []func()         // calls that were given up, and are still under way
	served  map[byte]int     // by op
	running sync.WaitGroup
}

// node is one member of a world.
type node struct {
	*Engine
	w      *world
	number int
	store  *store.Store
	set    *partition.Set
}

func newWorld(t *testing.T, seed uint64, nodes int, declare func(e *Engine)) *world {
	t.Helper()
	w := &world{
		t: t, logs: make(map[uint16]*replicatedLog), owners: make(map[uint16]*node), changed: make(chan struct{}),
		rng: rand.New(rand.NewPCG(seed, 7)), served: make(map[byte]int),
	}
	for number := range nodes {
		st, err := store.Open(store.Options{Memory: true})
		if err != nil {
			t.Fatal(err)
		}
		set, err := partition.OpenSet(st, partition.Options{Partitions: 3, Replicated: true})
		if err != nil {
			t.Fatal(err)
		}
		n := &node{w: w, number: number, store: st, set: set}
		n.Engine = New(set, st, Options{Peers: n, Refresh: func(context.Context) error { return nil }, CacheBytes: 50_000})
		declare(n.Engine)
		if err := set.Start(); err != nil {
			t.Fatal(err)
		}
		w.nodes = append(w.nodes, n)
	}
	for _, p := range w.nodes[0].set.All() {
		w.logs[p.ID()] = &replicatedLog{nodes: w.nodes, applied: make([]int, nodes)}
	}
	t.Cleanup(w.close)
	return w
}

func (w *world) close() {
	w.setFaults(0)
	w.deliverLate()
	for _, n := range w.nodes {
		n.Engine.Close()
	}
	w.running.Wait()
	for _, n := range w.nodes {
		if err := n.set.Close(context.Background()); err != nil {
			w.t.Error(err)
		}
		if err := n.store.Close(); err != nil {
			w.t.Error(err)
		}
	}
}

// take makes a node the owner, behind the back of the one before: that one is not
// told until somebody calls Release.
func (w *world) take(id uint16, n *node) {
	w.t.Helper()
	p := n.set.Get(id)
	p.Release()
	if err := p.Own(w.logs[id].fence(n), time.Time{}, time.Time{}); err != nil {
		w.t.Fatal(err)
	}
	w.route(id, n)
}

// hand makes a node the owner after the other one resigned.
func (w *world) hand(id uint16, n *node) {
	w.t.Helper()
	for _, other := range w.nodes {
		if err := other.set.Get(id).Resign(context.Background()); err != nil {
			w.t.Fatal(err)
		}
	}
	w.take(id, n)
}

func (w *world) route(id uint16, n *node) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.owners[id] = n
	close(w.changed)
	w.changed = make(chan struct{})
}

func (w *world) setFaults(percent int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = percent
}

// deliverLate lets the calls that were given up until now arrive.
func (w *world) deliverLate() {
	w.mu.Lock()
	late := w.late
	w.late = nil
	w.mu.Unlock()
	for _, f := range late {
		f()
	}
}

func (w *world) intN(n int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rng.IntN(n)
}

// calls is how many requests of a kind were executed for another node.
func (w *world) calls(op byte) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.served[op]
}

// fate of a call.
type fate int

const (
	fateGood      fate = iota
	fateRefused        // not executed: tried again
	fateReplyLost      // executed, and nobody knows
	fateLate           // given up, and executed much later
)

// fate also names the owner to call, as far as it is known.
func (w *world) fate(id uint16) (fate, *node, <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := fateGood
	if n := w.rng.IntN(100); n < 3*w.faults {
		f = fateRefused + fate(n%3)
	}
	return f, w.owners[id], w.changed
}

// Call implements partition.Peers.
func (n *node) Call(ctx context.Context, id uint16, request []byte) ([]byte, error) {
	w := n.w
	for ctx.Err() == nil {
		f, owner, changed := w.fate(id)
		if owner == nil || f == fateRefused {
			w.pause(ctx, changed)
			continue
		}
		if f == fateLate {
			w.mu.Lock()
			w.late = append(w.late, func() { w.running.Go(func() { owner.Serve(context.Background(), id, request) }) }) // nobody waits
			w.mu.Unlock()
			return nil, partition.ErrStopped
		}
		reply, err := w.serve(ctx, owner, id, request)
		if errors.Is(err, partition.ErrNotOwner) {
			w.pause(ctx, changed)
			continue
		}
		if f == fateReplyLost {
			return nil, partition.ErrStopped
		}
		return reply, err
	}
	return nil, partition.ErrNotOwner
}

func (w *world) pause(ctx context.Context, changed <-chan struct{}) {
	select {
	case <-changed:
	case <-time.After(time.Millisecond):
	case <-ctx.Done():
	}
}

// serve executes a request at the owner; who calls does not wait beyond ctx.
func (w *world) serve(ctx context.Context, owner *node, id uint16, request []byte) ([]byte, error) {
	type result struct {
		reply []byte
		err   error
	}
	ended := make(chan result, 1)
	w.running.Go(func() {
		// Across a network only the deadline is known to the owner.
		serving, cancel := context.WithCancel(context.Background())
		if deadline, ok := ctx.Deadline(); ok {
			serving, cancel = context.WithDeadline(context.Background(), deadline)
		}
		defer cancel()
		reply, err := owner.Serve(serving, id, request)
		if err == nil {
			w.mu.Lock()
			w.served[request[1]]++
			w.mu.Unlock()
		}
		ended <- result{reply, err}
	})
	select {
	case r := <-ended:
		return r.reply, r.err
	case <-ctx.Done():
		return nil, partition.ErrStopped
	}
}

// replicatedLog is the log of one partition: the batches that were agreed on.
type replicatedLog struct {
	nodes []*node

	mu      sync.Mutex // guards the fields below
	epoch   int
	batches [][]byte
	applied []int // by each node
	acks    int   // until one is lost; 0 for never
}

// fence begins an epoch: nothing of an earlier one is taken any more. The node's
// store has everything afterwards.
func (l *replicatedLog) fence(n *node) partition.Log {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.epoch++
	l.apply(n.number)
	return &tenure{l, l.epoch, n}
}

// apply brings a node's store up to date. mu is held.
func (l *replicatedLog) apply(number int) {
	for ; l.applied[number] < len(l.batches); l.applied[number]++ {
		b := l.nodes[number].store.NewBatch()
		err := b.SetRepr(append([]byte(nil), l.batches[l.applied[number]]...))
		if err == nil {
			err = b.Commit(false)
		}
		if err != nil {
			panic(err)
		}
	}
}

func (l *replicatedLog) catchUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for number := range l.applied {
		l.apply(number)
	}
}

// loseAck has the acknowledgement of the n-th batch from now get lost: its owner does
// not know that it was taken, and has to give up.
func (l *replicatedLog) loseAck(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acks = n
}

// tenure is the log for one owner.
type tenure struct {
	log   *replicatedLog
	epoch int
	n     *node
}

// Fenced implements partition.Fencer.
func (*tenure) Fenced() {}

// Depth implements partition.Pipeliner.
func (*tenure) Depth() int { return 3 }

// Append implements partition.Log.
func (t *tenure) Append(b *store.Batch, _ bool) (partition.Commit, error) {
	return &agreement{t, b, append([]byte(nil), b.Repr()...)}, nil
}

type agreement struct {
	t     *tenure
	batch *store.Batch
	repr  []byte
}

var errAckLost = errors.New("the acknowledgement was lost")

// Wait implements partition.Commit.
func (a *agreement) Wait() error {
	l := a.t.log
	l.mu.Lock()
	defer l.mu.Unlock()
	a.batch.Discard()
	if a.t.epoch != l.epoch {
		return partition.ErrNotOwner
	}
	l.batches = append(l.batches, a.repr)
	if l.acks > 0 {
		if l.acks--; l.acks == 0 {
			l.epoch++ // whatever it has on its way is lost
			return errAckLost
		}
	}
	l.apply(a.t.n.number)
	return nil
}
