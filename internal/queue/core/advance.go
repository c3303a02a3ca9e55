package core

// Advance does what the time demands: ends leases and delays, and drops expired
// messages. It may be called at any time, and should be when Next says so.
func (q *Queue) Advance(tx *Tx) {
	q.advanceReady(tx)
	if tx.Now >= q.nextSweep {
		q.nextSweep = tx.Now + q.lim.sweepEvery
		q.expireDedup(tx) // here, as each time is a range delete
		q.attempts.expire(tx.Now)
		if q.sweep(tx) {
			q.nextSweep = tx.Now
		}
	}
}

// advanceReady makes visible what is due.
func (q *Queue) advanceReady(tx *Tx) {
	for q.deadlines.len() > 0 && q.deadlines.min().state.Deadline <= tx.Now {
		e := q.deadlines.pop()
		q.leasedN--
		e.status = returned
		q.pick.giveBack(e, true)
	}
	for q.young.len() > 0 {
		e := q.young.front()
		if e.status == fresh {
			if tx.Now < e.since+q.spec.Delay {
				break
			}
			q.pick.add(e)
		}
		q.young.pop()
	}
	q.ripen(tx)
}

// sweep drops expired messages, oldest first, and reports whether it stopped
// with more to do.
func (q *Queue) sweep(tx *Tx) (more bool) {
	for range q.lim.sweepBatch {
		e := q.oldest(tx)
		if e == nil || !q.expired(e, tx.Now) {
			return false
		}
		q.expire(tx, e, false)
	}
	return true
}

// oldest returns the message to look at next for its age: the lowest of the
// window, or of those delivered or delayed before; nil if there is none. Messages
// that were moved here keep the time they were sent, so sequence is not age; such
// ones are found at the latest when their turn to be delivered comes.
func (q *Queue) oldest(tx *Tx) *entry {
	q.trimOrder()
	if q.order.len() == 0 && q.waiting == 0 {
		q.extend(tx)
	}
	var e *entry
	if q.order.len() > 0 {
		e = q.order.front()
	}
	if q.ages.len() > 0 && (e == nil || !q.expired(e, tx.Now)) {
		e = q.ages.min()
	}
	return e
}

// Next is the earliest time at which something happens by itself (unix ms), 0 if
// nothing does.
func (q *Queue) Next() (next int64) {
	sooner := func(t int64) {
		if next == 0 || t < next {
			next = t
		}
	}
	if q.deadlines.len() > 0 {
		sooner(q.deadlines.min().state.Deadline)
	}
	if q.young.len() > 0 {
		sooner(q.young.front().since + q.spec.Delay)
	}
	if q.delayed.ripe < q.lim.delayWindow {
		if t, ok := q.delayed.nextDue(); ok {
			sooner(t)
		}
	}
	if q.dedup.order.len() > 0 {
		sooner(max(q.dedup.order.front().Expires, q.nextSweep))
	}
	if q.total > 0 {
		sooner(q.nextExpiry())
	}
	return next
}

// nextExpiry is when to look for expired messages next.
func (q *Queue) nextExpiry() int64 {
	since := int64(0)
	if q.order.len() > 0 {
		since = q.order.front().since
	}
	if q.ages.len() > 0 && (since == 0 || q.ages.min().since < since) {
		since = q.ages.min().since
	}
	switch {
	case q.order.len() == 0 && q.loadedTo < q.next:
		return q.nextSweep // the window was emptied
	case since == 0:
		return q.nextSweep + 60*q.lim.sweepEvery // delayed ones only
	}
	return max(q.nextSweep, since+q.spec.Retention)
}
