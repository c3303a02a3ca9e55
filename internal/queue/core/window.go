package core

import "slices"

// room reports whether the window may grow by another message.
func (q *Queue) room() bool {
	switch {
	case q.spec.FIFO:
		return q.waiting+len(q.tracked) < q.lim.windowFIFO
	case len(q.groups) > 1:
		return q.waiting < q.lim.windowGroups
	default:
		return q.waiting < q.lim.windowPlain
	}
}

// admit adds a never-delivered main-lane message to the end of the window.
func (q *Queue) admit(e *entry, now int64) {
	q.order.push(e)
	q.waiting++
	if q.order.len() > 2*q.waiting+q.lim.chunk {
		q.compactOrder()
	}
	if q.spec.FIFO && (q.young.len() > 0 || now < e.since+q.spec.Delay) {
		q.young.push(e)
		return
	}
	q.pick.add(e)
}

// trimOrder makes the front of order a message that is still fresh.
func (q *Queue) trimOrder() {
	for q.order.len() > 0 && q.order.front().status != fresh {
		q.order.pop()
	}
}

// compactOrder drops the delivered from the middle of order: behind a blocked
// FIFO group any number of others may have passed.
func (q *Queue) compactOrder() {
	for range q.order.len() {
		if e := q.order.pop(); e.status == fresh {
			q.order.push(e)
		}
	}
}

// refill reads ahead if the window runs low.
func (q *Queue) refill(tx *Tx) {
	low := q.lim.windowPlain / 2
	if len(q.groups) > 1 && !q.spec.FIFO {
		low = q.lim.windowGroups - q.lim.chunk
	}
	if q.waiting < low {
		q.extend(tx)
	}
}

// extend reads the next part of the main lane into the window and reports
// whether it found anything to read.
func (q *Queue) extend(tx *Tx) bool {
	return q.room() && q.readAhead(tx)
}

// readAhead is extend without a bound.
func (q *Queue) readAhead(tx *Tx) bool {
	if q.loadedTo >= q.next {
		return false
	}
	records, more := tx.Messages(q.loadedTo, q.lim.chunk, q.lim.chunkBytes)
	end := q.next
	if more {
		end = records[len(records)-1].Seq + 1
	}
	q.forgetPending(tx.Completed)
	q.forgetRemoved(tx.Completed)
	// Messages of batches under way may be missing from what was read.
	unread, _ := slices.BinarySearchFunc(q.pending, q.loadedTo, bySeq)
	ahead := q.pending[unread:]
	for len(records) > 0 || len(ahead) > 0 {
		switch {
		case len(ahead) > 0 && ahead[0].seq >= end:
			ahead = nil
		case len(records) == 0 || len(ahead) > 0 && ahead[0].seq < records[0].Seq:
			q.load(ahead[0], nil, tx.Now)
			ahead = ahead[1:]
		case len(ahead) > 0 && ahead[0].seq == records[0].Seq:
			q.load(ahead[0], records[0].Record, tx.Now)
			ahead, records = ahead[1:], records[1:]
		default:
			if e := q.parse(records[0], tx); e != nil {
				q.load(e, records[0].Record, tx.Now)
			}
			records = records[1:]
		}
	}
	q.loadedTo = end
	return true
}

func bySeq(e *entry, seq uint64) int {
	switch {
	case e.seq < seq:
		return -1
	case e.seq > seq:
		return 1
	}
	return 0
}

// known reports that a message which was read is in memory already, or deleted.
func (q *Queue) known(seq uint64) bool {
	if _, ok := q.tracked[seq]; ok || seq < q.low {
		return true // or purged
	}
	_, ok := q.removed[seq]
	return ok
}

// forgetRemoved drops what cannot be read any more.
func (q *Queue) forgetRemoved(completed uint64) {
	for seq, batch := range q.removed {
		if batch <= completed {
			delete(q.removed, seq)
		}
	}
}

// parse makes an entry of a record of the main lane, or nil if the message is
// in memory already or waits in the delay lane.
func (q *Queue) parse(s Stored, tx *Tx) *entry {
	if q.known(s.Seq) {
		return nil
	}
	m, name, ok := parseMeta(s.Record)
	if !ok {
		panic(ErrRecord)
	}
	if m.DueAt != 0 {
		return nil
	}
	e := newEntry(s.Seq, &m, len(s.Record))
	q.join(e, name)
	return e
}

// load puts an entry at the end of the window, with its record if there is room.
func (q *Queue) load(e *entry, record []byte, now int64) {
	if record != nil && e.record == nil {
		q.cache.keep(e, record)
	}
	q.admit(e, now)
}

// spill notes a message that is stored but not kept in the window.
func (q *Queue) spill(tx *Tx, e *entry) {
	q.forgetPending(tx.Completed)
	q.pending = append(q.pending, e)
}

// forgetPending drops the messages that can be read from the Source by now.
func (q *Queue) forgetPending(completed uint64) {
	n := 0
	for n < len(q.pending) && q.pending[n].batch <= completed {
		if e := q.pending[n]; e.seq >= q.loadedTo {
			q.part(e) // a new entry is made when it is read
		}
		n++
	}
	q.pending = slices.Delete(q.pending, 0, n)
}
