package queue

import "github.com/spillway/spillway/internal/partition"

// Purge deletes every message, whatever its state, and forgets deduplication
// ids. Messages on their way to another queue may still arrive there.
func (q *Queue) Purge() error {
	err := q.purgeHere()
	if q.elsewhere(err) {
		return q.purgeElsewhere()
	}
	return err
}

func (q *Queue) purgeHere() error {
	c := &purgeCommand{Call: partition.NewCall(), q: q}
	q.m.p.Submit(c)
	return c.Wait()
}

type purgeCommand struct {
	partition.Call
	q *Queue
}

// Run implements partition.Command.
func (c *purgeCommand) Run(tx *partition.Tx) {
	l := c.q.m.local(c.q)
	if l == nil {
		c.Err = ErrNoQueue
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

// recover finishes what the last owner, before a crash or a fail-over, did not. The
// catalog has been read up to a moment after this node became the owner, so a queue
// that is not declared was deleted.
func (m *machine) recover(tx *partition.Tx) {
	for _, id := range m.orphans {
		m.drop(tx, id)
	}
	for id, l := range m.locals {
		if l.handle.gone.Load() {
			m.drop(tx, id) // deleted during Load: the command for that was refused
		}
	}
	if m.engine.clustered() {
		m.takeUp(tx)
	} else {
		for _, i := range m.interrupted {
			for _, t := range i.out {
				m.engine.mover.add(&move{source: i.queue, Transfer: t})
			}
			for _, id := range i.in {
				m.engine.mover.resolve(i.queue, id)
			}
		}
	}
	m.orphans, m.interrupted = nil, nil
}

// takeUp goes on with the transfers of the partition's last owner.
func (m *machine) takeUp(tx *partition.Tx) {
	var out []*move
	var in []arrived
	for _, i := range m.interrupted {
		for _, t := range i.out {
			out = append(out, &move{source: i.queue, Transfer: t, generation: m.generation})
		}
		for _, id := range i.in {
			in = append(in, arrived{i.queue.id, id})
		}
	}
	v, tenure := m.engine.mover, m.tenure
	if len(out) > 0 {
		m.announce(tx)
		tx.OnCommit(func(err error) {
			if err == nil {
				v.queue(v.notify, out...)
			}
		})
	}
	v.spawn(func() { v.resolveElsewhere(tenure, m, in) })
}
