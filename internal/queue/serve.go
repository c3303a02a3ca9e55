package queue

import (
	"context"
	"errors"
	"time"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/partition/message"
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
	m := e.machines[id]
	d := newDecoder(request)
	version, op, queue := d.Byte(), d.Byte(), d.Number()
	if version != codecVersion || d.Bad() || m == nil {
		return nil, errMalformed
	}
	if ctx.Err() != nil || !m.p.Owned() {
		return nil, partition.ErrNotOwner // nothing was done
	}
	body, err := e.execute(ctx, m, op, queue, &d)
	if partitionError(err) {
		return nil, err
	}
	reply := encoder{message.Writer{codecVersion}}
	reply.error(err)
	if err == nil {
		reply.Raw(body.Writer)
	}
	return reply.Writer, nil
}

func (e *Engine) execute(ctx context.Context, m *machine, op byte, queue uint64, d *decoder) (encoder, error) {
	switch op {
	case opResolve:
		return m.executeResolve(d)
	case opLeave:
		e.remote.leave(d.Number())
		return encoder{}, d.end()
	}
	q, err := e.find(ctx, queue)
	switch {
	case err != nil:
		return encoder{}, err
	case q == nil:
		return encoder{}, ErrNoQueue
	case q.m != m:
		return encoder{}, errMalformed
	}
	return q.execute(ctx, op, d)
}

// find returns a queue, nil if there is none: not known here may mean that another
// node made it a moment ago.
func (e *Engine) find(ctx context.Context, id uint64) (*Queue, error) {
	q := e.Queue(id)
	if q == nil && e.remote.refresh != nil {
		if err := e.remote.refresh(ctx); err != nil {
			return nil, partition.ErrBusy // nothing was done
		}
		q = e.Queue(id)
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
	case opSettle:
		return q.executeSettle(d)
	case opPurge:
		if err := d.end(); err != nil {
			return reply, err
		}
		return reply, q.purgeHere()
	case opBrowse:
		return q.executeBrowse(d)
	case opCounters:
		if !q.m.p.Owned() {
			return reply, partition.ErrNotOwner
		}
		c := q.LocalCounters()
		reply.counters(&c)
		return reply, d.end()
	case opMove:
		return q.executeMove(ctx, d)
	case opArrive:
		return q.executeArrive(d)
	case opForget:
		return q.executeForget(d)
	}
	return reply, errMalformed
}

func (q *Queue) executeEnqueue(d *decoder) (reply encoder, err error) {
	in := message.Several(d, 10, maxCount, (*decoder).enqueue)
	if err := d.end(); err != nil {
		return reply, err
	}
	out, err := q.enqueueHere(in, nil)
	reply.Number(uint64(len(out)))
	for i := range out {
		reply.enqueued(&out[i])
	}
	return reply, err
}

func (q *Queue) executeSettle(d *decoder) (reply encoder, err error) {
	in := message.Several(d, 3, maxCount, (*decoder).settlement)
	if err := d.end(); err != nil {
		return reply, err
	}
	out, err := q.settleHere(in, nil)
	reply.Number(uint64(len(out)))
	for _, each := range out {
		reply.error(each)
	}
	return reply, err
}

func (q *Queue) executeBrowse(d *decoder) (reply encoder, err error) {
	from, n := d.Number(), int(min(d.Number(), maxBrowse)) // as browse itself bounds it
	if err := d.end(); err != nil {
		return reply, err
	}
	out, err := q.browseHere(from, n, nil)
	reply.Number(uint64(len(out)))
	for i := range out {
		reply.peek(&out[i])
	}
	return reply, err
}

func (q *Queue) executeMove(ctx context.Context, d *decoder) (reply encoder, err error) {
	n, to := int(min(d.Number(), maxCount)), d.Number()
	if err := d.end(); err != nil {
		return reply, err
	}
	if to != 0 {
		// The target may be new, too; without it, the messages just stay.
		if _, err := q.m.engine.find(ctx, to); err != nil {
			return reply, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, moveTime)
	defer cancel()
	moved, err := q.moveHere(ctx, n, to)
	reply.Number(uint64(moved))
	return reply, err
}

// executeLease polls for another node, which can take the poll back by its token.
func (q *Queue) executeLease(ctx context.Context, d *decoder) (reply encoder, err error) {
	in, token := d.lease()
	if err := d.end(); err != nil {
		return reply, err
	}
	if deadline, ok := ctx.Deadline(); ok {
		// What was spent on looking for the owner is not waited again.
		in.Wait = max(0, min(in.Wait, time.Until(deadline)-leaseMargin+time.Second))
	}
	if in.Wait > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		defer cancel()
		r := &q.m.engine.remote
		r.park(token, cancel)
		defer r.unpark(token)
	}
	out, err := q.leaseHere(ctx, in)
	if err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		out, err = nil, nil // it was taken back
	}
	reply.Number(uint64(len(out)))
	for i := range out {
		reply.delivery(&out[i])
	}
	return reply, err
}

// park notes how to end a poll of another node's, and ends it if it was taken back
// already: requests may pass each other.
func (r *remote) park(token uint64, cancel context.CancelFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, left := r.left[token]; left {
		delete(r.left, token)
		cancel()
		return
	}
	r.polls[token] = cancel
}

func (r *remote) unpark(token uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.polls, token)
}

// maxLeft bounds what is remembered of polls that did not come.
const maxLeft = 1024

// leave ends a poll of another node's.
func (r *remote) leave(token uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if cancel := r.polls[token]; cancel != nil {
		cancel()
		delete(r.polls, token)
		return
	}
	if len(r.left) == maxLeft {
		clear(r.left)
	}
	r.left[token] = struct{}{}
}
