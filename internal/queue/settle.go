package queue

import "github.com/spillway/spillway/internal/partition"

// Settlement ends or changes a lease.
type Settlement struct {
	Seq        uint64
	Generation uint32
	// Extend makes the message visible again Time ms from now, 0 for at once.
	// Without it the message is accepted: deleted.
	Extend bool
	Time   int64
	// back makes the message visible again if this is still its latest lease: for
	// callers that went, whose lease may be over by the time that this is known.
	back bool
}

// Settle settles leases, and appends an error or nil for each to out: ErrLapsed,
// ErrGone, ErrTooLong. Leases may be of any age; what a lease of a message that
// was delivered again can still do is said by core.Queue.Accept and Extend.
func (q *Queue) Settle(in []Settlement, out []error) ([]error, error) {
	out, err := q.settleHere(in, out)
	if q.elsewhere(err) {
		return q.settleElsewhere(in, out)
	}
	return out, err
}

func (q *Queue) settleHere(in []Settlement, out []error) ([]error, error) {
	c := q.m.engine.settles.get()
	c.q, c.in, c.out = q, in, out
	q.m.p.Submit(c)
	err := c.Wait()
	out = c.out
	c.q, c.in, c.out = nil, nil, nil
	q.m.engine.settles.put(c)
	return out, err
}

type settleCommand struct {
	partition.Call
	q   *Queue
	in  []Settlement
	out []error
}

// Run implements partition.Command.
func (c *settleCommand) Run(tx *partition.Tx) {
	l := c.q.m.local(c.q)
	if l == nil {
		c.Err = ErrNoQueue
		return
	}
	ctx := c.q.m.begin(tx, l)
	before := tx.Batch.Len()
	deleted := uint64(0)
	for _, s := range c.in {
		if s.back {
			c.out = append(c.out, l.core.GiveBack(ctx, s.Seq, s.Generation))
			continue
		}
		if s.Extend {
			c.out = append(c.out, l.core.Extend(ctx, s.Seq, s.Generation, s.Time))
			continue
		}
		err := l.core.Accept(ctx, s.Seq, s.Generation)
		if err == nil {
			deleted++
		}
		c.out = append(c.out, err)
	}
	c.q.m.fence(tx, before)
	c.q.stats.deleted.Add(deleted)
}
