package queue

import (
	"encoding/binary"
	"fmt"

	"github.com/spillway/spillway/internal/queue/core"
	"github.com/spillway/spillway/internal/store"
)

// Check reports what is wrong with the records of queues; for store.Check. It
// reads every message, and keeps in memory what a server would.
func Check(r store.Reader, report func(problem string)) error {
	for next := 0; next <= 0xffff; {
		id, ok, err := partitionFrom(r, uint16(next))
		if err != nil || !ok {
			return err
		}
		c := &checker{r: r, partition: id, report: report, queues: make(map[uint64]*checked)}
		if err := c.run(); err != nil {
			return fmt.Errorf("partition %d: %w", id, err)
		}
		next = int(id) + 1
	}
	return nil
}

// partitionFrom returns the first partition from one on that has any records.
func partitionFrom(r store.Reader, from uint16) (id uint16, ok bool, err error) {
	lo, _ := store.PartitionBounds(from)
	err = r.Scan(lo, []byte{0xff, 0xff, 0xff}, func(key, _ []byte) bool {
		id, _, _, ok = store.SplitKey(key)
		return !ok
	})
	return id, ok, err
}

// checker looks at one partition.
type checker struct {
	r         store.Reader
	partition uint16
	report    func(string)
	queues    map[uint64]*checked
}

// checked is what was read of one queue.
type checked struct {
	record   core.Record
	states   map[uint64]core.State
	counts   map[int64]uint64 // delay counts as stored
	messages uint64
	waiting  uint64           // delayed and not delivered, by their messages
	due      map[int64]uint64 // the same by second
	indexed  uint64           // entries of the delay lane
}

func (c *checker) run() error {
	steps := []struct {
		space store.Space
		parts int
		value int // length, -1 for any
		look  func(q *checked, parts, value []byte)
	}{
		{store.SpaceQueue, 1, -1, nil},
		{store.SpaceState, 2, -1, c.state},
		{store.SpaceDelayCount, 2, 8, c.delayCount},
		{store.SpaceDedup, 2, -1, c.dedup},
		{store.SpaceTransfer, 3, 0, func(*checked, []byte, []byte) {}},
		{store.SpaceMessage, 2, -1, c.message},
		{store.SpaceDelayed, 3, 0, func(q *checked, _, _ []byte) { q.indexed++ }},
	}
	for _, s := range steps {
		lo, hi := store.Bounds(c.partition, s.space)
		err := c.r.Scan(lo, hi, func(key, value []byte) bool {
			_, _, parts, _ := store.SplitKey(key)
			switch q := c.queues[part(parts, 0)]; {
			case len(parts) != 8*s.parts:
				c.problem("key %x has %d bytes of parts, not %d", key, len(parts), 8*s.parts)
			case s.value >= 0 && len(value) != s.value:
				c.problem("the value of key %x has %d bytes, not %d", key, len(value), s.value)
			case s.space == store.SpaceQueue:
				c.queue(part(parts, 0), value)
			case q == nil:
				c.problem("key %x belongs to queue %d, which has no record", key, part(parts, 0))
			default:
				s.look(q, parts, value)
			}
			return true
		})
		if err != nil {
			return err
		}
	}
	if err := c.tickets(); err != nil {
		return err
	}
	for id, q := range c.queues {
		if err := c.sums(id, q); err != nil {
			return err
		}
	}
	return nil
}

// tickets looks at what a cluster's transfers need.
func (c *checker) tickets() error {
	lo, hi := store.Bounds(c.partition, store.SpaceSender)
	return c.r.Scan(lo, hi, func(key, value []byte) bool {
		_, _, parts, _ := store.SplitKey(key)
		if _, _, ok := parseTicket(parts, value); !ok {
			c.problem("key %x, of transfers between nodes, is unreadable", key)
		}
		return true
	})
}

func (c *checker) problem(format string, args ...any) {
	c.report(fmt.Sprintf("queues of partition %d: ", c.partition) + fmt.Sprintf(format, args...))
}

func (c *checker) queue(id uint64, value []byte) {
	q := &checked{states: make(map[uint64]core.State), counts: make(map[int64]uint64), due: make(map[int64]uint64)}
	c.queues[id] = q
	var err error
	if q.record, err = core.ParseQueue(value); err != nil {
		c.problem("the record of queue %d is unreadable", id)
	}
	if r := &q.record; r.Low > r.Cursor || r.Cursor > r.Next || r.DedupFrom > r.Next {
		c.problem("the record of queue %d contradicts itself: %+v", id, *r)
	}
}

