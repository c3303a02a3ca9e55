package core

import (
	"encoding/binary"
	"errors"
)

// ID identifies a message to its users; it survives dead-lettering.
type ID [16]byte

// Message is one message. Header and Body are opaque to the engine.
type Message struct {
	ID     ID
	SentAt int64 // unix ms; 0 at Enqueue means now
	DueAt  int64 // unix ms before which it is not delivered, 0 for none
	// Prior counts deliveries from the queues it was in before, and FirstAcquired
	// is the first of them (unix ms).
	Prior         uint32
	FirstAcquired int64
	Origin        uint64 // queue it was dead-lettered from, 0 for none
	// RetainFrom replaces SentAt where the retention period starts anew: in a FIFO
	// dead-letter queue. 0 for SentAt.
	RetainFrom   int64
	Group, Dedup string
	Header, Body []byte
}

const recordVersion = 1

const (
	flagDue byte = 1 << iota
	flagPrior
	flagOrigin
	flagRetain
)

// fixed part of a record: version, flags, id, sent
const recordFixed = 1 + 1 + 16 + 8

// ErrRecord means that a stored record cannot be read: damage, or a folder
// written by a newer version.
var ErrRecord = errors.New("queue: malformed record")

// AppendRecord appends m as it is stored. The first byte is a format version.
func (m *Message) AppendRecord(dst []byte) []byte {
	var flags byte
	if m.DueAt != 0 {
		flags |= flagDue
	}
	if m.Prior != 0 || m.FirstAcquired != 0 {
		flags |= flagPrior
	}
	if m.Origin != 0 {
		flags |= flagOrigin
	}
	if m.RetainFrom != 0 {
		flags |= flagRetain
	}
	dst = append(dst, recordVersion, flags)
	dst = append(dst, m.ID[:]...)
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.SentAt))
	if flags&flagDue != 0 {
		dst = binary.AppendUvarint(dst, uint64(m.DueAt))
	}
	if flags&flagPrior != 0 {
		dst = binary.AppendUvarint(dst, uint64(m.Prior))
		dst = binary.AppendUvarint(dst, uint64(m.FirstAcquired))
	}
	if flags&flagOrigin != 0 {
		dst = binary.AppendUvarint(dst, m.Origin)
	}
	if flags&flagRetain != 0 {
		dst = binary.AppendUvarint(dst, uint64(m.RetainFrom))
	}
	dst = appendString(dst, m.Group)
	dst = appendString(dst, m.Dedup)
	dst = binary.AppendUvarint(dst, uint64(len(m.Header)))
	dst = append(dst, m.Header...)
	return append(dst, m.Body...)
}

// recordSize is a close upper bound of the record's length.
func (m *Message) recordSize() int {
	return recordFixed + 8*binary.MaxVarintLen64 + len(m.Group) + len(m.Dedup) + len(m.Header) + len(m.Body)
}

// ParseRecord reads a record. Header and Body alias rec.
func ParseRecord(rec []byte) (Message, error) {
	var m Message
	r := reader{b: rec}
	r.meta(&m)
	m.Group = string(r.bytes())
	m.Dedup = string(r.bytes())
	m.Header = r.bytes()
	m.Body = r.b
	if r.bad {
		return Message{}, ErrRecord
	}
	return m, nil
}

// retainFrom is when the retention period started.
func (m *Message) retainFrom() int64 {
	if m.RetainFrom != 0 {
		return m.RetainFrom
	}
	return m.SentAt
}

// parseMeta reads what the engine needs to know of a record, without copying
// the group's name.
func parseMeta(rec []byte) (m Message, group []byte, ok bool) {
	r := reader{b: rec}
	r.meta(&m)
	group = r.bytes()
	return m, group, !r.bad
}

func appendString(dst []byte, s string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

// reader reads a record; the first malformed field makes it bad for good.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) meta(m *Message) {
	if len(r.b) < recordFixed || r.b[0] != recordVersion {
		r.bad, r.b = true, nil
		return
	}
	flags := r.b[1]
	copy(m.ID[:], r.b[2:])
	m.SentAt = int64(binary.BigEndian.Uint64(r.b[18:]))
	r.b = r.b[recordFixed:]
	if flags&flagDue != 0 {
		m.DueAt = int64(r.uvarint())
	}
	if flags&flagPrior != 0 {
		m.Prior = uint32(r.uvarint())
		m.FirstAcquired = int64(r.uvarint())
	}
	if flags&flagOrigin != 0 {
		m.Origin = r.uvarint()
	}
	if flags&flagRetain != 0 {
		m.RetainFrom = int64(r.uvarint())
	}
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) bytes() []byte {
	n := r.uvarint()
	if n > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return nil
	}
	v := r.b[:n:n]
	r.b = r.b[n:]
	return v
}
