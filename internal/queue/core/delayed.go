package core

import "slices"

// delayed is the lane of standard messages that are not due yet, or were
// delayed and not delivered since. Like the main lane it is bounded in memory:
// every undelivered message up to bound is resident, those behind it only if
// partial is false.
type delayed struct {
	items   heap[*entry] // resident and not due when last looked, by (dueAt, seq)
	ripe    int          // resident, due, in the picker
	bound   Due
	partial bool
	// pending are stored behind bound and may not be readable yet; when there are
	// pendingMax, those that are have to go.
	pending    []*entry
	pendingMax int

	undelivered uint64
	counts      map[int64]uint64 // undelivered, by the second they are due in
	dirty       map[int64]struct{}
	future      map[int64]uint64 // the part of counts that was not due when last looked
	second      int64            // up to which future was cleared
	notDue      uint64           // sum of future
}

func (d *delayed) reset(q *Queue) {
	for _, e := range d.items.items {
		if e.status == fresh {
			q.part(e)
		}
	}
	*d = delayed{
		items: heap[*entry]{
			less:  func(a, b *entry) bool { return due(a).before(due(b)) },
			place: func(e *entry, i int32) { e.pos = i },
		},
		counts: make(map[int64]uint64),
		dirty:  make(map[int64]struct{}),
		future: make(map[int64]uint64),
	}
}

func due(e *entry) Due { return Due{e.dueAt, e.seq} }

func (d Due) before(o Due) bool { return d.At < o.At || d.At == o.At && d.Seq < o.Seq }

// DueSecond is the second that a message is counted under which is due at ms.
func DueSecond(ms int64) int64 { return (ms + 999) / 1000 }

// delay puts a new message into the lane.
func (q *Queue) delay(tx *Tx, e *entry) {
	d := &q.delayed
	tx.PutDelayed(e.dueAt, e.seq)
	if len(d.future) == 0 {
		d.second = tx.Now / 1000 // nothing was counted down meanwhile
	}
	s := DueSecond(e.dueAt)
	d.counts[s]++
	d.undelivered++
	d.dirty[s] = struct{}{}
	d.future[s]++
	d.notDue++
	if d.partial && d.bound.before(due(e)) {
		q.cache.drop(e)
		q.postpone(tx, e)
		return
	}
	d.items.push(e)
	if d.items.len() > 2*q.lim.delayWindow {
		q.shrinkDelayed(tx)
	}
}

// shrinkDelayed keeps the earliest messages resident and leaves the rest to the disk.
func (q *Queue) shrinkDelayed(tx *Tx) {
	d := &q.delayed
	slices.SortFunc(d.items.items, func(a, b *entry) int {
		if due(a).before(due(b)) {
			return -1
		}
		return 1
	})
	for _, e := range d.items.items[q.lim.delayWindow:] {
		e.pos = -1
		q.cache.drop(e)
		if e.batch > tx.Completed {
			q.postpone(tx, e)
		} else {
			q.part(e)
		}
	}
	clear(d.items.items[q.lim.delayWindow:])
	d.items.items = d.items.items[:q.lim.delayWindow]
	for i, e := range d.items.items {
		e.pos = int32(i) // sorted is a heap
	}
	d.bound, d.partial = due(d.items.items[q.lim.delayWindow-1]), true
}

// postpone keeps a message that is left to the disk until it can be read there.
func (q *Queue) postpone(tx *Tx, e *entry) {
	d := &q.delayed
	d.pending = append(d.pending, e)
	if len(d.pending) < d.pendingMax {
		return
	}
	d.pending = slices.DeleteFunc(d.pending, func(e *entry) bool {
		readable := e.batch <= tx.Completed
		if readable {
			q.part(e)
		}
		return readable
	})
	d.pendingMax = max(q.lim.delayWindow, 2*len(d.pending))
}

// extendDelayed reads the next part of the lane if none is resident.
func (q *Queue) extendDelayed(tx *Tx) {
	for d := &q.delayed; d.partial && d.items.len() == 0; {
		q.readLane(tx)
	}
}

func (q *Queue) readLane(tx *Tx) {
	d := &q.delayed
	q.forgetRemoved(tx.Completed)
	dues, more := tx.Delayed(d.bound, q.lim.delayChunk)
	bound := d.bound
	if more {
		bound = dues[len(dues)-1]
	}
	// Messages of batches under way may be missing from what was read.
	have := make(map[uint64]bool)
	d.pending = slices.DeleteFunc(d.pending, func(e *entry) bool {
		if more && bound.before(due(e)) {
			return false
		}
		have[e.seq] = true
		d.items.push(e)
		return true
	})
	for _, at := range dues {
		if have[at.Seq] {
			continue
		}
		if e := q.readDelayed(tx, at); e != nil {
			d.items.push(e)
		}
	}
	d.bound, d.partial = bound, more
}

func (q *Queue) readDelayed(tx *Tx, at Due) *entry {
	if q.known(at.Seq) {
		return nil
	}
	record, ok := tx.Message(at.Seq)
	if !ok {
		return nil
	}
	m, name, ok := parseMeta(record)
	if !ok {
		panic(ErrRecord)
	}
	e := newEntry(at.Seq, &m, len(record))
	e.lane = delayLane
	q.join(e, name)
	return e
}

// ripen moves the messages that are due to the picker, as far as it has room, and
// reports whether there were any.
func (q *Queue) ripen(tx *Tx) (more bool) {
	d := &q.delayed
	for s := d.second + 1; len(d.future) > 0 && s <= tx.Now/1000; s++ {
		d.notDue -= d.future[s]
		delete(d.future, s)
		d.second = s
	}
	d.second = tx.Now / 1000
	for d.ripe < q.lim.delayWindow {
		q.extendDelayed(tx)
		if d.items.len() == 0 || d.items.min().dueAt > tx.Now {
			break
		}
		e := d.items.min()
		q.ripe(e)
		q.pick.giveBack(e, false)
		more = true
	}
	return more
}

// ripe takes a message out of the lane, to be put into the picker or delivered.
func (q *Queue) ripe(e *entry) {
	d := &q.delayed
	if e.pos >= 0 {
		d.items.remove(e.pos)
	}
	if s := DueSecond(e.dueAt); d.future[s] > 0 {
		d.future[s]--
		d.notDue--
	}
	d.ripe++
	q.ages.push(e)
}

// nextDue is when the next message is due, or when to read on to know.
func (d *delayed) nextDue() (at int64, ok bool) {
	switch {
	case d.items.len() > 0:
		return d.items.min().dueAt, true
	case d.partial:
		return max(1, d.bound.At), true
	}
	return 0, false
}

// delivered takes a ripe message out of the books.
func (d *delayed) delivered(e *entry) {
	s := DueSecond(e.dueAt)
	d.dirty[s] = struct{}{}
	d.undelivered--
	if d.counts[s]--; d.counts[s] == 0 {
		delete(d.counts, s)
	}
	d.ripe--
}

// flush writes the counts that changed.
func (d *delayed) flush(tx *Tx) {
	for s := range d.dirty {
		tx.SetDelayCount(s, d.counts[s])
	}
	clear(d.dirty)
}
