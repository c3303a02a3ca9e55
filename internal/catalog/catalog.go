package catalog

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/store"
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
	p *partition.Partition

	// working and lastID belong to the partition's goroutine.
	working records
	lastID  uint64

	// delivery is held while watchers are called, so that each sees every change
	// once and in order. It is taken before mu.
	delivery sync.Mutex
	watchers map[string][]func(key string, value []byte)

	mu        sync.RWMutex // guards committed
	committed records
}

// New returns the catalog of the catalog partition, as its machine. It is empty
// until the partition's set is started.
func New(p *partition.Partition) *Catalog {
	c := &Catalog{p: p, working: records{}, committed: records{}, watchers: map[string][]func(string, []byte){}}
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
func (c *Catalog) publish(changes []change) {
	c.delivery.Lock()
	defer c.delivery.Unlock()
	c.mu.Lock()
	for _, ch := range changes {
		ch.applyTo(c.committed)
	}
	c.mu.Unlock()
	for _, ch := range changes {
		for _, f := range c.watchers[ch.kind] {
			f(ch.key, ch.value)
		}
	}
}

// machine is the side of the catalog that the partition sees.
type machine Catalog

// Load implements partition.Machine.
func (m *machine) Load(r store.Reader, _ time.Time) error {
	c := (*Catalog)(m)
	lo, hi := store.Bounds(c.p.ID(), store.SpaceCatalog)
	var changes []change
	var damaged error
	err := r.Scan(lo, hi, func(key, value []byte) bool {
		rest := key[len(lo):]
		switch kind, name, ok := splitKey(rest); {
		case ok:
			ch := change{kind: kind, key: name, value: append([]byte{}, value...)}
			ch.applyTo(c.working)
			changes = append(changes, ch)
		case len(rest) == 1 && rest[0] == 0 && len(value) == 8:
			c.lastID = binary.BigEndian.Uint64(value)
		default:
			damaged = fmt.Errorf("catalog: key %x is not one of a record", key)
		}
		return damaged == nil
	})
	if err := errors.Join(err, damaged); err != nil {
		return err
	}
	c.publish(changes)
	return nil
}

// Unload implements partition.Machine: nothing waits here, and the next Load reads
// everything.
func (m *machine) Unload(error) {}

// Advance implements partition.Machine: nothing depends on time.
func (m *machine) Advance(*partition.Tx) (next time.Time) { return }

// Update runs fn on the partition's goroutine, after all updates before it, and
// makes its changes together; an error from fn is returned and changes nothing.
// Update returns when the changes are durable and the watchers have been told.
// fn must not block. If ctx ends before fn has started, it never will; after that
// the result is waited for, which is a matter of milliseconds.
func (c *Catalog) Update(ctx context.Context, fn func(tx *Tx) error) error {
	u := &update{c: c, fn: fn, end: make(chan error, 1)}
	c.p.Submit(u)
	select {
	case err := <-u.end:
		return err
	case <-ctx.Done():
		if u.taken.CompareAndSwap(false, true) {
			return context.Cause(ctx)
		}
		return <-u.end
	}
}
