package queue

import (
	"container/list"
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/pause"
	"github.com/spillway/spillway/internal/queue/core"
	"github.com/spillway/spillway/internal/store"
)

// LeaseRequest asks for messages.
type LeaseRequest struct {
	Max  int
	Time int64 // ms the messages stay hidden; negative means the queue's default
	// Wait is how long to wait for the first message; 0 for not at all.
	Wait time.Duration
	// Attempt makes a repeated request get the same messages (see core.Lease).
	Attempt string
}

// Delivery is a leased message.
type Delivery struct {
	Message
	Seq           uint64
	Generation    uint32
	Acquired      uint32 // deliveries in all, this one included
	FirstAcquired int64  // unix ms
}

// moveLimit is how long a lease that found only messages to dead-letter waits
// for their arrival, so that the caller finds them where they went.
const moveLimit = time.Second

// Lease hands out visible messages. Without any it waits for the first, not for
// in.Max; no message in time is not an error. ErrInFlight means that too many
// are leased already; a waiting lease then waits.
//
// Leases of FIFO queues are durable on return; those of standard queues become
// so soon after: a crash may deliver such a message again early.
//
// If ctx ends, messages that came just then are made visible again.
func (q *Queue) Lease(ctx context.Context, in LeaseRequest) ([]Delivery, error) {
	if !q.m.engine.clustered() {
		return q.leaseHere(ctx, in)
	}
	// A poll moves with the partition, for as long as it wants to wait. What it may
	// have leased when it was interrupted is visible again when that lease ends.
	until, waits := time.Now().Add(in.Wait), in.Wait > 0
	for {
		out, err := q.leaseHere(ctx, in)
		if q.elsewhere(err) {
			if waits && ctx.Err() != nil {
				return nil, nil //nolint:nilerr // the caller went: nothing came in time
			}
			in.Wait = max(0, time.Until(until))
			out, err = q.leaseElsewhere(ctx, in)
		}
		if !waits || !errors.Is(err, partition.ErrStopped) {
			return out, err
		}
		// The pause is for owners that fail at once, again and again.
		if !pause.For(ctx, min(pollRetry, time.Until(until))) {
			return nil, nil
		}
		if in.Wait = time.Until(until); in.Wait <= 0 {
			return nil, nil
		}
	}
}

// pollRetry is the pause before a poll that was interrupted goes on.
const pollRetry = 20 * time.Millisecond

func (q *Queue) leaseHere(ctx context.Context, in LeaseRequest) ([]Delivery, error) {
	c := &leaseCommand{Call: partition.NewCall(), q: q, in: in}
	q.m.p.Submit(c)
	if err := c.await(ctx); err != nil {
		return nil, err
	}
	if ctx.Err() != nil && len(c.out) > 0 {
		back := make([]Settlement, len(c.out))
		for i, d := range c.out {
			back[i] = Settlement{Seq: d.Seq, Generation: d.Generation, back: true}
		}
		q.giveBack(back)
		return nil, ctx.Err()
	}
	if len(c.out) == 0 {
		q.stats.emptyLeases.Add(1)
		if c.moves != nil {
			c.moves.wait(moveLimit)
		}
		return nil, nil
	}
	return q.read(c.out)
}

// read parses the deliveries' records, from the store where they are not in
// memory. A message that was purged in between is left out.
func (q *Queue) read(in []core.Delivery) ([]Delivery, error) {
	out := make([]Delivery, 0, len(in))
	for _, d := range in {
		record := d.Record
		if record == nil {
			var ok bool
			var err error
			key := store.AppendKey(nil, q.m.p.ID(), store.SpaceMessage, q.id, d.Seq)
			if record, ok, err = q.m.engine.store.Get(key); err != nil {
				return nil, err
			} else if !ok {
				continue
			}
		}
		m, err := core.ParseRecord(record)
		if err != nil {
			return nil, err
		}
		if m.FirstAcquired != 0 {
			d.FirstAcquired = m.FirstAcquired
		}
		out = append(out, Delivery{m, d.Seq, d.Generation, d.Acquired, d.FirstAcquired})
	}
	q.stats.delivered.Add(uint64(len(out)))
	return out, nil
}

// giveBack makes messages visible again.
func (q *Queue) giveBack(in []Settlement) {
	// Nobody is left to tell: at worst the leases run out by themselves.
	if _, err := q.Settle(in, nil); err != nil {
		q.m.engine.logger.Warn("give back messages of a caller that went away", "queue", q.id, "error", err)
	}
}

// leaseCommand takes messages when it runs, or waits in line for some.
type leaseCommand struct {
	partition.Call
	q       *Queue
	in      LeaseRequest
	out     []core.Delivery
	moves   *moveWait
	waiting *list.Element // in the queue's waiters
	parked  bool          // not to be answered by Done, but by finish
	left    atomic.Bool   // the caller has gone: it must not get messages any more
}

