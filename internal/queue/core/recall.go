package core

import "sort"

// delivered returns a message that was delivered at least once, or nil if it is
// gone.
//
// The leases of standard queues are answered before they are durable. After a
// crash such a message is one that was never delivered, but whoever has it may
// still settle it, and a deletion that was acknowledged must be one.
func (q *Queue) delivered(tx *Tx, seq uint64) *entry {
	if e := q.tracked[seq]; e != nil || q.spec.FIFO || seq < q.low || seq >= q.next {
		return e
	}
	if e := q.inWindow(seq); e != nil {
		q.adopt(tx, e)
		if e.pos < 0 {
			q.pick.giveBack(e, false)
		}
		return e
	}
	if _, gone := q.removed[seq]; gone || seq < q.loadedTo && q.delayed.undelivered == 0 {
		return nil
	}
	return q.recall(tx, seq)
}

// inWindow returns a message of the window that was not delivered, or nil.
func (q *Queue) inWindow(seq uint64) *entry {
	i := sort.Search(q.order.len(), func(i int) bool { return q.order.at(i).seq >= seq })
	if i == q.order.len() {
		return nil
	}
	if e := q.order.at(i); e.seq == seq && e.status == fresh {
		return e
	}
	return nil
}

// recall finds a message that is not in the window.
func (q *Queue) recall(tx *Tx, seq uint64) *entry {
	record, ok := tx.Message(seq)
	if !ok {
		return nil
	}
	m, name, ok := parseMeta(record)
	if !ok {
		panic(ErrRecord)
	}
	if m.DueAt != 0 {
		return q.recallDelayed(tx, seq, &m, name, len(record))
	}
	if seq < q.loadedTo {
		return nil // it is deleted, and the Source does not show that yet
	}
	e := newEntry(seq, &m, len(record))
	q.join(e, name)
	q.waiting++ // until adopt
	q.adopt(tx, e)
	q.pick.giveBack(e, false)
	return e
}

func (q *Queue) recallDelayed(tx *Tx, seq uint64, m *Message, name []byte, size int) *entry {
	d := &q.delayed
	var e *entry
	if g := q.groups[string(name)]; g != nil {
		e = find(g.early.items, seq)
	}
	if e == nil {
		if e = find(d.items.items, seq); e == nil {
			if e = newEntry(seq, m, size); !d.partial || !d.bound.before(due(e)) {
				return nil // it is deleted, and the Source does not show that yet
			}
			e.lane = delayLane
			q.join(e, name)
		}
		q.ripe(e)
		q.pick.giveBack(e, false)
	}
	q.adopt(tx, e)
	return e
}

func find(in []*entry, seq uint64) *entry {
	for _, e := range in {
		if e.seq == seq {
			return e
		}
	}
	return nil
}

// adopt treats a message that was not delivered as one that was.
func (q *Queue) adopt(tx *Tx, e *entry) {
	q.track(tx, e)
	e.status = returned
	q.changed = true
	tx.PutState(e.seq, &e.state)
}
