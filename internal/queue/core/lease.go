package core

import "errors"

// ErrInFlight means that as many messages are leased as the queue allows.
var ErrInFlight = errors.New("queue: too many messages in flight")

// Lease asks for messages.
type Lease struct {
	Max  int
	Time int64 // ms the messages stay hidden; negative means the queue's default
	// Attempt, if not empty, makes a repeated request within AttemptWindow get the
	// same messages and leases again (FIFO queues).
	Attempt string
}

// Delivery is a leased message.
type Delivery struct {
	Seq           uint64
	Generation    uint32
	Acquired      uint32 // deliveries in all, this one included
	FirstAcquired int64  // unix ms
	Record        []byte // shared, not to be changed; nil when it must be read from the store
	Batch         uint64 // that stored the message
}

// Lease appends up to in.Max deliveries to out. None is no error.
func (q *Queue) Lease(tx *Tx, in *Lease, out []Delivery) ([]Delivery, error) {
	time := in.Time
	if time < 0 {
		time = q.spec.Lease
	}
	if in.Attempt != "" {
		if again, ok := q.repeat(tx, in.Attempt, time, out); ok {
			return again, nil
		}
	}
	q.advanceReady(tx) // leases that are over count no more
	n := min(in.Max, q.spec.MaxInFlight-q.leasedN)
	if n <= 0 {
		if q.spec.FIFO {
			return out, nil
		}
		return out, ErrInFlight
	}
	start := len(out)
	offer := func(e *entry) verdict {
		v := q.offer(tx, e, time)
		if v == hid || v == shown {
			out = append(out, q.delivery(e))
		}
		return v
	}
	for {
		q.pick.take(n-(len(out)-start), offer)
		got := len(out) - start
		if got == n || got > 0 && time == 0 {
			break // what stays visible would be delivered twice
		}
		if ripe := q.ripen(tx); !q.extend(tx) && !ripe {
			break
		}
	}
	q.refill(tx)
	if in.Attempt != "" && len(out) > start {
		at := &attempt{id: in.Attempt, expires: tx.Now + AttemptWindow}
		for _, d := range out[start:] {
			e := q.tracked[d.Seq]
			at.given = append(at.given, given{e, d.Generation, e.state.Deadline})
		}
		q.attempts.put(at)
	}
	return out, nil
}

// offer decides what becomes of a message whose turn it is.
func (q *Queue) offer(tx *Tx, e *entry, time int64) verdict {
	switch {
	case q.expired(e, tx.Now):
		q.expire(tx, e, true)
		return dropped
	case q.spec.DeadLetter != 0 && e.state.Acquired >= q.spec.MaxDeliveries && e.refused != q.spec.DeadLetter:
		q.leave(tx, e, q.spec.DeadLetter, false)
		return left
	}
	if e.status == fresh {
		q.track(tx, e)
	}
	s := &e.state
	s.Acquired++
	s.Generation++
	s.LeasedAt = tx.Now
	if s.FirstAcquired == 0 {
		s.FirstAcquired = tx.Now
	}
	q.changed = true
	if time == 0 {
		s.Deadline = 0
		e.status = returned
		tx.PutState(e.seq, s)
		return shown
	}
	s.Deadline = tx.Now + time
	e.status = leased
	q.leasedN++
	q.deadlines.push(e)
	tx.PutState(e.seq, s)
	return hid
}

// delivery describes the latest lease of e, handing over its record.
func (q *Queue) delivery(e *entry) Delivery {
	return Delivery{
		Seq:           e.seq,
		Generation:    e.state.Generation,
		Acquired:      e.prior + e.state.Acquired,
		FirstAcquired: e.state.FirstAcquired,
		Record:        q.cache.drop(e),
		Batch:         e.batch,
	}
}
