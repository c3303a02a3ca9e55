package values

import (
	"encoding/binary"
	"hash/crc32"
)

// Pointer says where a value is.
type Pointer struct {
	File           uint64
	Offset, Length uint32
	Sum            uint32 // CRC-32C of the value
}

// PointerSize is the length of an encoded pointer in bytes:
//
//	marker 1 | file 8 | offset 4 | length 4 | sum 4
//
// Numbers are big endian. The marker is 0: values that are stored where pointers may be
// must not begin with it.
const PointerSize = 1 + 8 + 4 + 4 + 4

const marker = 0

// Encode returns the pointer's bytes.
func (p Pointer) Encode() (b [PointerSize]byte) {
	b[0] = marker
	binary.BigEndian.PutUint64(b[1:], p.File)
	binary.BigEndian.PutUint32(b[9:], p.Offset)
	binary.BigEndian.PutUint32(b[13:], p.Length)
	binary.BigEndian.PutUint32(b[17:], p.Sum)
	return b
}

// Parse returns the pointer that b encodes; ok is false if b is something else.
func Parse(b []byte) (p Pointer, ok bool) {
	if len(b) != PointerSize || b[0] != marker {
		return Pointer{}, false
	}
	return Pointer{
		File:   binary.BigEndian.Uint64(b[1:]),
		Offset: binary.BigEndian.Uint32(b[9:]),
		Length: binary.BigEndian.Uint32(b[13:]),
		Sum:    binary.BigEndian.Uint32(b[17:]),
	}, true
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func sum(value []byte) uint32 { return crc32.Checksum(value, castagnoli) }
