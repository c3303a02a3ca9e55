package core

import (
	"maps"
	"slices"
)

// model is SQS as its documentation tells it: a list of messages.
type model struct {
	spec      Spec
	next      uint64
	msgs      []*letter // by sequence
	dedup     map[DedupKey]remembered
	transfers map[TransferID]bool
	attempts  map[string]*attempted // in memory only
}

// letter is a message of the model.
type letter struct {
	seq        uint64
	id         ID
	group      string
	since, due int64
	fresh      bool // never delivered
	acquired   uint32
	generation uint32
	first      int64
	leasedAt   int64
	deadline   int64 // hidden until then
	leaving    uint64
	refused    uint64 // queue that would not take it; forgotten in a restart
	prior      uint32
	origin     uint64
	batch      uint64 // that stored it
	undecided  bool   // kept by a Move: order is not predicted any more
}

type attempted struct {
	expires int64
	given   []given2
}

type given2 struct {
	m          *letter
	generation uint32
	deadline   int64
}

func newModel(spec Spec) *model {
	return &model{
		spec: spec, next: firstSequence,
		dedup: map[DedupKey]remembered{}, transfers: map[TransferID]bool{}, attempts: map[string]*attempted{},
	}
}

// clone copies the model as a restart would find it.
func (m *model) clone() *model {
	c := *m
	c.msgs = make([]*letter, len(m.msgs))
	for i, s := range m.msgs {
		copied := *s
		copied.refused = 0
		c.msgs[i] = &copied
	}
	c.dedup, c.transfers = maps.Clone(m.dedup), maps.Clone(m.transfers)
	c.attempts = map[string]*attempted{}
	return &c
}

func (m *model) find(seq uint64) *letter {
	i, ok := slices.BinarySearchFunc(m.msgs, seq, func(s *letter, seq uint64) int { return int(int64(s.seq - seq)) })
	if !ok {
		return nil
	}
	return m.msgs[i]
}

func (m *model) drop(s *letter) {
	m.msgs = slices.DeleteFunc(m.msgs, func(o *letter) bool { return o == s })
}

func (m *model) expired(s *letter, now int64) bool { return now-s.since >= m.spec.Retention }

// hidden: delivered, and not visible again.
func (s *letter) hidden(now int64) bool { return s.leaving != 0 || s.deadline > now }

// delayed: never delivered, and not due.
func (m *model) delayed(s *letter, now int64) bool {
	if m.spec.FIFO {
		return s.fresh && now < s.since+m.spec.Delay
	}
	return s.fresh && now < s.due
}

func (m *model) visible(s *letter, now int64) bool {
	return !s.hidden(now) && !m.delayed(s, now) && !m.expired(s, now)
}

// dying: the next receive moves it to the dead-letter queue.
func (m *model) dying(s *letter) bool {
	return m.spec.DeadLetter != 0 && s.acquired >= m.spec.MaxDeliveries && s.refused != m.spec.DeadLetter
}

func (m *model) leasedN(now int64) (n int) {
	for _, s := range m.msgs {
		if s.leaving == 0 && s.deadline > now {
			n++
		}
	}
	return n
}

func (m *model) counters(now int64) (c Counters) {
	for _, s := range m.msgs {
		switch {
		case s.hidden(now):
			c.InFlight++
		case m.delayed(s, now):
			c.Delayed++
		default:
			c.Visible++
		}
	}
	return c
}

// nextEvent is when a message becomes visible by itself, 0 for never.
func (m *model) nextEvent(now int64) (next int64) {
	for _, s := range m.msgs {
		at := s.due
		if m.spec.FIFO {
			at = s.since + m.spec.Delay
		}
		if !s.fresh {
			at = s.deadline
		}
		if s.leaving == 0 && at > now && (next == 0 || at < next) {
			next = at
		}
	}
	return next
}

// event is what one message does in a lease or a move.
type event struct {
	m     *letter
	leave bool
}

// run is what a FIFO group delivers, in order, if it is asked without a limit.
func (m *model) run(group string, now int64) (run []event) {
	for _, s := range m.msgs {
		switch {
		case s.group != group || m.expired(s, now):
		case s.hidden(now) || m.delayed(s, now):
			return run
		case m.dying(s):
			return append(run, event{s, true})
		default:
			run = append(run, event{s, false})
		}
	}
	return run
}

// moving is what a FIFO group moves: its first message that has somewhere to go.
func (m *model) moving(group string, now int64, route func(uint64) uint64) *letter {
	for _, s := range m.msgs {
		switch {
		case s.group != group || m.expired(s, now):
		case s.hidden(now) || m.delayed(s, now):
			return nil
		case route(s.origin) != 0:
			return s
		}
	}
	return nil
}

// order is the order in which a standard queue delivers a group: what was
// delivered or delayed before, then the rest.
func (m *model) order(group string, now int64) (order []*letter) {
	early := func(s *letter) bool { return !s.fresh || s.due != 0 }
	for _, want := range []bool{true, false} {
		for _, s := range m.msgs {
			if s.group == group && early(s) == want && m.visible(s, now) {
				order = append(order, s)
			}
		}
	}
	return order
}

// lease notes a delivery.
func (s *letter) lease(now, time int64) {
	s.fresh = false
	s.acquired++
	s.generation++
	s.leasedAt = now
	if s.first == 0 {
		s.first = now
	}
	s.deadline = 0
	if time > 0 {
		s.deadline = now + time
	}
}

// lapsed: the lease is not the one that hides the message.
func (s *letter) lapsed(generation uint32, now int64) bool {
	return s.leaving != 0 || s.deadline <= now || s.generation != generation
}

func (m *model) accept(seq uint64, generation uint32, now int64) error {
	s := m.find(seq)
	if s == nil || s.leaving != 0 {
		return nil
	}
	if m.spec.FIFO && (s.fresh || s.lapsed(generation, now)) {
		return ErrLapsed
	}
	m.drop(s)
	return nil
}

func (m *model) extend(seq uint64, generation uint32, time, now int64) error {
	s := m.find(seq)
	if s == nil || s.leaving != 0 || m.expired(s, now) {
		return ErrGone
	}
	if m.spec.FIFO && (s.fresh || s.lapsed(generation, now)) {
		return ErrLapsed
	}
	hidden := s.deadline > now
	if hidden && now+time > s.leasedAt+MaxLease {
		return ErrTooLong
	}
	s.fresh = false
	if time == 0 {
		s.deadline = 0
		return nil
	}
	if !hidden {
		s.leasedAt = now
	}
	s.deadline = now + time
	return nil
}
