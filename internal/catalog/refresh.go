package catalog

import (
	"context"

	"github.com/spillway/spillway/internal/partition"
)

// barrier is one question for the latest version, asked for all who came before it was
// sent.
type barrier struct {
	ended   chan struct{}
	version uint64
	err     error
}

// Refresh returns when everything that was committed on any node before the call is
// visible on this one. On a single machine it always is.
//
// One question is on its way at a time; who comes meanwhile shares the next.
func (c *Catalog) Refresh(ctx context.Context) error {
	if c.peers == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, remoteTime)
	defer cancel()
	for {
		b, mine := c.joinBarrier()
		if mine {
			c.ask(ctx, b)
		}
		select {
		case <-b.ended:
		case <-ctx.Done():
			return partition.ErrStopped
		}
		if b.err == nil {
			return c.reach(ctx, b.version)
		}
		if mine || ctx.Err() != nil {
			return b.err
		}
		// The one who asked has given up, which is no reason for the others to.
	}
}

// joinBarrier returns a barrier that was not sent yet. The first to come has to ask.
func (c *Catalog) joinBarrier() (b *barrier, mine bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.barrier == nil {
		c.barrier, mine = &barrier{ended: make(chan struct{})}, true
	}
	return c.barrier, mine
}

// ask finds out the latest version: the owner commits something before it answers, so
// that it knows of no later owner.
func (c *Catalog) ask(ctx context.Context, b *barrier) {
	defer close(b.ended)
	b.err = take(ctx, c.asking)
	c.mu.Lock()
	c.barrier = nil // who comes from now on needs another
	c.mu.Unlock()
	if b.err != nil {
		return
	}
	defer func() { <-c.asking }()
	var a answer
	a, b.err = c.insist(ctx, &request{op: opBarrier})
	b.version = a.version
}