func (c *checker) state(q *checked, parts, value []byte) {
	s, err := core.ParseState(value)
	if err != nil {
		c.problem("queue %d: the state of message %d is unreadable", part(parts, 0), part(parts, 1))
	}
	if s.Leaving != 0 && s.Deadline != 0 {
		c.problem("queue %d: message %d is leased and leaving", part(parts, 0), part(parts, 1))
	}
	q.states[part(parts, 1)] = s
}

func (c *checker) delayCount(q *checked, parts, value []byte) {
	q.counts[int64(part(parts, 1))] = binary.BigEndian.Uint64(value)
}

func (c *checker) dedup(q *checked, parts, value []byte) {
	id, seq := part(parts, 0), part(parts, 1)
	if _, err := core.ParseDedup(value); err != nil {
		c.problem("queue %d: the deduplication id of message %d is unreadable", id, seq)
	}
	if seq < q.record.DedupFrom || seq >= q.record.Next {
		c.problem("queue %d: the deduplication id of message %d is outside [%d, %d)", id, seq, q.record.DedupFrom, q.record.Next)
	}
}

func (c *checker) message(q *checked, parts, value []byte) {
	id, seq := part(parts, 0), part(parts, 1)
	q.messages++
	_, delivered := q.states[seq]
	delete(q.states, seq)
	if seq < q.record.Low || seq >= q.record.Next {
		c.problem("queue %d: message %d is outside [%d, %d)", id, seq, q.record.Low, q.record.Next)
	}
	m, err := core.ParseRecord(value)
	switch {
	case err != nil:
		c.problem("queue %d: message %d is unreadable", id, seq)
	case delivered:
	case m.DueAt != 0:
		q.waiting++
		q.due[core.DueSecond(m.DueAt)]++
		key := store.AppendKey(nil, c.partition, store.SpaceDelayed, id, uint64(m.DueAt), seq)
		if _, ok, err := c.r.Get(key); err != nil || !ok {
			c.problem("queue %d: delayed message %d is not in the delay lane (%v)", id, seq, err)
		}
	case seq < q.record.Cursor:
		c.problem("queue %d: message %d was never delivered and is below the cursor %d", id, seq, q.record.Cursor)
	}
}

// sums compares what was counted.
func (c *checker) sums(id uint64, q *checked) error {
	for seq := range q.states {
		c.problem("queue %d: there is a state of message %d, which does not exist", id, seq)
	}
	if q.messages != q.record.Total {
		c.problem("queue %d has %d messages, its record says %d", id, q.messages, q.record.Total)
	}
	for second, n := range q.due {
		if q.counts[second] != n {
			c.problem("queue %d: %d messages are due in second %d, its delay count is %d", id, n, second, q.counts[second])
		}
	}
	for second, n := range q.counts {
		if q.due[second] == 0 {
			c.problem("queue %d: no message is due in second %d, its delay count is %d", id, second, n)
		}
	}
	if q.indexed == q.waiting {
		return nil
	}
	return c.lane(id, q)
}

// lane finds the entries of the delay lane that should not be there.
func (c *checker) lane(id uint64, q *checked) error {
	c.problem("queue %d: %d messages are delayed, the delay lane has %d", id, q.waiting, q.indexed)
	lo, hi := store.Bounds(c.partition, store.SpaceDelayed, id)
	var failed error
	err := c.r.Scan(lo, hi, func(key, _ []byte) bool {
		_, _, parts, _ := store.SplitKey(key)
		at, seq := part(parts, 1), part(parts, 2)
		record, ok, err := c.r.Get(store.AppendKey(nil, c.partition, store.SpaceMessage, id, seq))
		if failed = err; failed != nil {
			return false
		}
		m, err := core.ParseRecord(record)
		if !ok || err != nil || uint64(m.DueAt) != at {
			c.problem("queue %d: the delay lane has message %d at %d, where it is not", id, seq, at)
		}
		return true
	})
	if failed != nil {
		return failed
	}
	return err
}

var _ store.Checker = Check
