package core

import "slices"

// delayChunk bounds one read of the delay lane, which costs a point read for
// each message.
const delayChunk = 256

// delayed is the lane of standard messages that are not due yet, or were
// delayed and not delivered since. Like the main lane it is bounded in memory:
// every undelivered message up to bound is resident, those behind it only if
// partial is false.
type delayed struct {
	items   heap[*entry] // resident and not due when last looked, by (dueAt, seq)
	ripe    int          // resident, due, in the picker
	bound   Due
	partial bool
	pending []*entry // stored behind bound, and perhaps not readable yet

	counts map[int64]uint64 // undelivered, by the second they are due in
	dirty  map[int64]struct{}
	future map[int64]uint64 // the part of counts that was not due when last looked
	second int64            // up to which future was cleared
	notDue uint64           // sum of future
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

func second(ms int64) int64 { return (ms + 999) / 1000 }

// total is the number of undelivered messages in the lane.
func (d *delayed) total() (n uint64) {
	for _, c := range d.counts {
		n += c
	}
	return n
}

// delay puts a new message into the lane.
func (q *Queue) delay(tx *Tx, e *entry) {
	d := &q.delayed
	tx.PutDelayed(e.dueAt, e.seq)
	s := second(e.dueAt)
	d.counts[s]++
	d.dirty[s] = struct{}{}
	d.future[s]++
	d.notDue++
	if d.partial && d.bound.before(due(e)) {
		q.cache.drop(e)
		d.pending = append(d.pending, e)
		return
	}
	d.items.push(e)
	if d.items.len() > 2*delayWindow {
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
	for _, e := range d.items.items[delayWindow:] {
		e.pos = -1
		q.cache.drop(e)
		if e.batch > tx.Completed {
			d.pending = append(d.pending, e)
		} else {
			q.part(e)
		}
	}
	clear(d.items.items[delayWindow:])
	d.items.items = d.items.items[:delayWindow]
	for i, e := range d.items.items {
		e.pos = int32(i) // sorted is a heap
	}
	d.bound, d.partial = due(d.items.items[delayWindow-1]), true
}

// extendDelayed reads the next part of the lane if none is resident.
func (q *Queue) extendDelayed(tx *Tx) {
	d := &q.delayed
	if !d.partial || d.items.len() > 0 {
		return
	}
	dues, more := tx.Delayed(d.bound, delayChunk)
	read := make(map[uint64]bool, len(dues))
	for _, at := range dues {
		read[at.Seq] = true
	}
	bound := d.bound
	if more {
		bound = dues[len(dues)-1]
	}
	rest := d.pending[:0]
	for _, e := range d.pending {
		switch {
		case more && bound.before(due(e)):
			if e.batch > tx.Completed {
				rest = append(rest, e)
			} else {
				q.part(e)
			}
		case read[e.seq]:
			q.part(e)
		default:
			d.items.push(e)
		}
	}
	clear(d.pending[len(rest):])
	d.pending = rest
	for _, at := range dues {
		if e := q.readDelayed(tx, at); e != nil {
			d.items.push(e)
		}
	}
	d.bound, d.partial = bound, more
}

func (q *Queue) readDelayed(tx *Tx, at Due) *entry {
	record, ok := tx.Message(at.Seq)
	if !ok {
		return nil
	}
	m, name, ok := parseMeta(record)
	if !ok {
		panic(ErrRecord)
	}
	e := &entry{seq: at.Seq, dueAt: at.At, lane: delayLane, since: m.retainFrom(), prior: m.Prior, size: int32(len(record)), pos: -1, age: -1}
	q.join(e, name)
	return e
}

// ripen moves the messages that are due to the picker, as far as it has room.
func (q *Queue) ripen(tx *Tx) {
	d := &q.delayed
	for s := d.second + 1; len(d.future) > 0 && s <= tx.Now/1000; s++ {
		d.notDue -= d.future[s]
		delete(d.future, s)
		d.second = s
	}
	d.second = tx.Now / 1000
	for d.ripe < delayWindow {
		q.extendDelayed(tx)
		if d.items.len() == 0 || d.items.min().dueAt > tx.Now {
			return
		}
		e := d.items.pop()
		if s := second(e.dueAt); d.future[s] > 0 {
			d.future[s]--
			d.notDue--
		}
		d.ripe++
		q.pick.giveBack(e, false)
	}
}

// nextDue is when the next resident message is due, 0 for none.
func (d *delayed) nextDue() int64 {
	if d.items.len() == 0 {
		return 0
	}
	return d.items.min().dueAt
}

// delivered takes a ripe message out of the books.
func (d *delayed) delivered(e *entry) {
	s := second(e.dueAt)
	d.dirty[s] = struct{}{}
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
