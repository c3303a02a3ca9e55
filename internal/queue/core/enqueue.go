package core

// Enqueue is one message to store.
type Enqueue struct {
	Message
	// Delay in ms hides the message at first; negative means the queue's own.
	// FIFO queues know only their own.
	Delay int64
	// Dedup, if HasDedup, makes this message a duplicate of an earlier one with
	// the same key within DedupWindow.
	DedupKey DedupKey
	HasDedup bool
	// From is set for transfers: the same one again is ignored.
	From TransferID
}

// Enqueued says what became of a message.
type Enqueued struct {
	Seq       uint64
	ID        ID
	Duplicate bool // nothing was stored: Seq and ID are the earlier message's
}

// Enqueue stores a message.
func (q *Queue) Enqueue(tx *Tx, in *Enqueue) Enqueued {
	if in.From != (TransferID{}) {
		if _, ok := q.transfers[in.From]; ok {
			return Enqueued{ID: in.ID, Duplicate: true}
		}
		q.transfers[in.From] = struct{}{}
		tx.PutTransfer(in.From.Source, in.From.Seq)
	}
	if in.HasDedup {
		if r, ok := q.dedup.find(in.DedupKey, tx.Now); ok {
			return Enqueued{Seq: r.seq, ID: r.ID, Duplicate: true}
		}
	}
	m := &in.Message
	if m.SentAt == 0 {
		m.SentAt = tx.Now
	}
	m.DueAt = 0
	if delay := q.delayOf(in); delay > 0 {
		m.DueAt = tx.Now + delay
	}
	seq := q.next
	q.next++
	q.total++
	q.changed = true
	record := m.AppendRecord(make([]byte, 0, m.recordSize()))
	tx.PutMessage(seq, record)
	if in.HasDedup {
		r := remembered{Dedup{in.DedupKey, m.ID, tx.Now + DedupWindow}, seq}
		q.dedup.put(r)
		tx.PutDedup(seq, &r.Dedup)
	}
	e := newEntry(seq, m, len(record))
	e.batch = tx.Batch
	q.joinName(e, m.Group)
	q.place(tx, e, record)
	return Enqueued{Seq: seq, ID: m.ID}
}

func (q *Queue) delayOf(in *Enqueue) int64 {
	switch {
	case q.spec.FIFO, in.From != TransferID{}:
		return 0 // FIFO delays follow the queue's attribute as it changes: see admit
	case in.Delay >= 0:
		return in.Delay
	}
	return q.spec.Delay
}

// place keeps a new message in memory where it belongs, or leaves it to the disk.
func (q *Queue) place(tx *Tx, e *entry, record []byte) {
	switch {
	case e.dueAt != 0:
		e.lane = delayLane
		q.cache.keep(e, record)
		if q.loadedTo == e.seq {
			q.loadedTo++ // the main lane has nothing here
		}
		q.delay(tx, e)
	case q.loadedTo == e.seq && q.mayWait() && q.room():
		q.loadedTo++
		q.cache.keep(e, record)
		q.admit(e, tx.Now)
	default:
		q.spill(tx, e)
	}
}

// mayWait keeps the windows of FIFO queues shorter than they may become when
// groups are blocked. With a delay, messages must be seen to be counted as such.
func (q *Queue) mayWait() bool {
	return !q.spec.FIFO || q.spec.Delay > 0 || q.waiting < q.lim.windowPlain
}
