package core

import (
	"errors"
	"fmt"
	"slices"
)

func (w *world) lease() {
	w.begin()
	in := Lease{Max: 1 + w.choose(10), Time: [...]int64{-1, -1, 0, 1, 1000, 30_000, 100_000}[w.choose(7)]}
	if w.fifo && w.choose(3) == 0 {
		in.Attempt = fmt.Sprint(w.choose(3))
	}
	time := in.Time
	if time < 0 {
		time = w.model.spec.Lease
	}
	again := w.repeated(in.Attempt)
	leased := w.model.leasedN(w.now)
	w.emitted = nil
	loadedTo := w.queue.loadedTo
	out, err := w.queue.Lease(&w.tx, &in, nil)
	w.note("  lease %d for %d: %v, left %d, %v", in.Max, time, seqs(out), len(w.emitted), err)
	n := min(in.Max, w.model.spec.MaxInFlight-leased)
	switch {
	case again != nil:
		w.check(err == nil && slices.EqualFunc(out, again, func(d Delivery, g given2) bool { return d.Seq == g.m.seq && d.Generation == g.generation }),
			"attempt %q repeated: %v", in.Attempt, seqs(out))
		for i := range again {
			again[i].m.deadline = w.now + time
			again[i].deadline = again[i].m.deadline
		}
	case n <= 0:
		w.check(len(out) == 0 && (w.fifo || errors.Is(err, ErrInFlight)), "%d leased of %d: %v, %v", leased, w.model.spec.MaxInFlight, seqs(out), err)
		return
	case w.fifo:
		w.check(err == nil, "%v", err)
		w.leaseFIFO(n, time, loadedTo, out)
	default:
		w.check(err == nil, "%v", err)
		w.leaseStandard(n, time, out)
	}
	for _, t := range w.emitted {
		s := w.model.find(t.Seq)
		w.check(t.Target == w.model.spec.DeadLetter && !t.State.Fresh && t.State.Acquired == s.acquired, "transfer %+v", t)
		s.leaving, s.deadline, s.fresh = t.Target, 0, false
	}
	w.delivered(out, again == nil, time)
	if in.Attempt != "" && again == nil && len(out) > 0 {
		at := &attempted{expires: w.now + AttemptWindow}
		for _, d := range out {
			s := w.model.find(d.Seq)
			at.given = append(at.given, given2{s, s.generation, s.deadline})
		}
		w.model.attempts[in.Attempt] = at
	}
}

// repeated is what an earlier attempt of that name was given, if nothing happened
// to it since.
func (w *world) repeated(attempt string) []given2 {
	at := w.model.attempts[attempt]
	if at == nil || at.expires <= w.now {
		return nil
	}
	for _, g := range at.given {
		if s := w.model.find(g.m.seq); s != g.m || s.leaving != 0 || s.generation != g.generation || s.deadline != g.deadline || s.deadline <= w.now {
			return nil
		}
	}
	return at.given
}

func seqs(in []Delivery) (out []int64) {
	for _, d := range in {
		out = append(out, short(d.Seq))
	}
	return out
}

// delivered checks the deliveries' fields, and notes them.
func (w *world) delivered(out []Delivery, count bool, time int64) {
	for _, d := range out {
		s := w.model.find(d.Seq)
		if count {
			s.lease(w.now, time)
		}
		w.check(d.Generation == s.generation && d.Acquired == s.prior+s.acquired && d.FirstAcquired == s.first, "delivery %+v of %+v", d, s)
		durable := uint64(0)
		if s.batch > w.disk.completed {
			w.check(d.Batch == s.batch, "%d delivered with batch %d, want %d", short(d.Seq), d.Batch, s.batch)
			durable = w.number
		}
		record := d.Record
		if record == nil && s.batch <= w.disk.completed {
			record = w.disk.done.messages[d.Seq]
		}
		if record != nil {
			m, err := ParseRecord(record)
			w.check(err == nil && m.ID == s.id && m.Group == s.group, "record of %d: %+v %v", short(d.Seq), m, err)
		}
		if w.fifo {
			durable, w.batch.sync = w.number, true
		}
		if len(w.handles) > 60 {
			w.handles = slices.Delete(w.handles, 0, 20)
		}
		w.handles = append(w.handles, handle{d.Seq, d.Generation, durable})
	}
}

