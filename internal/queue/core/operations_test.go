package core

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// short names a message in failures.
func short(seq uint64) int64 { return int64(seq - firstSequence) }

func (w *world) enqueue() {
	w.begin()
	for range 1 + w.choose(4)*w.choose(3) {
		in := Enqueue{Message: Message{ID: w.newID(), Group: w.group(), Body: make([]byte, 10+w.choose(100))}, Delay: -1}
		if w.delays && !w.fifo && w.choose(2) == 0 {
			in.Delay = [...]int64{0, 1, 700, 2000, 2001, 15_000, 900_000}[w.choose(7)]
		}
		if w.fifo && w.choose(2) == 0 {
			in.HasDedup = true
			binary.BigEndian.PutUint64(in.DedupKey[:], uint64(w.choose(20)))
		}
		w.store(in)
	}
	w.batch.sync = true
}

func (w *world) group() string {
	if w.groups == 0 {
		return ""
	}
	return fmt.Sprint(w.choose(w.groups))
}

// store enqueues in both worlds.
func (w *world) store(in Enqueue) {
	m := w.model
	duplicate := in.From != TransferID{} && m.transfers[in.From]
	want := Enqueued{Seq: m.next, ID: in.ID}
	if r, ok := m.dedup[in.DedupKey]; duplicate {
		want = Enqueued{ID: in.ID, Duplicate: true}
	} else if in.HasDedup && ok && w.now < r.Expires {
		want = Enqueued{Seq: r.seq, ID: r.ID, Duplicate: true}
	}
	s := &letter{
		seq: m.next, id: in.ID, group: in.Group, since: in.SentAt, fresh: true,
		prior: in.Prior, origin: in.Origin, batch: w.number,
	}
	if s.since == 0 {
		s.since = w.now
	}
	if delay := in.Delay; !w.fifo && in.From == (TransferID{}) {
		if delay < 0 {
			delay = m.spec.Delay
		}
		if delay > 0 {
			s.due = w.now + delay
		}
	}
	if in.From != (TransferID{}) {
		m.transfers[in.From] = true
	}
	got := w.queue.Enqueue(&w.tx, &in)
	w.note("  enqueue %+v delay %d group %q from %v: %d", in.ID[7], in.Delay, in.Group, in.From, short(got.Seq))
	w.check(got == want, "enqueued %+v, want %+v", got, want)
	if got.Duplicate {
		return
	}
	if in.HasDedup {
		m.dedup[in.DedupKey] = remembered{Dedup{in.DedupKey, in.ID, w.now + DedupWindow}, s.seq}
	}
	m.next++
	m.msgs = append(m.msgs, s)
}

// arrive is a transfer from another queue.
func (w *world) arrive() {
	w.begin()
	from := TransferID{uint64(5 + w.choose(3)), uint64(w.choose(20))}
	if w.choose(4) == 0 {
		w.note("  forget %v", from)
		w.queue.Forget(&w.tx, from)
		delete(w.model.transfers, from)
		w.batch.sync = true
		return
	}
	in := Enqueue{Message: Message{ID: w.newID(), Group: w.group(), Prior: uint32(w.choose(3)), Origin: uint64(w.choose(3))}, From: from}
	if w.old && w.choose(2) == 0 {
		in.SentAt = w.now - int64(w.choose(2_900_000))
	}
	w.store(in)
	w.batch.sync = true
}

func (w *world) accept() {
	if len(w.handles) == 0 {
		return
	}
	w.begin()
	for range 1 + w.choose(4) {
		h := w.handles[w.choose(len(w.handles))]
		s := w.model.find(h.seq)
		expired := s != nil && w.model.expired(s, w.now)
		want := w.model.accept(h.seq, h.generation, w.now)
		got := w.queue.Accept(&w.tx, h.seq, h.generation)
		w.note("  accept %d/%d: %v", short(h.seq), h.generation, got)
		w.check(errors.Is(got, want) || expired, "accept %d: %v, want %v", short(h.seq), got, want)
		w.batch.sync = true
	}
}

func (w *world) extend() {
	if len(w.handles) == 0 {
		return
	}
	w.begin()
	h := w.handles[w.choose(len(w.handles))]
	time := [...]int64{0, 0, 1, 5000, 60_000, MaxLease}[w.choose(6)]
	want := w.model.extend(h.seq, h.generation, time, w.now)
	got := w.queue.Extend(&w.tx, h.seq, h.generation, time)
	w.note("  extend %d/%d by %d: %v", short(h.seq), h.generation, time, got)
	w.check(errors.Is(got, want), "extend %d: %v, want %v", short(h.seq), got, want)
	w.batch.sync = true
}

