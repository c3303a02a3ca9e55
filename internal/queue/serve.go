package queue

import (
	"context"
	"errors"

	"github.com/spillway/spillway/internal/partition"
)

// Requests between engines.
const (
	opEnqueue byte = iota + 1
	opLease
	opLeave
	opSettle
	opPurge
	opBrowse
	opCounters
	opMove
	opArrive
	opForget
	opResolve
)

// Serve implements partition.Serve: it executes what another node was asked for.
func (e *Engine) Serve(ctx context.Context, id uint16, request []byte) ([]byte, error) {
	d := decoder{b: request}
	if d.byte() != codecVersion {
		return nil, partition.ErrStopped
	}
	op, queue := d.byte(), d.number()
	if d.bad {
		return nil, partition.ErrStopped
	}
	q, err := e.find(ctx, id, queue, op)
	if err != nil {
		return nil, err
	}
	reply := encoder{codecVersion}
	if q == nil {
		reply.error(ErrNoQueue)
		return reply, nil
	}
	body, err := q.execute(ctx, op, &d)
	switch {
	case partitionError(err):
		return nil, err
	case err != nil:
		reply.error(err)
		return reply, nil
	}
	reply.error(nil)
	return append(reply, body...), nil
}

// find returns the queue that a request is about, nil if there is none: not known
// here may mean that another node made it a moment ago.
func (e *Engine) find(ctx context.Context, id uint16, queue uint64, op byte) (*Queue, error) {
	q := e.Queue(queue)
	if q == nil && op != opForget && op != opResolve && op != opLeave {
		if !e.machines[id].p.Owned() {
			return nil, partition.ErrNotOwner
		}
		if err := e.remote.refresh(ctx); err != nil {
			return nil, partition.ErrBusy // nothing was done
		}
		q = e.Queue(queue)
	}
	if q != nil && q.m.p.ID() != id {
		return nil, partition.ErrStopped
	}
	return q, nil
}

// partitionError tells whether an error says what became of the request, rather
// than what is wrong with it.
func partitionError(err error) bool {
	return errors.Is(err, partition.ErrNotOwner) || errors.Is(err, partition.ErrStopped) ||
		errors.Is(err, partition.ErrBusy) || errors.Is(err, partition.ErrDiskFull)
}

// execute runs a request on the owner and returns the reply's body. It never goes on
// to another node.
func (q *Queue) execute(ctx context.Context, op byte, d *decoder) (reply encoder, err error) {
	switch op {
	case opEnqueue:
		return q.executeEnqueue(d)
	case opLease:
		return q.executeLease(ctx, d)
	case opLeave:
		q.m.engine.remote.leave(d.number())
		return nil, d.end()
	case opSettle:
		return q.executeSettle(d)
	case opPurge:
		if err := d.end(); err != nil {
			return nil, err
		}
		return nil, q.purgeHere()
	case opBrowse:
		return q.executeBrowse(d)
	case opCounters:
		if !q.m.p.Owned() {
			return nil, partition.ErrNotOwner
		}
		c := q.LocalCounters()
		reply.number(c.Visible)
		reply.number(c.InFlight)
		reply.number(c.Delayed)
		reply.signed(c.Oldest)
		return reply, d.end()
	case opMove:
		n, to := int(d.number()), d.number()
		if err := d.end(); err != nil {
			return nil, err
		}
		ctx, cancel := context.WithTimeout(ctx, moveTime)
		defer cancel()
		moved, err := q.moveHere(ctx, n, to)
		reply.number(uint64(moved))
		return reply, err
	case opArrive, opForget, opResolve:
		return q.executeTransfer(op, d)
	}
	return nil, partition.ErrStopped
}

func (q *Queue) executeEnqueue(d *decoder) (reply encoder, err error) {
	var in []Enqueue
	for n := d.count(10); n > 0; n-- {
		in = append(in, d.enqueue())
	}
	if err := d.end(); err != nil {
		return nil, err
	}
	out, err := q.enqueueHere(in, nil)
	reply.number(uint64(len(out)))
	for i := range out {
		reply.enqueued(&out[i])
	}
	return reply, err
}

func (q *Queue) executeSettle(d *decoder) (reply encoder, err error) {
	var in []Settlement
	for n := d.count(4); n > 0; n-- {
		in = append(in, d.settlement())
	}
	if err := d.end(); err != nil {
		return nil, err
	}
	out, err := q.settleHere(in, nil)
	reply.number(uint64(len(out)))
	for _, each := range out {
		reply.error(each)
	}
	return reply, err
}

func (q *Queue) executeBrowse(d *decoder) (reply encoder, err error) {
	from, n := d.number(), int(min(d.number(), maxBrowse))
	if err := d.end(); err != nil {
		return nil, err
	}
	out, err := q.browseHere(from, n, nil)
	reply.number(uint64(len(out)))
	for i := range out {
		reply.peek(&out[i])
	}
	return reply, err
}

// executeLease polls for another node, which can take the poll back by its token.
func (q *Queue) executeLease(ctx context.Context, d *decoder) (reply encoder, err error) {
	in, token := d.lease()
	if err := d.end(); err != nil {
		return nil, err
	}
	r := &q.m.engine.remote
	if in.Wait > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		defer cancel()
		r.mu.Lock()
		r.polls[token] = cancel
		r.mu.Unlock()
		defer r.leave(token)
	}
	out, err := q.leaseHere(ctx, in)
	if err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		out, err = nil, nil // it was taken back
	}
	reply.number(uint64(len(out)))
	for i := range out {
		reply.delivery(&out[i])
	}
	return reply, err
}

// leave ends a poll of another node's.
func (r *remote) leave(token uint64) {
	r.mu.Lock()
	cancel := r.polls[token]
	delete(r.polls, token)
	r.mu.Unlock()
	if cancel != nil {
		cancel()
	}
}
