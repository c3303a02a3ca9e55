package core

import (
	"maps"
	"slices"
)

// Saved is what a queue left in the store: its record, the states of its tracked
// messages, and the small tables. Messages are read when they are needed.
type Saved struct {
	Record    Record
	States    map[uint64]State // by sequence
	Dedups    []SavedDedup     // in sequence order
	Transfers []TransferID
	// DelayCounts are the numbers of messages by the second they are due in.
	DelayCounts map[int64]uint64
}

// SavedDedup is a deduplication id and the message it named.
type SavedDedup struct {
	Seq uint64
	Dedup
}

// Load returns the queue as it was when s was saved. The time is tx.Now.
func Load(spec *Spec, cache *Cache, s *Saved, tx *Tx) *Queue {
	return load(spec, cache, s, tx, defaultLimits())
}

func load(spec *Spec, cache *Cache, s *Saved, tx *Tx, lim limits) *Queue {
	q := newQueue(spec, cache, lim)
	q.next, q.loadedTo, q.low, q.total = s.Record.Next, s.Record.Cursor, s.Record.Low, s.Record.Total
	q.dedup.from = s.Record.DedupFrom
	for _, seq := range slices.Sorted(maps.Keys(s.States)) {
		q.restore(tx, seq, s.States[seq])
	}
	for _, d := range s.Dedups {
		q.dedup.put(remembered{d.Dedup, d.Seq})
	}
	for _, id := range s.Transfers {
		q.transfers[id] = struct{}{}
	}
	for second, n := range s.DelayCounts {
		q.delayed.counts[second] = n
		q.delayed.undelivered += n
		if second*1000 > tx.Now {
			q.delayed.future[second] = n
			q.delayed.notDue += n
		}
	}
	q.delayed.second = tx.Now / 1000
	q.delayed.partial = len(s.DelayCounts) > 0
	return q
}

func (q *Queue) restore(tx *Tx, seq uint64, state State) {
	record, ok := tx.Message(seq)
	if !ok {
		panic(ErrRecord) // a state without its message: they are dropped together
	}
	m, name, ok := parseMeta(record)
	if !ok {
		panic(ErrRecord)
	}
	e := newEntry(seq, &m, len(record))
	e.state, e.status = state, returned
	q.join(e, name)
	q.tracked[seq] = e
	q.ages.push(e)
	switch {
	case state.Leaving != 0:
		e.status = leaving
		q.leavingN++
	case state.Deadline != 0:
		// Also if it has passed: Advance then ends the lease as any other.
		e.status = leased
		q.leasedN++
		q.deadlines.push(e)
	}
	q.pick.restore(e)
}
