package core

import (
	"cmp"
	"slices"
)

// leave marks a message as on its way to another queue. It stays here, hidden,
// until the target has it.
func (q *Queue) leave(tx *Tx, e *entry, target uint64, anew bool) {
	if e.status == fresh {
		q.track(tx, e)
	}
	e.status = leaving
	q.leavingN++
	e.state.Leaving, e.state.Fresh, e.state.Deadline = target, anew, 0
	q.changed = true
	tx.PutState(e.seq, &e.state)
	tx.Transfer(Transfer{Seq: e.seq, Target: target, State: e.state, Record: q.cache.drop(e)})
}

// Move starts transfers of up to n visible messages and returns how many.
// Route names the target of a message by the queue it was dead-lettered from,
// which is 0 if it was not; 0 leaves the message where it is. Moved messages get
// a new id, time and history. It looks behind windowGroups messages that stay, at
// most, and moves one message of each FIFO group.
func (q *Queue) Move(tx *Tx, n int, route func(origin uint64) uint64) (moved int) {
	q.advanceReady(tx)
	offer := func(e *entry) verdict {
		if q.expired(e, tx.Now) {
			q.expire(tx, e, true)
			return dropped
		}
		target := route(e.origin)
		if target == 0 {
			if q.spec.FIFO && e.status == fresh {
				// It may now be passed by one that returns, and must go before that.
				q.adopt(tx, e)
			}
			return kept
		}
		q.leave(tx, e, target, true)
		moved++
		return sent
	}
	for {
		q.pick.take(n-moved, offer)
		if moved == n || moved > 0 && q.spec.FIFO {
			return moved // a FIFO group stops at its first leaving message
		}
		more := q.ripen(tx)
		if q.extend(tx) || !q.spec.FIFO && q.waiting < q.lim.windowGroups && q.readAhead(tx) {
			more = true
		}
		if !more {
			return moved
		}
	}
}

// Leaving returns the transfers that had not ended at a restart, in order.
func (q *Queue) Leaving() (out []Transfer) {
	for _, e := range q.tracked {
		if e.status == leaving {
			out = append(out, Transfer{Seq: e.seq, Target: e.state.Leaving, State: e.state})
		}
	}
	slices.SortFunc(out, func(a, b Transfer) int { return cmp.Compare(a.Seq, b.Seq) })
	return out
}

// IsLeaving reports whether a message is still on its way.
func (q *Queue) IsLeaving(seq uint64) bool {
	e := q.tracked[seq]
	return e != nil && e.status == leaving
}

// Arrived deletes a message that its target has durably.
func (q *Queue) Arrived(tx *Tx, seq uint64) {
	if e := q.tracked[seq]; e != nil && e.status == leaving {
		q.drop(tx, e, false)
	}
}

// Refused makes a message visible again that its target would not take.
func (q *Queue) Refused(tx *Tx, seq uint64) {
	if e := q.tracked[seq]; e != nil && e.status == leaving {
		e.refused = e.state.Leaving
		q.release(tx, e)
	}
}

// Transfers lists the arrivals that are remembered here.
func (q *Queue) Transfers() []TransferID {
	out := make([]TransferID, 0, len(q.transfers))
	for id := range q.transfers {
		out = append(out, id)
	}
	return out
}

// Forget drops the memory of an arrival whose source has deleted the message.
func (q *Queue) Forget(tx *Tx, id TransferID) {
	if _, ok := q.transfers[id]; ok {
		delete(q.transfers, id)
		tx.DropTransfer(id.Source, id.Seq)
	}
}

// Purge deletes every message and forgets deduplication ids. Transfers that
// arrived stay known, so that none arrives again.
func (q *Queue) Purge(tx *Tx) {
	transfers := q.transfers
	q.reset()
	q.transfers = transfers
	q.dedup = dedups{from: q.next}
	q.attempts = attempts{}
	q.loadedTo, q.low = q.next, q.next
	q.changed = true
	tx.Purge()
}
