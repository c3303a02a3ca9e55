package stream

import (
	"slices"
	"sync"
)

// cached is a chunk in memory.
type cached struct {
	first, last uint64
	value       []byte
}

// cachedOverhead is what a cached chunk costs beside its bytes.
const cachedOverhead = 96

func (c *cached) size() int64 { return int64(cap(c.value)) + cachedOverhead }

// tails bounds the bytes of chunks that shards keep in memory for readers at their
// tips. The oldest chunk of all goes first, which is the oldest of its shard, too. So
// an idle shard keeps nothing while others are busy.
type tails struct {
	limit int64

	// mu guards the fields below. It may be held when a shard's mu is taken, not the
	// other way round.
	mu    sync.Mutex
	used  int64
	live  int      // chunks that shards have
	queue []tailID // oldest first; some may be dropped already
}

// tailID is a chunk of a shard.
type tailID struct {
	shard *Shard
	last  uint64
}

func newTails(limit int64) *tails { return &tails{limit: limit} }

// Used is the number of bytes held.
func (t *tails) Used() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.used
}

// keep accounts for chunks that were just added to shards, and makes room for them.
func (t *tails) keep(p *publication) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range p.changes {
		for k := range p.changes[i].fresh {
			c := &p.changes[i].fresh[k]
			t.queue = append(t.queue, tailID{p.changes[i].shard, c.last})
			t.used += c.size()
			t.live++
		}
	}
	for t.used > t.limit && len(t.queue) > 0 {
		t.evict(t.queue[0])
		t.queue[0] = tailID{}
		t.queue = t.queue[1:]
	}
	if len(t.queue) > 2*t.live+1024 {
		t.queue = slices.DeleteFunc(t.queue, func(id tailID) bool { return !id.shard.has(id.last) })
	}
}

// evict drops the oldest chunk of a shard, unless it is gone. mu is held.
func (t *tails) evict(id tailID) {
	s := id.shard
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.tail) == 0 || s.tail[0].last != id.last {
		return
	}
	t.used -= s.tail[0].size()
	t.live--
	s.tail[0] = cached{}
	if s.tail = s.tail[1:]; len(s.tail) == 0 {
		s.tail = nil
	}
}

// drop drops all chunks of a shard.
func (t *tails) drop(s *Shard) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.tail {
		t.used -= s.tail[i].size()
	}
	t.live -= len(s.tail)
	s.tail = nil
}

// has tells whether the chunk is in memory.
func (s *Shard) has(last uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := slices.BinarySearchFunc(s.tail, last, func(c cached, last uint64) int { return compare(c.last, last) })
	return ok
}

// cachedFrom appends the chunks in memory from the one that holds a sequence on, as
// long as they may be wanted: records is how many of them. If that one is not in
// memory there are none, and to is the first sequence that is (or at most below).
func (s *Shard) cachedFrom(from, below uint64, records, bytes int, out []cached) (chunks []cached, to uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.tail) == 0 || from < s.tail[0].first {
		if len(s.tail) > 0 {
			below = min(below, s.tail[0].first)
		}
		return out, below
	}
	i, _ := slices.BinarySearchFunc(s.tail, from, func(c cached, from uint64) int { return compare(c.last, from) })
	for ; i < len(s.tail) && s.tail[i].last < below && records > 0 && bytes > 0; i++ {
		c := s.tail[i]
		out = append(out, c)
		records -= int(c.last - max(c.first, from) + 1)
		if c.first >= from {
			bytes -= len(c.value)
		}
	}
	return out, below
}

func compare(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
