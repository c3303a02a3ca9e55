package core

// Queue is one queue in memory. See the package comment for what it holds.
type Queue struct {
	spec  *Spec
	cache *Cache
	lim   limits

	next     uint64 // sequence of the next message
	loadedTo uint64 // main-lane messages below it are in memory, if they exist
	low      uint64 // everything below is range-deleted
	total    uint64

	pick    picker
	groups  map[string]*group
	order   ring[*entry] // the window in sequence order; may hold others by now
	waiting int          // entries of order that are still fresh
	young   ring[*entry] // FIFO: the part of the window that its delay still holds back

	tracked   map[uint64]*entry
	ages      heap[*entry] // tracked and ripe ones, by sequence
	deadlines heap[*entry] // of leased, by deadline
	leasedN   int
	leavingN  int

	pending   []*entry // stored, not in memory, and perhaps not readable yet
	delayed   delayed
	dedup     dedups
	attempts  attempts
	transfers map[TransferID]struct{} // arrived here, not yet forgotten
	// removed messages are deleted by a batch that the Source may not show yet, and
	// would be read (again) otherwise.
	removed map[uint64]uint64

	nextSweep int64
	lapsedN   uint64 // messages that expired
	changed   bool   // since the last Record
}

// TransferID names a transfer: the queue it comes from and the sequence there.
type TransferID struct{ Source, Seq uint64 }

// New returns an empty queue, as a queue without a stored Record is.
func New(spec *Spec, cache *Cache) *Queue { return newQueue(spec, cache, defaultLimits()) }

func newQueue(spec *Spec, cache *Cache, lim limits) *Queue {
	q := &Queue{cache: cache, lim: lim, next: firstSequence, loadedTo: firstSequence, low: firstSequence}
	q.dedup.from = firstSequence
	q.reset()
	q.spec = spec
	if spec.FIFO {
		q.pick = &fifo{}
	} else {
		q.pick = newStandard()
	}
	return q
}

// reset empties everything that is in memory of messages.
func (q *Queue) reset() {
	for _, e := range q.tracked {
		q.part(e)
	}
	for q.order.len() > 0 {
		if e := q.order.pop(); e.status == fresh {
			q.part(e)
		}
	}
	for _, g := range q.groups {
		for _, e := range g.early.items {
			if e.status == fresh {
				q.part(e)
			}
		}
	}
	q.delayed.reset(q)
	q.young = ring[*entry]{}
	q.waiting, q.leasedN, q.leavingN, q.total = 0, 0, 0, 0
	q.pending = nil
	q.groups = make(map[string]*group)
	q.tracked = make(map[uint64]*entry)
	q.transfers = make(map[TransferID]struct{})
	q.removed = make(map[uint64]uint64)
	q.ages = heap[*entry]{
		less:  func(a, b *entry) bool { return a.seq < b.seq },
		place: func(e *entry, i int32) { e.age = i },
	}
	q.deadlines = heap[*entry]{
		less:  func(a, b *entry) bool { return a.state.Deadline < b.state.Deadline },
		place: func(e *entry, i int32) { e.pos = i },
	}
	if _, ok := q.pick.(*fifo); ok {
		q.pick = &fifo{}
	} else {
		q.pick = newStandard()
	}
}

// SetSpec changes how the queue behaves from now on. FIFO never changes.
func (q *Queue) SetSpec(spec *Spec) { q.spec = spec }

// Counters are the numbers of messages in a queue by state.
type Counters struct {
	Visible, InFlight, Delayed uint64
	Oldest                     int64 // when the oldest message was sent (unix ms), 0 when unknown or empty
}

// Counters returns the current numbers.
func (q *Queue) Counters() Counters {
	c := Counters{InFlight: uint64(q.leasedN + q.leavingN), Delayed: q.delayed.notDue}
	if q.spec.FIFO && q.young.len() > 0 {
		// Delays of FIFO queues end in sequence order, so all on disk are behind.
		c.Delayed = uint64(q.young.len()) + q.total - uint64(len(q.tracked)+q.waiting)
	}
	if used := c.InFlight + c.Delayed; q.total > used {
		c.Visible = q.total - used
	}
	q.trimOrder()
	if q.order.len() > 0 {
		c.Oldest = q.order.front().since
	}
	if q.ages.len() > 0 && (c.Oldest == 0 || q.ages.min().since < c.Oldest) {
		c.Oldest = q.ages.min().since
	}
	return c
}

