package core

import "errors"

// ErrClosed means that a shard takes no more records.
var ErrClosed = errors.New("stream: the shard is closed")

// Journal takes what must survive a crash. Calls between two commits become durable
// together or not at all.
type Journal interface {
	// PutChunk stores a chunk at the sequence of its last record. It keeps value.
	PutChunk(last uint64, c Chunk)
	// DropChunks drops the chunks whose last record is in [from, to).
	DropChunks(from, to uint64)
	PutState(s *State)
}

// Tx is one step of a shard: the time and where it writes to.
type Tx struct {
	Now int64 // unix ms, never goes back
	Journal
}

// Shard is one shard in memory.
type Shard struct {
	State
	pending []Chunk // appended since the last Record
	changed bool    // since then
}

// Append stores chunks, all or none: their records are numbered from first on. Record
// writes them, in the same batch.
func (s *Shard) Append(tx *Tx, chunks []Chunk) (first uint64, time int64, err error) {
	if s.ClosedAt != 0 {
		return 0, 0, ErrClosed
	}
	first = s.Next
	// The clock of another machine, or one that was set back, must not turn the order,
	// nor hide what is new.
	time = max(tx.Now, s.Newest, s.Horizon, 1)
	if s.First == s.Next {
		s.FirstTime = time
	}
	for i := range chunks {
		s.Next += uint64(chunks[i].Count)
		chunks[i].stamp(time)
	}
	s.pending = append(s.pending, chunks...)
	s.Newest = time
	s.changed = true
	return first, time, nil
}

// Close has every later Append refused, for ever. It stores the state at once: that is
// what its caller waits for.
func (s *Shard) Close(tx *Tx) {
	if s.ClosedAt == 0 {
		s.ClosedAt = max(tx.Now, s.Newest, 1)
		s.changed = true
		tx.PutState(&s.State)
	}
}

// Hide hides the records before a time, for ever.
func (s *Shard) Hide(before int64) {
	if before > s.Horizon && s.FirstTime < before {
		s.Horizon = before
		s.changed = true
	}
}

// Trim drops the records below a sequence, which is the first of a chunk or was Next
// when it was looked for, and those of before a cutoff. Time is that of the record
// there, 0 if there was none.
func (s *Shard) Trim(tx *Tx, to uint64, time, cutoff int64) {
	if to <= s.First || to > s.Next {
		if time > s.FirstTime && to == s.First {
			s.FirstTime = time // a closer bound, to be looked at later
			s.changed = true
		}
		return
	}
	tx.DropChunks(s.First, to)
	s.First = to
	if to == s.Next || time != 0 {
		s.FirstTime = time // else it came after the search, and the old bound holds
	}
	s.Horizon = max(s.Horizon, cutoff)
	s.changed = true
}

// Due is when the oldest record expires: the first ms at which it is not shown any
// more. 0 when there is nothing to expire.
func (s *Shard) Due(retention int64) int64 {
	if s.First == s.Next {
		return 0
	}
	return max(s.FirstTime+retention+1, 1)
}

// Pending is how many bytes of chunks Record will store.
func (s *Shard) Pending() (n int) {
	for i := range s.pending {
		n += len(s.pending[i].Value)
	}
	return n
}

// Record stores what changed since the last call, in the batch that made the change; it
// reports whether anything did.
func (s *Shard) Record(tx *Tx) bool {
	if !s.changed {
		return false
	}
	s.changed = false
	last := s.Next - 1
	for _, c := range s.pending {
		last -= uint64(c.Count)
	}
	for rest := s.pending; len(rest) > 0; {
		n := together(rest)
		c := join(rest[:n])
		rest = rest[n:]
		last += uint64(c.Count)
		tx.PutChunk(last, c)
	}
	s.pending = nil
	tx.PutState(&s.State)
	return true
}
