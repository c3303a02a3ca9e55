package queue

import (
	"github.com/spillway/spillway/internal/partition"
)

// Enqueue stores messages, all or none, and appends what became of each to out.
// The messages' header and body may be reused when it returns. It fails with
// partition.ErrDiskFull while the disk is short of space.
func (q *Queue) Enqueue(in []Enqueue, out []Enqueued) ([]Enqueued, error) {
	out, err := q.enqueueHere(in, out)
	if q.elsewhere(err) {
		return q.enqueueElsewhere(in, out)
	}
	return out, err
}

func (q *Queue) enqueueHere(in []Enqueue, out []Enqueued) ([]Enqueued, error) {
	if q.m.p.Full() && (!q.m.engine.clustered() || q.m.p.Owned()) { // else it is the owner's disk that counts
		return out, partition.ErrDiskFull
	}
	c := q.m.engine.enqueues.get()
	c.q, c.in, c.out = q, in, out
	q.m.p.Submit(c)
	err := c.Wait()
	out = c.out
	c.q, c.in, c.out = nil, nil, nil
	q.m.engine.enqueues.put(c)
	return out, err
}

type enqueueCommand struct {
	partition.Call
	q   *Queue
	in  []Enqueue
	out []Enqueued
}

// Run implements partition.Command.
func (c *enqueueCommand) Run(tx *partition.Tx) {
	l := c.q.m.local(c.q)
	if l == nil {
		c.Err = ErrNoQueue
		return
	}
	ctx := c.q.m.begin(tx, l)
	for i := range c.in {
		c.out = append(c.out, l.core.Enqueue(ctx, &c.in[i]))
	}
	c.q.stats.enqueued.Add(uint64(len(c.in)))
}