// Record returns the queue's record if anything in it changed since the last
// call, for the batch that made the change.
func (q *Queue) Record(tx *Tx) {
	if !q.changed {
		return
	}
	q.changed = false
	q.trimOrder()
	cursor := q.loadedTo
	if q.order.len() > 0 {
		cursor = q.order.front().seq
	}
	q.advanceLow(tx, cursor)
	q.delayed.flush(tx)
	tx.PutQueue(&Record{Next: q.next, Cursor: cursor, Low: q.low, Total: q.total, DedupFrom: q.dedup.from})
}

// advanceLow turns a long deleted prefix into one range delete, so that scans
// and compactions do not meet its tombstones one by one.
func (q *Queue) advanceLow(tx *Tx, cursor uint64) {
	low := cursor
	if q.ages.len() > 0 {
		low = min(low, q.ages.min().seq)
	}
	if low-q.low >= q.lim.rangeDelete && q.delayed.undelivered == 0 {
		tx.DropMessages(q.low, low)
		q.low = low
	}
}

// track notes that a message is being delivered for the first time, or leaves.
func (q *Queue) track(tx *Tx, e *entry) {
	if e.lane == delayLane {
		tx.DropDelayed(e.dueAt, e.seq)
		q.delayed.delivered(e)
	} else {
		q.waiting--
	}
	q.tracked[e.seq] = e
	if e.age < 0 {
		q.ages.push(e)
	}
}

// drop deletes a message, whatever its state, and tells the picker unless it
// was just taken from there.
func (q *Queue) drop(tx *Tx, e *entry, taken bool) {
	tx.DropMessage(e.seq, int(e.size))
	if e.seq >= q.loadedTo || q.delayed.partial && q.delayed.bound.before(due(e)) {
		q.removed[e.seq] = tx.Batch
	}
	if !taken {
		q.pick.remove(e)
	}
	if e.status == fresh {
		if e.lane == delayLane {
			tx.DropDelayed(e.dueAt, e.seq)
			q.delayed.delivered(e)
		} else {
			q.waiting--
		}
	} else {
		tx.DropState(e.seq)
		switch e.status {
		case leased:
			q.deadlines.remove(e.pos)
			q.leasedN--
		case leaving:
			q.leavingN--
		}
		delete(q.tracked, e.seq)
	}
	if e.age >= 0 {
		q.ages.remove(e.age)
	}
	q.part(e)
	q.total--
	q.changed = true
}

// expire drops a message because of its age.
func (q *Queue) expire(tx *Tx, e *entry, taken bool) {
	q.drop(tx, e, taken)
	q.lapsedN++
}

func (q *Queue) expired(e *entry, now int64) bool { return now-e.since >= q.spec.Retention }

// Ready reports whether a lease may find something.
func (q *Queue) Ready() bool { return q.pick.ready() || q.loadedTo < q.next }

// Low is a sequence below which nothing is, for reads to start at.
func (q *Queue) Low() uint64 { return q.low }

// Expired counts the messages dropped because of their age, since New or Load.
func (q *Queue) Expired() uint64 { return q.lapsedN }

// State returns what is known of a message that was delivered at least once.
func (q *Queue) State(seq uint64) (s State, hidden, ok bool) {
	if e := q.tracked[seq]; e != nil {
		return e.state, e.hidden(), true
	}
	return State{}, false, false
}

// NotDue reports whether a message that was never delivered is still delayed.
func (q *Queue) NotDue(m *Message, now int64) bool {
	if q.spec.FIFO {
		return now < m.retainFrom()+q.spec.Delay
	}
	return now < m.DueAt
}

// Release gives back what the queue holds of the cache; it is not used again.
func (q *Queue) Release() { q.reset() }
