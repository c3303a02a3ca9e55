// Package aggregate reads records that the Kinesis Producer Library packed together: the
// KPL puts many user records into one record of a stream, of which Kinesis itself knows
// nothing. Who delivers records to somebody that does not know it either takes them apart
// here.
//
//	F3 89 9A C2 | AggregatedRecord in protocol buffers | MD5 of that
//
// Format: aggregation-format.md of amazon-kinesis-producer, kpl.proto there.
package aggregate

import (
	"bytes"
	"crypto/md5"
	"encoding/binary"
)

// Record is one record of a user. Its fields share the memory of what was taken apart.
type Record struct {
	PartitionKey string
	// HashKey is the explicit hash key in decimal, "" for none.
	HashKey string
	Data    []byte
}

// MaxRecords bounds the user records of one record, far above what the KPL packs.
const MaxRecords = 100_000

var magic = []byte{0xf3, 0x89, 0x9a, 0xc2}

// Is reports whether data looks like an aggregate: by its magic, its length and its sum.
func Is(data []byte) bool {
	if len(data) < len(magic)+md5.Size || !bytes.HasPrefix(data, magic) {
		return false
	}
	body, sum := data[len(magic):len(data)-md5.Size], data[len(data)-md5.Size:]
	return [md5.Size]byte(sum) == md5.Sum(body)
}

// Split takes an aggregate apart, in order. It returns false for anything else: what is
// damaged is a plain record, as it is for the KCL.
func Split(data []byte) ([]Record, bool) {
	if !Is(data) {
		return nil, false
	}
	var a aggregate
	if !fields(data[len(magic):len(data)-md5.Size], a.field) {
		return nil, false
	}
	out := make([]Record, 0, len(a.records))
	for _, raw := range a.records {
		r, ok := a.record(raw)
		if !ok {
			return nil, false
		}
		out = append(out, r)
	}
	return out, true
}

// aggregate is message AggregatedRecord.
type aggregate struct {
	keys, hashes []string
	records      [][]byte
}

func (a *aggregate) field(number uint64, _ uint64, b []byte) bool {
	switch {
	case number > 3:
		return true
	case b == nil:
		return false // all three are messages or strings
	case number == 1:
		a.keys = append(a.keys, string(b))
	case number == 2:
		a.hashes = append(a.hashes, string(b))
	case number == 3:
		a.records = append(a.records, b)
	}
	return len(a.keys) <= MaxRecords && len(a.hashes) <= MaxRecords && len(a.records) <= MaxRecords
}

// record reads message Record: the indexes of its keys, and its data.
func (a *aggregate) record(raw []byte) (r Record, ok bool) {
	key, hash, hashed := uint64(len(a.keys)), uint64(0), false
	ok = fields(raw, func(number, v uint64, b []byte) bool {
		switch number {
		case 1:
			key = v
			return b == nil
		case 2:
			hash, hashed = v, true
			return b == nil
		case 3:
			r.Data = b
			return b != nil
		}
		return true // tags
	})
	if !ok || key >= uint64(len(a.keys)) || r.Data == nil || hashed && hash >= uint64(len(a.hashes)) {
		return r, false
	}
	r.PartitionKey = a.keys[key]
	if hashed {
		r.HashKey = a.hashes[hash]
	}
	return r, true
}

// Wire types of protocol buffers.
const (
	wireVarint = 0
	wire64     = 1
	wireBytes  = 2
	wire32     = 5
)

// fields calls f with each field of a message: a number, or bytes that are not nil.
func fields(m []byte, f func(number, v uint64, b []byte) bool) bool {
	for len(m) > 0 {
		tag, n := binary.Uvarint(m)
		if n <= 0 || tag>>3 == 0 || tag>>3 > 1<<29-1 {
			return false
		}
		m = m[n:]
		var v uint64
		var b []byte
		switch tag & 7 {
		case wireVarint:
			if v, n = binary.Uvarint(m); n <= 0 {
				return false
			}
		case wire64:
			n = 8
		case wire32:
			n = 4
		case wireBytes:
			size, used := binary.Uvarint(m)
			if used <= 0 || size > uint64(len(m)-used) {
				return false
			}
			n = used + int(size)
			b = m[used:n:n]
		default:
			return false
		}
		if n > len(m) || !f(tag>>3, v, b) {
			return false
		}
		m = m[n:]
	}
	return true
}
