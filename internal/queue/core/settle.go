package core

import "errors"

// Errors of settling a lease.
var (
	// ErrLapsed means that a FIFO message's lease ended or was replaced.
	ErrLapsed = errors.New("queue: the lease has lapsed")
	// ErrGone means that the message does not exist any more.
	ErrGone = errors.New("queue: the message is gone")
	// ErrTooLong means that the lease would last longer than MaxLease in all.
	ErrTooLong = errors.New("queue: the lease would be too long")
)

// Accept deletes a leased message. Deleting what is gone is no error. Any lease
// of a standard message will do; a FIFO message's must be the latest, and last.
func (q *Queue) Accept(tx *Tx, seq uint64, generation uint32) error {
	e := q.delivered(tx, seq)
	if e == nil || e.status == leaving {
		return nil
	}
	if q.spec.FIFO && q.lapsed(e, generation, tx.Now) {
		return ErrLapsed
	}
	q.drop(tx, e, false)
	return nil
}

// Extend makes a leased message visible after time ms from now, 0 for at once.
// A standard message may have become visible in between: it is hidden again.
func (q *Queue) Extend(tx *Tx, seq uint64, generation uint32, time int64) error {
	q.advanceReady(tx)
	e := q.delivered(tx, seq)
	if e == nil || e.status == leaving || q.expired(e, tx.Now) {
		return ErrGone
	}
	if q.spec.FIFO && q.lapsed(e, generation, tx.Now) {
		return ErrLapsed
	}
	if e.status == leased && tx.Now+time > e.state.LeasedAt+MaxLease {
		return ErrTooLong
	}
	if time == 0 {
		q.release(tx, e)
		return nil
	}
	if e.status == returned {
		q.pick.hide(e)
		e.status = leased
		e.state.LeasedAt = tx.Now
		e.state.Deadline = tx.Now + time
		q.leasedN++
		q.deadlines.push(e)
	}
	q.setDeadline(tx, e, tx.Now+time)
	return nil
}

// GiveBack makes a message visible whose lease nobody got. Unlike Extend it does so
// only if the lease is the message's latest and not over, in standard queues, too.
func (q *Queue) GiveBack(tx *Tx, seq uint64, generation uint32) error {
	e := q.delivered(tx, seq)
	if e == nil || q.lapsed(e, generation, tx.Now) {
		return ErrLapsed
	}
	q.release(tx, e)
	return nil
}

func (q *Queue) lapsed(e *entry, generation uint32, now int64) bool {
	return e.status != leased || e.state.Generation != generation || e.state.Deadline <= now
}

// setDeadline changes when a leased message is visible again.
func (q *Queue) setDeadline(tx *Tx, e *entry, deadline int64) {
	e.state.Deadline = deadline
	q.deadlines.fix(e.pos)
	q.changed = true
	tx.PutState(e.seq, &e.state)
}

// release makes a leased or leaving message visible.
func (q *Queue) release(tx *Tx, e *entry) {
	switch e.status {
	case leased:
		q.deadlines.remove(e.pos)
		q.leasedN--
	case leaving:
		q.leavingN--
	default:
		return
	}
	e.state.Deadline, e.state.Leaving, e.state.Fresh = 0, 0, false
	tx.PutState(e.seq, &e.state)
	q.changed = true
	e.status = returned
	q.pick.giveBack(e, true)
}
