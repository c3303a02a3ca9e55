package queue

import (
	"context"
	"errors"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/queue/core"
)

// goCall makes a call to another node beside the mover's own work, when there is a slot.
func (v *mover) goCall(f func(ctx context.Context)) {
	v.ended.Go(func() {
		select {
		case v.calls <- struct{}{}:
		case <-v.ctx.Done():
			return
		}
		defer func() { <-v.calls }()
		ctx, cancel := context.WithTimeout(v.ctx, moveTime)
		defer cancel()
		f(ctx)
	})
}

// sendElsewhere has the target's owner store the message.
func (v *mover) sendElsewhere(mv *move, target *Queue, in Enqueue) {
	v.goCall(func(ctx context.Context) {
		e := encoder(target.begin(opArrive))
		e.enqueue(&in)
		d, err := target.call(ctx, e)
		refused := d.flag()
		switch {
		case errors.Is(err, ErrNoQueue) || err == nil && d.end() == nil && refused:
			v.settle(mv, false)
		case err == nil && d.end() == nil:
			v.settle(mv, true)
		case !mv.source.m.p.Owned():
			mv.end() // its new owner takes it up
		default:
			v.again(mv) // the target knows it, if it has arrived
		}
	})
}

func (v *mover) forgetElsewhere(target *Queue, id core.TransferID) {
	v.goCall(func(ctx context.Context) {
		e := encoder(target.begin(opForget))
		e.number(id.Source)
		e.number(id.Seq)
		_, _ = target.call(ctx, e) //nolint:errcheck // the target's next owner asks
	})
}

func (v *mover) resolveElsewhere(target, source *Queue, id core.TransferID) {
	v.goCall(func(ctx context.Context) {
		e := encoder(source.begin(opResolve))
		e.number(id.Seq)
		d, err := source.call(ctx, e)
		over := d.flag()
		if errors.Is(err, ErrNoQueue) || err == nil && d.end() == nil && over {
			v.after(func() { v.forget(target, id) })
		}
	})
}

// executeTransfer does a step of a transfer for the node that drives it.
func (q *Queue) executeTransfer(op byte, d *decoder) (reply encoder, err error) {
	v := q.m.engine.mover
	switch op {
	case opArrive:
		in := d.enqueue()
		if err := d.end(); err != nil {
			return nil, err
		}
		if q.m.p.Full() {
			return nil, partition.ErrDiskFull
		}
		c := &arrival{call: newCall(), target: q, in: in}
		q.m.p.Submit(c)
		err = c.wait()
		reply.flag(c.refused)
	case opForget:
		id := core.TransferID{Source: d.number(), Seq: d.number()}
		if err := d.end(); err != nil {
			return nil, err
		}
		if !q.m.p.Owned() {
			return nil, partition.ErrNotOwner
		}
		v.forget(q, id)
	case opResolve:
		id := core.TransferID{Source: q.id, Seq: d.number()}
		if err := d.end(); err != nil {
			return nil, err
		}
		ended := make(chan bool, 1)
		c := &resolveCommand{source: q, id: id}
		c.done = func(over bool) { ended <- over }
		q.m.p.Submit(c)
		over := <-ended
		if !over && !q.m.p.Owned() {
			return nil, partition.ErrNotOwner
		}
		reply.flag(over)
	}
	return reply, err
}

// arrival is an arrival for another node.
type arrival struct {
	call
	target  *Queue
	in      Enqueue
	refused bool
}

// Run implements partition.Command.
func (c *arrival) Run(tx *partition.Tx) { c.refused = !c.target.arrive(tx, &c.in) }
