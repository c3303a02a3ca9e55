package queue

import (
	"errors"
	"time"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/queue/core"
	"github.com/spillway/spillway/internal/store"
)

// send submits the transfer to its target.
func (v *mover) send(mv *move) error {
	if mv.Record == nil {
		key := store.AppendKey(nil, mv.source.m.p.ID(), store.SpaceMessage, mv.source.id, mv.Seq)
		record, ok, err := v.engine.store.Get(key)
		if err != nil {
			return err
		}
		if !ok {
			v.settle(mv, true) // purged on the way
			return nil
		}
		mv.Record = record
	}
	m, err := core.ParseRecord(mv.Record)
	if err != nil {
		return err
	}
	target := v.engine.Queue(mv.Target)
	if target == nil {
		v.settle(mv, false)
		return nil
	}
	here := !v.engine.clustered() || target.m.p.Owned()
	if here && target.m.p.Full() {
		return partition.ErrDiskFull
	}
	c := &arrival{mv: mv, target: target, in: mv.message(m, target)}
	if v.engine.clustered() {
		ok := false
		if c.ticket, ok = mv.source.m.sender.start(mv.generation); !ok {
			mv.end() // the source's new owner takes it up
			return nil
		}
		mv.ticket = c.ticket
	}
	if !here {
		v.sendElsewhere(c)
		return nil
	}
	target.m.p.Submit(&arriveCommand{arrival: c})
	return nil
}

// message is the message as the target stores it.
func (mv *move) message(m Message, target *Queue) Enqueue {
	m.DueAt = 0
	if mv.State.Fresh {
		m.ID, m.SentAt, m.Prior, m.FirstAcquired, m.Origin, m.RetainFrom = NewID(), 0, 0, 0, 0, 0
	} else {
		m.Prior += mv.State.Acquired
		if m.FirstAcquired == 0 {
			m.FirstAcquired = mv.State.FirstAcquired
		}
		m.Origin = mv.source.id
		if target.spec.Load().FIFO {
			// AWS: a FIFO dead-letter queue starts the retention period anew.
			m.RetainFrom = time.Now().UnixMilli()
		}
	}
	return Enqueue{Message: m, From: core.TransferID{Source: mv.source.id, Seq: mv.Seq}}
}

// arrival is an attempt to make a message arrive.
type arrival struct {
	mv     *move // nil at the owner of the target, if that is another node
	target *Queue
	in     Enqueue
	ticket ticket
	result outcome
}

// outcome is what became of an attempt. Values are sent between nodes: append only.
type outcome byte

const (
	stored  outcome = iota // now, or it was already
	refused                // there is no such queue
	late                   // the ticket is below the floor: nothing was done
)

// run stores the message in the target.
func (c *arrival) run(tx *partition.Tx) {
	m := c.target.m
	l := m.local(c.target)
	switch {
	case l == nil:
		c.result = refused
	case c.ticket != ticket{} && !m.admit(tx, c.ticket):
		c.result = late
	default:
		l.core.Enqueue(m.begin(tx, l), &c.in)
		c.result = stored
	}
}

// finish goes on after an attempt whose sender knows what became of it, if err is nil.
func (c *arrival) finish(err error) {
	mv, v := c.mv, c.target.m.engine.mover
	if c.ticket != (ticket{}) {
		mv.source.m.sender.finish(c.ticket)
	}
	switch {
	case err == nil && c.result != late:
		v.settle(mv, c.result == stored)
	case errors.Is(err, partition.ErrBusy), v.engine.clustered():
		v.again(mv) // the target knows it, if it has arrived
	default:
		mv.end() // the target's partition has stopped: after the restart it goes on
	}
}

// arriveCommand is an attempt at a target that this node owns.
type arriveCommand struct{ *arrival }

// Run implements partition.Command.
func (c *arriveCommand) Run(tx *partition.Tx) { c.run(tx) }

// Done implements partition.Command.
func (c *arriveCommand) Done(err error) { c.finish(err) }

// settle tells the source how a transfer ended.
func (v *mover) settle(mv *move, arrived bool) {
	mv.source.m.p.Submit(&departCommand{v: v, mv: mv, arrived: arrived})
}

// departCommand deletes the message from the source, or makes it visible again.
type departCommand struct {
	v       *mover
	mv      *move
	arrived bool
}

// Run implements partition.Command.
func (c *departCommand) Run(tx *partition.Tx) {
	m := c.mv.source.m
	l := m.local(c.mv.source)
	if l == nil || m.engine.clustered() && c.mv.generation != m.generation {
		return // in this ownership another move of the message is under way
	}
	ctx := m.begin(tx, l)
	if c.arrived {
		l.core.Arrived(ctx, c.mv.Seq)
	} else {
		l.core.Refused(ctx, c.mv.Seq)
	}
}

// Done implements partition.Command.
func (c *departCommand) Done(err error) {
	if errors.Is(err, partition.ErrBusy) {
		c.v.again(c.mv) // from the start: the target knows it already
		return
	}
	if err == nil && c.arrived {
		c.v.over(c.mv)
	}
	c.mv.end()
}

// over has the target forget a transfer that is over.
func (v *mover) over(mv *move) {
	id := core.TransferID{Source: mv.source.id, Seq: mv.Seq}
	if v.engine.clustered() {
		mv.source.m.sender.forget(arrived{mv.Target, id}, ticket{generation: mv.generation, number: mv.ticket.number})
	} else if target := v.engine.Queue(mv.Target); target != nil {
		target.m.p.Submit(&forgetCommand{target: target, id: id})
	}
}

// forgetCommand drops the target's memory of a transfer, on a single machine. If it
// is lost, the next start asks the source.
type forgetCommand struct {
	target *Queue
	id     core.TransferID
}

// Run implements partition.Command.
func (c *forgetCommand) Run(tx *partition.Tx) {
	tx.Relax()
	if l := c.target.m.local(c.target); l != nil {
		l.core.Forget(c.target.m.begin(tx, l), c.id)
	}
}

// Done implements partition.Command.
func (c *forgetCommand) Done(error) {}

// resolve finds out, after a restart of a single machine, whether a transfer that
// arrived at target is over, and has it forgotten then.
func (v *mover) resolve(target *Queue, id core.TransferID) {
	forget := &forgetCommand{target: target, id: id}
	if source := v.engine.Queue(id.Source); source != nil {
		source.m.p.Submit(&resolveCommand{source: source, forget: forget})
	} else {
		target.m.p.Submit(forget)
	}
}

// resolveCommand asks a source whether a message is still on its way.
type resolveCommand struct {
	source *Queue
	forget *forgetCommand
	over   bool
}

// Run implements partition.Command.
func (c *resolveCommand) Run(tx *partition.Tx) {
	l := c.source.m.local(c.source)
	c.over = l == nil || !l.core.IsLeaving(c.forget.id.Seq)
}

// Done implements partition.Command.
func (c *resolveCommand) Done(err error) {
	if err == nil && c.over {
		c.forget.target.m.p.Submit(c.forget)
	}
}
