package core

import "encoding/binary"

// State is what is stored of a message that was delivered at least once.
type State struct {
	Acquired      uint32 // deliveries from this queue
	Generation    uint32 // of the latest lease
	FirstAcquired int64  // unix ms
	LeasedAt      int64  // unix ms, start of the latest lease
	Deadline      int64  // unix ms at which it is visible again, 0 when it is
	Leaving       uint64 // queue it is being transferred to, 0 for none
	// Fresh transfers give the message a new id, time and no history (redrive).
	Fresh bool
}

const stateVersion = 1

// Append appends the stored form of s.
func (s *State) Append(dst []byte) []byte {
	var fresh byte
	if s.Fresh {
		fresh = 1
	}
	dst = append(dst, stateVersion, fresh)
	dst = binary.AppendUvarint(dst, uint64(s.Acquired))
	dst = binary.AppendUvarint(dst, uint64(s.Generation))
	dst = binary.AppendUvarint(dst, uint64(s.FirstAcquired))
	dst = binary.AppendUvarint(dst, uint64(s.LeasedAt))
	dst = binary.AppendUvarint(dst, uint64(s.Deadline))
	return binary.AppendUvarint(dst, s.Leaving)
}

// ParseState reads what Append wrote.
func ParseState(b []byte) (State, error) {
	if len(b) < 2 || b[0] != stateVersion {
		return State{}, ErrRecord
	}
	r := reader{b: b[2:]}
	s := State{
		Fresh:         b[1] == 1,
		Acquired:      uint32(r.uvarint()),
		Generation:    uint32(r.uvarint()),
		FirstAcquired: int64(r.uvarint()),
		LeasedAt:      int64(r.uvarint()),
		Deadline:      int64(r.uvarint()),
		Leaving:       r.uvarint(),
	}
	if r.bad {
		return State{}, ErrRecord
	}
	return s, nil
}

// Record is what is stored of the queue itself, in every batch that changes it.
type Record struct {
	Next   uint64 // sequence of the next message
	Cursor uint64 // no never-delivered message of the main lane is below it
	Low    uint64 // every message below it is gone, and range-deleted
	Total  uint64 // messages in the queue, of any state
	// DedupFrom is the lowest sequence whose deduplication id is remembered.
	DedupFrom uint64
}

const queueVersion = 1

// Append appends the stored form of r.
func (r *Record) Append(dst []byte) []byte {
	dst = append(dst, queueVersion)
	for _, v := range [...]uint64{r.Next, r.Cursor, r.Low, r.Total, r.DedupFrom} {
		dst = binary.AppendUvarint(dst, v)
	}
	return dst
}

// ParseQueue reads what Append wrote.
func ParseQueue(b []byte) (Record, error) {
	if len(b) < 1 || b[0] != queueVersion {
		return Record{}, ErrRecord
	}
	r := reader{b: b[1:]}
	q := Record{Next: r.uvarint(), Cursor: r.uvarint(), Low: r.uvarint(), Total: r.uvarint(), DedupFrom: r.uvarint()}
	if r.bad {
		return Record{}, ErrRecord
	}
	return q, nil
}

// DedupKey is a hash of a deduplication id within its scope.
type DedupKey [16]byte

// Dedup is what is remembered of a deduplication id: the message it named.
type Dedup struct {
	Key     DedupKey
	ID      ID
	Expires int64 // unix ms
}

const dedupVersion = 1

// Append appends the stored form of d.
func (d *Dedup) Append(dst []byte) []byte {
	dst = append(dst, dedupVersion)
	dst = append(dst, d.Key[:]...)
	dst = append(dst, d.ID[:]...)
	return binary.BigEndian.AppendUint64(dst, uint64(d.Expires))
}

// ParseDedup reads what Append wrote.
func ParseDedup(b []byte) (Dedup, error) {
	if len(b) != 1+16+16+8 || b[0] != dedupVersion {
		return Dedup{}, ErrRecord
	}
	var d Dedup
	copy(d.Key[:], b[1:])
	copy(d.ID[:], b[17:])
	d.Expires = int64(binary.BigEndian.Uint64(b[33:]))
	return d, nil
}
