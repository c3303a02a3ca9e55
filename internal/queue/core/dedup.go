package core

// dedups remembers the deduplication ids of the last five minutes.
type dedups struct {
	byKey map[DedupKey]remembered
	order ring[remembered]
	from  uint64 // lowest sequence with a stored entry
}

type remembered struct {
	Dedup
	seq uint64
}

// find returns the message that a key named within the window.
func (d *dedups) find(key DedupKey, now int64) (remembered, bool) {
	r, ok := d.byKey[key]
	return r, ok && now < r.Expires
}

func (d *dedups) put(r remembered) {
	if d.byKey == nil {
		d.byKey = make(map[DedupKey]remembered)
	}
	d.byKey[r.Key] = r
	d.order.push(r)
}

// expire forgets what has left the window.
func (q *Queue) expireDedup(tx *Tx) {
	d, from := &q.dedup, q.dedup.from
	for d.order.len() > 0 && d.order.front().Expires <= tx.Now {
		r := d.order.pop()
		if d.byKey[r.Key].seq == r.seq {
			delete(d.byKey, r.Key)
		}
		d.from = r.seq + 1
	}
	if d.from != from {
		tx.DropDedup(from, d.from)
		q.changed = true
	}
}

// attempts remembers what receive attempts were given, so that a repeated one is
// given the same. It is kept in memory only: after a restart a repeated attempt
// is a new one.
type attempts struct {
	byID  map[string]*attempt
	order ring[*attempt]
}

type attempt struct {
	id      string
	expires int64
	given   []given
}

type given struct {
	e          *entry
	generation uint32
	deadline   int64
}

func (a *attempts) put(at *attempt) {
	if a.byID == nil {
		a.byID = make(map[string]*attempt)
	}
	a.byID[at.id] = at
	a.order.push(at)
}

func (a *attempts) expire(now int64) {
	for a.order.len() > 0 && a.order.front().expires <= now {
		if at := a.order.pop(); a.byID[at.id] == at {
			delete(a.byID, at.id)
		}
	}
}

// repeat gives the messages of an earlier attempt again, with their leases
// started anew, provided that nothing happened to any of them since.
func (q *Queue) repeat(tx *Tx, id string, lease int64, out []Delivery) ([]Delivery, bool) {
	at := q.attempts.byID[id]
	if at == nil || at.expires <= tx.Now {
		return out, false
	}
	for _, g := range at.given {
		s := &g.e.state
		if g.e.status != leased || s.Generation != g.generation || s.Deadline != g.deadline || s.Deadline <= tx.Now {
			return out, false
		}
	}
	for i := range at.given {
		g := &at.given[i]
		q.setDeadline(tx, g.e, tx.Now+lease)
		g.deadline = g.e.state.Deadline
		out = append(out, q.delivery(g.e))
	}
	return out, true
}
