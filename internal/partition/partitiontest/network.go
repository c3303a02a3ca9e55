package partitiontest

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/store"
)

// Engine is what runs on a member.
type Engine interface {
	Serve(ctx context.Context, id uint16, request []byte) ([]byte, error)
	Close()
}

// Member is one member of a cluster. It implements partition.Peers for its engine.
type Member struct {
	Store  *store.Store
	Set    *partition.Set
	c      *Cluster
	engine Engine
	// instead, if set, gets the member's calls.
	instead atomic.Pointer[call]
}

type call func(ctx context.Context, id uint16, request []byte) ([]byte, error)

// Join adds a member. It owns nothing, and has to be given its engine with Run.
func (c *Cluster) Join() *Member {
	c.Helper()
	st, err := store.Open(store.Options{Memory: true})
	if err != nil {
		c.Fatal(err)
	}
	set, err := partition.OpenSet(st, partition.Options{Partitions: partitions, Replicated: true})
	if err != nil {
		c.Fatal(err)
	}
	m := &Member{Store: st, Set: set, c: c}
	c.members = append(c.members, m)
	for _, p := range set.All() {
		if c.Logs[p.ID()] == nil {
			c.Logs[p.ID()] = &Log{members: &c.members, applied: make(map[*Member]int)}
		}
	}
	return m
}

// Run starts the member with an engine on its Set, which has declared what it has.
func (m *Member) Run(e Engine) {
	m.c.Helper()
	m.engine = e
	if err := m.Set.Start(); err != nil {
		m.c.Fatal(err)
	}
}

// Divert has a function get the member's calls; it may make them with CallOwner.
func (m *Member) Divert(f func(ctx context.Context, id uint16, request []byte) ([]byte, error)) {
	g := call(f)
	m.instead.Store(&g)
}

// Call implements partition.Peers.
func (m *Member) Call(ctx context.Context, id uint16, request []byte) ([]byte, error) {
	if f := m.instead.Load(); f != nil {
		return (*f)(ctx, id, request)
	}
	return m.CallOwner(ctx, id, request)
}

// SetFaults has so many of 100 calls go wrong in each of the ways.
func (c *Cluster) SetFaults(percent int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = percent
}

// DeliverLate lets the calls that were given up until now arrive.
func (c *Cluster) DeliverLate() {
	c.mu.Lock()
	late := c.late
	c.late = nil
	c.mu.Unlock()
	for _, f := range late {
		f()
	}
}

// Settle waits for the requests that are being executed.
func (c *Cluster) Settle() { c.running.Wait() }

// fate of a call.
type fate int

const (
	fateGood      fate = iota
	fateRefused        // not executed: tried again
	fateReplyLost      // executed, and nobody knows
	fateLate           // given up, and executed much later
)

// fate also names the owner to call, as far as it is known.
func (c *Cluster) fate(id uint16, request []byte) (fate, *Member, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := fateGood
	if n := c.rng.IntN(100); n < 3*c.faults {
		f = fateRefused + fate(n%3)
	}
	if f == fateLate && c.harmful != nil && c.harmful(request) {
		f = fateRefused
	}
	return f, c.owners[id], c.changed
}

// CallOwner sends a request to the owner, as partition.Peers demands.
func (m *Member) CallOwner(ctx context.Context, id uint16, request []byte) ([]byte, error) {
	c := m.c
	for ctx.Err() == nil {
		f, owner, changed := c.fate(id, request)
		if owner == nil || f == fateRefused {
			pause(ctx, changed)
			continue
		}
		if f == fateLate {
			c.mu.Lock()
			c.late = append(c.late, func() { c.running.Go(func() { _, _ = owner.engine.Serve(context.Background(), id, request) }) }) // nobody waits
			c.mu.Unlock()
			return nil, partition.ErrStopped
		}
		reply, err := c.serve(ctx, owner, id, request)
		if errors.Is(err, partition.ErrNotOwner) {
			pause(ctx, changed)
			continue
		}
		if f == fateReplyLost {
			return nil, partition.ErrStopped
		}
		return reply, err
	}
	return nil, partition.ErrNotOwner
}

func pause(ctx context.Context, changed <-chan struct{}) {
	select {
	case <-changed:
	case <-time.After(time.Millisecond):
	case <-ctx.Done():
	}
}

// serve executes a request at the owner; who calls does not wait beyond ctx.
func (c *Cluster) serve(ctx context.Context, owner *Member, id uint16, request []byte) ([]byte, error) {
	type result struct {
		reply []byte
		err   error
	}
	ended := make(chan result, 1)
	c.running.Go(func() {
		// Across a network only the deadline is known to the owner.
		serving, cancel := context.WithCancel(context.Background())
		if deadline, ok := ctx.Deadline(); ok {
			serving, cancel = context.WithDeadline(context.Background(), deadline)
		}
		defer cancel()
		reply, err := owner.engine.Serve(serving, id, request)
		if err == nil {
			c.mu.Lock()
			c.served[request[1]]++
			c.mu.Unlock()
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
