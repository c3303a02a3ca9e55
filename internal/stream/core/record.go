package core

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// Record is one record of a shard.
type Record struct {
	Key    string
	Data   []byte
	Header []byte // opaque to the engine
	Seq    uint64 // given by the shard: from 1, each one more than the one before
	Time   int64  // unix ms; given by the shard: never before that of an earlier record
}

// Size is what limits count of a record, in bytes.
func (r *Record) Size() int { return len(r.Key) + len(r.Data) }

// ErrRecord means that something stored cannot be read: damage, or a folder written
// by a newer version.
var ErrRecord = errors.New("stream: malformed record")

// Records are stored in chunks: those of one append, or of the appends that shared a
// batch, cut where they exceed chunkBytes. One key for many small records costs a
// fraction of a key for each, written and read. All of a chunk have the same time. A
// chunk is
//
//	version 1 | time, unix ms 8 | count 4 | records: each key, header and data with its length before
//
// Numbers are big endian, lengths uvarints. Its key has the sequence of its last
// record, so that the first key at or after a sequence is the chunk that holds it,
// and a range of keys below a chunk's first record is all chunks before it.
const (
	chunkVersion = 1
	chunkHeader  = 1 + 8 + 4
	// chunkBytes is what a chunk may have, unless its only record is larger. Who
	// reads one record reads a chunk.
	chunkBytes = 64 << 10
)

// Chunk is an encoded chunk. What it holds is never changed after it was stored.
type Chunk struct {
	Value []byte
	Count int // records
}

// Pack encodes records, except for their sequences and times, and appends the chunks
// to dst. Nothing of the records is kept.
func Pack(in []Record, dst []Chunk) []Chunk {
	for len(in) > 0 {
		n, size := 1, encodedSize(&in[0])
		for n < len(in) {
			more := encodedSize(&in[n])
			if chunkHeader+size+more > chunkBytes {
				break
			}
			n, size = n+1, size+more
		}
		value := make([]byte, chunkHeader, chunkHeader+size)
		value[0] = chunkVersion
		binary.BigEndian.PutUint32(value[9:], uint32(n))
		for i := range in[:n] {
			value = appendRecord(value, &in[i])
		}
		dst = append(dst, Chunk{Value: value, Count: n})
		in = in[n:]
	}
	return dst
}

// together is how many of the chunks, from the first, fit into one.
func together(chunks []Chunk) (n int) {
	first, size := &chunks[0], chunkHeader
	for ; n < len(chunks); n++ {
		c := &chunks[n]
		size += len(c.Value) - chunkHeader
		if n > 0 && (size > chunkBytes || !bytes.Equal(c.Value[1:9], first.Value[1:9])) {
			break
		}
	}
	return n
}

// join makes one chunk of those that fit together.
func join(chunks []Chunk) Chunk {
	if len(chunks) == 1 {
		return chunks[0]
	}
	size := chunkHeader
	for i := range chunks {
		size += len(chunks[i].Value) - chunkHeader
	}
	out := Chunk{Value: make([]byte, 0, size)}
	out.Value = append(out.Value, chunks[0].Value[:chunkHeader]...)
	for i := range chunks {
		out.Value = append(out.Value, chunks[i].Value[chunkHeader:]...)
		out.Count += chunks[i].Count
	}
	binary.BigEndian.PutUint32(out.Value[9:], uint32(out.Count))
	return out
}

// stamp sets the time of a chunk that is not stored yet.
func (c *Chunk) stamp(time int64) { binary.BigEndian.PutUint64(c.Value[1:], uint64(time)) }

func appendRecord(dst []byte, r *Record) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(r.Key)))
	dst = append(dst, r.Key...)
	dst = binary.AppendUvarint(dst, uint64(len(r.Header)))
	dst = append(dst, r.Header...)
	dst = binary.AppendUvarint(dst, uint64(len(r.Data)))
	return append(dst, r.Data...)
}

func encodedSize(r *Record) int {
	n := len(r.Key) + len(r.Header) + len(r.Data)
	return n + uvarintSize(len(r.Key)) + uvarintSize(len(r.Header)) + uvarintSize(len(r.Data))
}

func uvarintSize(n int) (size int) {
	for size = 1; n >= 0x80; n >>= 7 {
		size++
	}
	return size
}