func (w *world) leaseStandard(n int, time int64, out []Delivery) {
	m := w.model
	got := map[uint64]bool{}
	for _, d := range out {
		s := m.find(d.Seq)
		w.check(s != nil && !got[d.Seq] && m.visible(s, w.now) && !m.dying(s), "%d delivered: %+v", short(d.Seq), s)
		got[d.Seq] = true
	}
	left := map[uint64]bool{}
	for _, t := range w.emitted {
		s := m.find(t.Seq)
		w.check(s != nil && m.visible(s, w.now) && m.dying(s), "%d left: %+v", short(t.Seq), s)
		left[t.Seq] = true
	}
	w.check(len(out) <= n, "%d delivered, want at most %d", len(out), n)
	if len(out) < n {
		for _, s := range m.msgs {
			missed := m.visible(s, w.now) && !got[s.seq] && !left[s.seq]
			w.check(!missed || time == 0 && len(out) > 0, "%d was not delivered: %+v", short(s.seq), s)
		}
	}
	ripe := 0
	for _, s := range m.msgs {
		if s.fresh && s.due != 0 && s.due <= w.now {
			ripe++
		}
	}
	if ripe > w.lim.delayWindow {
		return // some of the early ones are not resident
	}
	for _, name := range w.names() {
		i := 0
		order := m.order(name, w.now)
		for _, d := range out {
			s := m.find(d.Seq)
			if s.group != name {
				continue
			}
			for i < len(order) && (order[i].undecided || left[order[i].seq]) {
				i++
			}
			w.check(i < len(order) && order[i] == s || s.undecided, "%d delivered out of order, want %d", short(d.Seq), i)
			if !s.undecided {
				i++
			}
		}
	}
}

// leaseFIFO checks a lease of a FIFO queue. What is read only in the course of it,
// loadedTo and later, is not delivered with the messages before it in its group.
func (w *world) leaseFIFO(n int, time int64, loadedTo uint64, out []Delivery) {
	m := w.model
	w.check(len(out) <= n, "%d delivered, want at most %d", len(out), n)
	left := map[uint64]bool{}
	for _, t := range w.emitted {
		left[t.Seq] = true
	}
	seen := map[string]bool{}
	for i := 0; i < len(out); {
		s := m.find(out[i].Seq)
		w.check(s != nil && !seen[s.group], "%d delivered", short(out[i].Seq))
		seen[s.group] = true
		run := m.run(s.group, w.now)
		for len(run) > 0 && !run[0].leave && i < len(out) {
			if next := m.find(out[i].Seq); next.group != s.group {
				break // what is missing is seen below
			}
			w.check(out[i].Seq == run[0].m.seq, "%d delivered, want %d", short(out[i].Seq), short(run[0].m.seq))
			i, run = i+1, run[1:]
		}
		if len(run) > 0 && run[0].leave && left[run[0].m.seq] {
			delete(left, run[0].m.seq)
			continue
		}
		w.check(len(run) == 0 || len(out) == n && i == n || first(run) >= loadedTo, "group %q: %d was not delivered", s.group, short(first(run)))
	}
	for _, name := range w.names() {
		if seen[name] {
			continue
		}
		run := m.run(name, w.now)
		if len(run) > 0 && run[0].leave && left[run[0].m.seq] {
			delete(left, run[0].m.seq)
			continue
		}
		w.check(len(run) == 0 || len(out) == n || len(m.msgs) > w.lim.windowFIFO || time == 0 && len(out) > 0, "group %q: %d was not delivered", name, short(first(run)))
	}
	w.check(len(left) == 0, "%d left out of turn", len(left))
}

// first is for messages only.
func first(run []event) uint64 {
	if len(run) == 0 {
		return 0
	}
	return run[0].m.seq
}