func (w *world) purge() {
	w.begin()
	w.note("  purge")
	w.queue.Purge(&w.tx)
	w.model.msgs, w.model.dedup, w.model.attempts = nil, map[DedupKey]remembered{}, map[string]*attempted{}
	w.batch.sync = true
}

// respec changes the queue's spec, as at the start of a batch.
func (w *world) respec() {
	if w.batch != nil {
		w.end()
	}
	s := w.model.spec
	switch w.choose(4) {
	case 0:
		s.DeadLetter, s.MaxDeliveries = uint64(50*w.choose(3)), uint32(1+w.choose(3))
	case 1:
		s.MaxInFlight = [...]int{3, 20, 1000}[w.choose(3)]
	case 2:
		s.Lease = [...]int64{0, 1, 500, 30_000}[w.choose(4)]
	case 3:
		if delay := [...]int64{0, 1000, 2500}[w.choose(3)]; w.delays {
			// A longer delay does not hide again what is due by now; to which messages
			// that applies depends on what was looked at.
			if !w.fifo || delay < s.Delay || len(w.model.msgs) == 0 {
				s.Delay = delay
			}
		}
	}
	w.note("spec %+v", s)
	w.model.spec = s
	for _, b := range w.disk.risky { // the catalog has it durably
		b.model.spec = s
	}
	w.disk.model.spec = s
	w.queue.SetSpec(&s)
	w.settle()
	w.compare()
}

// resolve ends one of the transfers from here.
func (w *world) resolve() {
	if len(w.leaving) == 0 {
		return
	}
	i := w.choose(len(w.leaving))
	l := w.leaving[i]
	for w.disk.completed < l.batch { // the target gets it when it is durable
		if w.batch != nil && l.batch == w.batch.number {
			w.end()
		}
		w.disk.complete()
	}
	w.leaving = slices.Delete(w.leaving, i, i+1)
	w.begin()
	s := w.model.find(l.seq)
	is := s != nil && s.leaving != 0
	if !is || !w.model.expired(s, w.now) {
		w.check(w.queue.IsLeaving(l.seq) == is, "%d leaves: %v", short(l.seq), !is)
	}
	if w.choose(3) == 0 {
		w.note("  refused %d", short(l.seq))
		w.queue.Refused(&w.tx, l.seq)
		if is {
			s.refused, s.leaving = s.leaving, 0
		}
	} else {
		w.note("  arrived %d", short(l.seq))
		w.queue.Arrived(&w.tx, l.seq)
		if is {
			w.model.drop(s)
		}
	}
	w.batch.sync = true
}

func (w *world) move() {
	w.begin()
	mod := uint64(1 + w.choose(3))
	route := func(origin uint64) uint64 {
		if origin%mod == 0 && w.choose != nil && mod > 1 {
			return 0
		}
		return 70 + origin
	}
	n := 1 + w.choose(8)
	want := map[uint64]bool{}
	for _, g := range w.names() {
		if w.fifo {
			if s := w.model.moving(g, w.now, route); s != nil {
				want[s.seq] = true
			}
		}
	}
	for _, s := range w.model.msgs {
		if !w.fifo && w.model.visible(s, w.now) && route(s.origin) != 0 {
			want[s.seq] = true
		}
	}
	possible := len(want)
	w.emitted = nil
	moved := w.queue.Move(&w.tx, n, route)
	w.note("  move %d: %d", n, moved)
	w.check(moved == len(w.emitted) && moved <= n, "moved %d of %d, %d transfers", moved, n, len(w.emitted))
	for _, t := range w.emitted {
		w.check(want[t.Seq], "%d moved", short(t.Seq))
		delete(want, t.Seq)
		s := w.model.find(t.Seq)
		w.check(t.Target == route(s.origin) && t.State.Fresh, "transfer %+v", t)
		s.leaving, s.deadline, s.fresh = t.Target, 0, false
	}
	full := moved == min(n, possible) || w.fifo && moved > 0 // as many groups as it came across
	w.check(full || len(w.model.msgs) > w.lim.windowGroups, "moved %d, want %d of %d", moved, n, possible)
	for _, s := range w.model.msgs {
		s.undecided = true
		if w.queue.tracked[s.seq] != nil {
			s.fresh = false // looked at, and passed
		}
	}
	w.batch.sync = true
}

// names are the groups that have messages.
func (w *world) names() []string {
	names := map[string]bool{}
	for _, s := range w.model.msgs {
		names[s.group] = true
	}
	return slices.Sorted(maps.Keys(names))
}
