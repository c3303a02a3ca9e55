package queue

import "github.com/spillway/spillway/internal/partition"

// Purge deletes every message, whatever its state, and forgets deduplication
// ids. Messages on their way to another queue may still arrive there.
func (q *Queue) Purge() error {
	c := &purgeCommand{call: newCall(), q: q}
	q.m.p.Submit(c)
	return c.wait()
}

type purgeCommand struct {
	call
	q *Queue
}

// Run implements partition.Command.
func (c *purgeCommand) Run(tx *partition.Tx) {
	l := c.q.m.local(c.q)
	if l == nil {
		c.err = ErrNoQueue
		return
	}
	l.core.Purge(c.q.m.begin(tx, l))
}

// touchCommand has a queue looked at after its spec changed.
type touchCommand struct{ q *Queue }

// Run implements partition.Command.
func (c *touchCommand) Run(tx *partition.Tx) {
	tx.Relax()
	if l := c.q.m.locals[c.q.id]; l != nil {
		c.q.m.begin(tx, l)
	}
}

// Done implements partition.Command. A queue in a partition that has stopped is
// loaded with its new spec.
func (c *touchCommand) Done(error) {}

// dropCommand deletes a queue that the engine does not know any more.
type dropCommand struct{ q *Queue }

// Run implements partition.Command.
func (c *dropCommand) Run(tx *partition.Tx) { c.q.m.drop(tx, c.q.id) }

// Done implements partition.Command. If it failed, the next start finds the rest.
func (c *dropCommand) Done(error) {}

// recoverCommand finishes what a restart found unfinished.
type recoverCommand struct{ m *machine }

// Run implements partition.Command.
func (c *recoverCommand) Run(tx *partition.Tx) {
	for _, id := range c.m.orphans {
		c.m.drop(tx, id)
	}
	c.m.orphans = nil
	for _, i := range c.m.interrupted {
		for _, t := range i.out {
			c.m.engine.mover.add(&move{source: i.queue, Transfer: t})
		}
		for _, id := range i.in {
			c.m.engine.mover.resolve(i.queue, id)
		}
	}
	c.m.interrupted = nil
}

// Done implements partition.Command. If it failed, the partition has stopped.
func (c *recoverCommand) Done(error) {}
