package catalog

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/pause"
)

// records are kind -> key -> value. Values are never changed in place, so the two
// states share them.
type records map[string]map[string][]byte

func (r records) put(kind, key string, value []byte) {
	of := r[kind]
	if of == nil {
		of = map[string][]byte{}
		r[kind] = of
	}
	of[key] = value
}

// Catalog is the records of one data folder. Its methods may be called from any
// goroutine, except where they say otherwise.
type Catalog struct {
	p     *partition.Partition
	peers Peers // nil on a single machine

	// owner belongs to the partition's goroutine, while this node owns it.
	owner ownerState

	// delivery is held while watchers are called, so that each sees every change
	// once and in order. It is taken before mu.
	delivery sync.Mutex
	watchers map[string][]func(key string, value []byte)

	// Of nodes that do not own the catalog; each has one slot, taken by who is at it.
	retrying  chan struct{} // runs an update again
	asking    chan struct{} // has a barrier on its way
	reserving chan struct{} // has the owner give out ids

	mu        sync.RWMutex // guards the rest
	committed records
	at        counters      // of committed
	told      uint64        // the version that all watchers have heard of
	advanced  chan struct{} // closed and replaced when told grows
	barrier   *barrier      // that callers of Refresh may still join
	ids       idRange       // given to this node, not used yet
}

// Peers reaches the other nodes.
type Peers interface {
	partition.Peers
	// Tell has every other node that follows a partition execute a request, and
	// returns when all of them have, or when ctx ends. Nodes that are not there, or
	// that only get their copy, are left out.
	Tell(ctx context.Context, partition uint16, request []byte)
}

// counters are the two numbers that a catalog keeps beside its records.
type counters struct {
	lastID  uint64
	version uint64 // grows with every change
}

// New returns the catalog of the catalog partition, as its machine. It is empty
// until the partition's set is started. With peers it may be owned by another node.
func New(p *partition.Partition, peers Peers) *Catalog {
	c := &Catalog{
		p: p, peers: peers, committed: records{}, advanced: make(chan struct{}),
		watchers: map[string][]func(string, []byte){},
		retrying: make(chan struct{}, 1), asking: make(chan struct{}, 1), reserving: make(chan struct{}, 1),
	}
	p.Attach((*machine)(c))
	return c
}

// Get returns a record as last committed. The value must not be changed.
func (c *Catalog) Get(kind, key string) ([]byte, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	value, ok := c.committed[kind][key]
	return value, ok
}

// Each calls f for the committed records of a kind, in no order, until it returns
// false. f must not change the value, nor call Update.
func (c *Catalog) Each(kind string, f func(key string, value []byte) bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for key, value := range c.committed[kind] {
		if !f(key, value) {
			return
		}
	}
}

// Keys returns the keys of the committed records of a kind, in no order.
func (c *Catalog) Keys(kind string) (keys []string) {
	c.Each(kind, func(key string, _ []byte) bool {
		keys = append(keys, key)
		return true
	})
	return keys
}

// Watch has f called for every record of a kind: for those that exist (when they
// are loaded, or now if they have been), and then for every committed change, in
// order, one at a time. A nil value means deleted; a record may be empty, but is
// then not nil. f must not change the value, must not block, and must not call
// Watch or wait for an Update. What f is told, Get already shows.
func (c *Catalog) Watch(kind string, f func(key string, value []byte)) {
	c.delivery.Lock()
	defer c.delivery.Unlock()
	for key, value := range c.committedOf(kind) {
		f(key, value)
	}
	c.watchers[kind] = append(c.watchers[kind], f)
}

// committedOf copies a kind, so that mu is not held while watchers run.
func (c *Catalog) committedOf(kind string) map[string][]byte {
	c.mu.RLock()
	defer c.mu.RUnlock()
	of := make(map[string][]byte, len(c.committed[kind]))
	for key, value := range c.committed[kind] {
		of[key] = value
	}
	return of
}

// publish makes changes visible, and tells the watchers.
func (c *Catalog) publish(changes []change, at counters) {
	c.delivery.Lock()
	defer c.delivery.Unlock()
	c.deliver(changes, at)
}

// deliver is publish for who holds c.delivery.
func (c *Catalog) deliver(changes []change, at counters) {
	c.mu.Lock()
	for _, ch := range changes {
		ch.applyTo(c.committed)
	}
	c.at = at
	c.mu.Unlock()
	for _, ch := range changes {
		for _, f := range c.watchers[ch.kind] {
			f(ch.key, ch.value)
		}
	}
	// Now that the watchers know, those who wait for the version may go on.
	c.mu.Lock()
	c.told = at.version
	close(c.advanced)
	c.advanced = make(chan struct{})
	c.mu.Unlock()
}

// shown are the numbers of the committed state.
func (c *Catalog) shown() counters {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.at
}

// Update runs fn after all updates before it, and makes its changes together; an
// error from fn is returned and changes nothing. Update returns when the changes are
// durable and the watchers on this node have been told; on a cluster those of all
// nodes, as far as they can be reached: who changes a policy here and is then refused
// there, or is not, would have to know of the nodes.
//
// fn must not block, and must decide by what tx shows only. It runs on the
// partition's goroutine, or, if another node owns the catalog, here, and then again
// whenever what it read has changed meanwhile: what it leaves outside of tx must be
// right after any number of runs, so it sets variables and never adds to them.
//
// If ctx ends before fn has started, it never will; after that the result is waited
// for, which is a matter of milliseconds. On a cluster it may have to be waited for
// until the catalog has an owner, and ErrStopped says that it is unknown.
func (c *Catalog) Update(ctx context.Context, fn func(tx *Tx) error) error {
	u := &update{c: c, fn: fn, end: make(chan error, 1)}
	c.p.Submit(u)
	err := u.wait(ctx)
	if c.peers == nil {
		return err
	}
	if errors.Is(err, partition.ErrNotOwner) {
		err = c.updateElsewhere(ctx, fn)
	}
	if err == nil {
		c.spread(ctx)
	}
	return err
}

// spreadTime bounds the wait for other nodes that do not answer: paused, or cut off.
// They are left out once the cluster has noticed.
const spreadTime = 2 * time.Second

// spread returns when the other nodes show what this one shows.
func (c *Catalog) spread(ctx context.Context) {
	// What was changed is: that the caller goes, or the server drains, is no reason to skip it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), spreadTime)
	defer cancel()
	c.peers.Tell(ctx, c.p.ID(), (&request{op: opReach, at: c.shown().version}).encode())
}

// Ensure is Update for what may be done any number of times: on a cluster it is tried
// again until ctx ends, as when the catalog has no owner yet, or this node's copy fails.
func (c *Catalog) Ensure(ctx context.Context, fn func(tx *Tx) error) error {
	for {
		err := c.Update(ctx, fn)
		if c.peers == nil || !passing(err) || c.p.Err() != nil || !pause.For(ctx, insistPause) {
			return err
		}
	}
}