// Run implements partition.Command.
func (c *leaseCommand) Run(tx *partition.Tx) {
	m := c.q.m
	l := m.local(c.q)
	if l == nil {
		c.Err = ErrNoQueue
		return
	}
	durable := c.take(tx, m, l)
	switch {
	case len(c.out) == 0 && c.in.Wait > 0 && (c.Err == nil || errors.Is(c.Err, ErrInFlight)):
		c.Err, c.parked = nil, true
		c.waiting = l.waiters.PushBack(c)
		tx.Relax()
	case durable:
		tx.Relax()
	}
}

// take leases what it can, and reports whether the answer may be given before
// the batch is durable.
func (c *leaseCommand) take(tx *partition.Tx, m *machine, l *local) (now bool) {
	ctx := m.begin(tx, l)
	before := tx.Batch.Len()
	moves := new(moveWait)
	l.moves = moves
	c.out, c.Err = l.core.Lease(ctx, &core.Lease{Max: c.in.Max, Time: c.in.Time, Attempt: c.in.Attempt}, c.out)
	l.moves = nil
	if moves.started() {
		c.moves = moves
		return false
	}
	if (l.handle.spec.Load().FIFO || tx.Fenced()) && len(c.out) > 0 {
		m.fence(tx, before) // a repeated attempt gets its messages without a write
		return false
	}
	for _, d := range c.out {
		if d.Batch > ctx.Completed {
			return false // the message itself is not durable yet
		}
	}
	return true
}

// Done implements partition.Command.
func (c *leaseCommand) Done(err error) {
	if c.parked && err == nil {
		return
	}
	c.Call.Done(err)
}

// finish answers a command that was parked.
func (c *leaseCommand) finish(err error) { c.Call.Done(err) }

// committed is finish for a lease that had to be durable first.
func (c *leaseCommand) committed(err error) {
	if err != nil {
		err = partition.ErrStopped
	}
	c.finish(err)
}

// serve gives messages to those that wait, longest waiting first.
func (m *machine) serve(tx *partition.Tx, l *local) {
	for l.waiters.Len() > 0 && l.core.Ready() {
		c := l.waiters.Front().Value.(*leaseCommand)
		if c.left.Load() {
			l.waiters.Remove(c.waiting)
			c.waiting = nil
			c.finish(nil)
			continue
		}
		now := c.take(tx, m, l)
		if len(c.out) == 0 {
			c.Err = nil // still ErrInFlight, or nothing after all
			return
		}
		l.waiters.Remove(c.waiting)
		c.waiting = nil
		if now {
			c.finish(nil)
			continue
		}
		tx.Force()
		tx.OnCommit(c.committed)
	}
}

// await returns when the command is answered. When its time is up or ctx ends,
// it has the command taken out of the line.
func (c *leaseCommand) await(ctx context.Context) error {
	if c.in.Wait <= 0 {
		return c.Wait()
	}
	timer := time.NewTimer(c.in.Wait)
	defer timer.Stop()
	select {
	case <-c.Ended():
		return c.Err
	case <-timer.C:
	case <-ctx.Done():
	case <-c.q.m.engine.store.Failed():
		c.left.Store(true)
		return partition.ErrStopped
	}
	c.left.Store(true)
	leave := &leaveCommand{Call: partition.NewCall(), of: c}
	c.q.m.p.Submit(leave)
	if err := leave.Wait(); err != nil {
		if c.q.elsewhere(err) {
			return c.released()
		}
		select {
		case <-c.Ended(): // when the partition was given up
			return c.Err
		default:
			return err // stopped: nobody will answer; or busy: left is found later
		}
	}
	return c.Wait()
}

// released waits for the answer of a lease whose partition was just released: it may
// have been given messages, by a batch that is on its way.
func (c *leaseCommand) released() error {
	timer := time.NewTimer(leaseMargin)
	defer timer.Stop()
	select {
	case <-c.Ended():
		return c.Err
	case <-timer.C:
	case <-c.q.m.engine.store.Failed():
	}
	return partition.ErrStopped
}

// leaveCommand takes a waiting lease out of the line.
type leaveCommand struct {
	partition.Call
	of *leaseCommand
}

// Run implements partition.Command.
func (c *leaveCommand) Run(tx *partition.Tx) {
	tx.Relax()
	w := c.of
	if w.waiting == nil {
		return // it was answered, or will be when its batch is durable
	}
	if l := w.q.m.locals[w.q.id]; l != nil {
		l.waiters.Remove(w.waiting)
	}
	w.waiting = nil
	w.finish(nil)
}
