package queue

import (
	"encoding/binary"
	"math"
	"sync"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/pause"
	"github.com/spillway/spillway/internal/queue/core"
	"github.com/spillway/spillway/internal/store"
)

// ticket numbers the attempts to make a message arrive, of one partition: by the
// generation of its owner, and within it from 1. The zero ticket is a single
// machine's, where no attempt can be late.
type ticket struct {
	from       uint16 // the partition
	generation uint64 // of its ownership, from 1
	number     uint64
}

// before compares tickets of the same partition.
func (t ticket) before(u ticket) bool {
	return t.generation < u.generation || t.generation == u.generation && t.number < u.number
}

// arrived is a transfer that its target remembers.
type arrived struct {
	target uint64
	id     core.TransferID
}

// ended is a transfer that is over, to be forgotten when no attempt is open that is
// not younger than its last.
type ended struct {
	arrived
	last uint64
}

// sender is the sending side of a partition in a cluster: it hands out tickets, and
// has the targets forget what is over. See mover for what that is good for.
type sender struct {
	mover     *mover
	partition uint16

	mu         sync.Mutex // guards the fields below
	generation uint64     // 0 while the partition is not owned, or has sent nothing
	next       uint64     // number of the next attempt
	low        uint64     // no attempt below is open
	open       map[uint64]struct{}
	over       []ended
	telling    bool // a goroutine works on over
}

// begin is called when a generation is durable: before that it may become another
// node's, too.
func (s *sender) begin(generation uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.generation, s.next, s.low, s.open, s.over = generation, 1, 1, make(map[uint64]struct{}), nil
}

// end is called when the ownership ended: the next owner goes on.
func (s *sender) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.generation, s.over = 0, nil
}

// start opens an attempt; not if its generation is over.
func (s *sender) start(generation uint64) (t ticket, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if generation != s.generation {
		return ticket{}, false
	}
	t = ticket{s.partition, generation, s.next}
	s.open[s.next] = struct{}{}
	s.next++
	return t, true
}

// finish closes an attempt. It may still be on its way all the same: nobody waits
// for it any more.
func (s *sender) finish(t ticket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.generation == s.generation {
		delete(s.open, t.number)
		s.tell()
	}
}

// forget notes that a transfer is over, durably, whose last attempt was t.
func (s *sender) forget(a arrived, t ticket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.generation == s.generation && t.generation != 0 {
		s.over = append(s.over, ended{a, t.number})
		s.tell()
	}
}

// resolved is forget for transfers that other owners may have made attempts for, or
// this one.
func (s *sender) resolved(over []arrived, generation uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if generation != s.generation {
		return
	}
	for _, a := range over {
		s.over = append(s.over, ended{a, s.next - 1})
	}
	s.tell()
}

// floor is the ticket below which no attempt is open. mu is held.
func (s *sender) floor() ticket {
	for s.low < s.next {
		if _, open := s.open[s.low]; open {
			break
		}
		s.low++
	}
	return ticket{s.partition, s.generation, s.low}
}

// tell starts the goroutine if there is work for it. mu is held.
func (s *sender) tell() {
	if !s.telling && len(s.over) > 0 && s.over[0].last < s.floor().number {
		s.telling = s.mover.spawn(s.run)
	}
}

// maxForget bounds the transfers of one request.
const maxForget = 1000

// take returns what can be forgotten, and ends telling when that is nothing.
func (s *sender) take() (over []ended, floor ticket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	floor = s.floor()
	n := 0
	for n < min(len(s.over), maxForget) && s.over[n].last < floor.number {
		n++
	}
	over, s.over = s.over[:n:n], s.over[n:]
	s.telling = n > 0
	return over, floor
}

// run tells targets what to forget, until nothing is left.
func (s *sender) run() {
	for {
		over, floor := s.take()
		if len(over) == 0 {
			return
		}
		byTarget := make(map[uint64][]ended)
		for _, o := range over {
			byTarget[o.target] = append(byTarget[o.target], o)
		}
		failed := false
		for target, list := range byTarget {
			if s.mover.forget(target, floor, list) != nil {
				failed = true
				s.back(list, floor.generation)
			}
		}
		if failed && !pause.For(s.mover.ctx, moveRetry) {
			s.mu.Lock()
			s.telling = false
			s.mu.Unlock()
			return
		}
	}
}

// back keeps what could not be told for later.
func (s *sender) back(list []ended, generation uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if generation == s.generation {
		s.over = append(s.over, list...)
	}
}

// announce makes the ownership's generation durable with this batch, the first time:
// whatever is sent with it must wait for the batch, too.
func (m *machine) announce(tx *partition.Tx) {
	if m.announced || !m.engine.clustered() {
		return
	}
	m.announced = true
	generation, s := m.generation, m.sender
	tx.Batch.Set(store.AppendKey(nil, m.p.ID(), store.SpaceSender, 0), binary.BigEndian.AppendUint64(nil, generation))
	tx.Force()
	tx.OnCommit(func(err error) {
		if err == nil {
			s.begin(generation)
		}
	})
}

// admit tells whether an arrival is not late, and remembers its generation.
func (m *machine) admit(tx *partition.Tx, t ticket) bool {
	if t.before(m.floors[t.from]) {
		return false
	}
	m.raise(tx, ticket{from: t.from, generation: t.generation})
	return true
}

// raise makes arrivals late that have tickets below the floor.
func (m *machine) raise(tx *partition.Tx, floor ticket) {
	if !m.floors[floor.from].before(floor) {
		return
	}
	m.floors[floor.from] = floor
	value := binary.BigEndian.AppendUint64(nil, floor.generation)
	tx.Batch.Set(store.AppendKey(nil, m.p.ID(), store.SpaceSender, uint64(floor.from)), binary.BigEndian.AppendUint64(value, floor.number))
}

// loadTickets reads what announce and raise wrote.
func (m *machine) loadTickets(r store.Reader) error {
	m.generation, m.announced, m.floors = 1, false, make(map[uint16]ticket)
	return m.each(r, store.SpaceSender, func(parts, value []byte) error {
		floor, generation, ok := parseTicket(parts, value)
		switch {
		case !ok:
			return core.ErrRecord
		case floor.from == 0:
			m.generation = generation + 1
		default:
			m.floors[floor.from] = floor
		}
		return nil
	})
}

// parseTicket reads a record, given the parts of its key: a floor, or the generation
// of the partition's own owner (of a floor from nowhere).
func parseTicket(parts, value []byte) (floor ticket, generation uint64, ok bool) {
	from := part(parts, 0)
	switch {
	case len(parts) != 8 || from > math.MaxUint16:
	case from == 0 && len(value) == 8:
		return ticket{}, part(value, 0), true
	case from != 0 && len(value) == 16:
		return ticket{uint16(from), part(value, 0), part(value, 1)}, 0, true
	}
	return ticket{}, 0, false
}
