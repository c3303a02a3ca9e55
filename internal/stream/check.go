package stream

import (
	"fmt"
	"math"

	"github.com/spillway/spillway/internal/store"
	"github.com/spillway/spillway/internal/stream/core"
)

// Check reports what is wrong with the records of shards; for store.Check. It reads
// every record, and keeps the states in memory, as a server does.
func Check(r store.Reader, report func(problem string)) error {
	for next := 0; next <= math.MaxUint16; {
		id, ok, err := partitionFrom(r, uint16(next))
		if err != nil || !ok {
			return err
		}
		c := &checker{r: r, partition: id, report: report, shards: make(map[uint64]*checked)}
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
	shards    map[uint64]*checked
}

// checked is what was read of one shard.
type checked struct {
	state core.State
	next  uint64 // the sequence that the next chunk should begin with
	time  int64  // of the last chunk
}

func (c *checker) problem(format string, args ...any) {
	c.report(fmt.Sprintf("partition %d: ", c.partition) + fmt.Sprintf(format, args...))
}

func (c *checker) run() error {
	lo, hi := store.Bounds(c.partition, store.SpaceShard)
	if err := c.r.Scan(lo, hi, func(key, value []byte) bool {
		c.shard(key, value)
		return true
	}); err != nil {
		return err
	}
	lo, hi = store.Bounds(c.partition, store.SpaceRecord)
	if err := c.r.Scan(lo, hi, func(key, value []byte) bool {
		c.chunk(key, value)
		return true
	}); err != nil {
		return err
	}
	for id, s := range c.shards {
		if s.next != s.state.Next {
			c.problem("shard %d: the last record is %d, the next is to be %d", id, s.next-1, s.state.Next)
		}
	}
	return nil
}

func (c *checker) shard(key, value []byte) {
	_, _, parts, _ := store.SplitKey(key)
	if len(parts) != 8 {
		c.problem("key %x is not one of a shard", key)
		return
	}
	state, err := core.ParseState(value)
	if err != nil {
		c.problem("the state of shard %d is unreadable", last(key))
		return
	}
	c.shards[last(key)] = &checked{state: state, next: state.First, time: state.FirstTime}
}

func (c *checker) chunk(key, value []byte) {
	_, _, parts, _ := store.SplitKey(key)
	if len(parts) != 16 {
		c.problem("key %x is not one of a record", key)
		return
	}
	id, seq := last(parts[:8]), last(key)
	s := c.shards[id]
	if s == nil {
		c.problem("there is record %d of shard %d, which does not exist", seq, id)
		return
	}
	p, err := core.ParseChunk(seq, value)
	if err == nil {
		budget := core.Budget{Records: math.MaxInt, Bytes: math.MaxInt}
		_, err = p.Cut(p.First, &budget)
	}
	switch {
	case err != nil:
		c.problem("shard %d: the records up to %d are unreadable", id, seq)
	case p.First != s.next:
		c.problem("shard %d: record %d follows %d", id, p.First, s.next-1)
	case p.Time < s.time || p.Time > s.state.Newest:
		c.problem("shard %d: record %d has the time %d, which is not between %d and %d", id, p.First, p.Time, s.time, s.state.Newest)
	}
	s.next, s.time = seq+1, max(s.time, p.Time)
}

var _ store.Checker = Check
