package store

import "encoding/binary"

// Key layout: every key is
//
//	[partition: 2 bytes, big endian] [space: 1 byte] [parts...]
//
// so that a partition is one contiguous range of the store, and each kind of
// record one contiguous range of its partition. Parts are mostly 8-byte
// big-endian numbers, which sort as the numbers do. The store itself owns
// SpaceMeta; every other space belongs to one package, named below, which also
// documents the parts and the value.

// Space tells the records of a partition apart. The values are on disk: append
// only, never reuse one.
type Space byte

const (
	SpaceMeta       Space = '!' // package partition: number of partitions and slot map (partition 0 only)
	SpaceDelayCount Space = 'b' // package queue
	SpaceCatalog    Space = 'c' // package catalog
	SpaceDedup      Space = 'd' // package queue
	SpaceSender     Space = 'g' // package queue: generations of transfers
	SpaceShard      Space = 'h' // package stream
	SpaceLog        Space = 'l' // package cluster: how far the partition has applied its log
	SpaceMessage    Space = 'm' // package queue
	SpaceQueue      Space = 'q' // package queue
	SpaceRecord     Space = 'r' // package stream
	SpaceState      Space = 's' // package queue
	SpaceTransfer   Space = 't' // package queue
	SpaceDelayed    Space = 'y' // package queue
)

// known tells whether this version writes keys into the space.
func (s Space) known() bool {
	switch s {
	case SpaceMeta, SpaceDelayCount, SpaceCatalog, SpaceDedup, SpaceSender, SpaceShard, SpaceLog, SpaceMessage,
		SpaceQueue, SpaceRecord, SpaceState, SpaceTransfer, SpaceDelayed:
		return true
	}
	return false
}

// large tells whether SetLarge may be used for the space: its other values do not begin
// with a byte of 0.
func (s Space) large() bool { return s == SpaceRecord }

// keyHeader is the length in bytes of what every key starts with.
const keyHeader = 3

// AppendKey appends a key to dst and returns it. It does not allocate when dst
// has room for 3 + 8 bytes for each part.
func AppendKey(dst []byte, partition uint16, space Space, parts ...uint64) []byte {
	dst = append(dst, byte(partition>>8), byte(partition), byte(space))
	for _, part := range parts {
		dst = binary.BigEndian.AppendUint64(dst, part)
	}
	return dst
}

// SplitKey takes a key apart; rest aliases key. ok is false for a key that is
// too short to be one.
func SplitKey(key []byte) (partition uint16, space Space, rest []byte, ok bool) {
	if len(key) < keyHeader {
		return 0, 0, nil, false
	}
	return binary.BigEndian.Uint16(key), Space(key[2]), key[keyHeader:], true
}

// Bounds returns the range [lo, hi) that holds every key starting with the given
// partition, space and parts.
func Bounds(partition uint16, space Space, parts ...uint64) (lo, hi []byte) {
	lo = AppendKey(make([]byte, 0, keyHeader+8*len(parts)), partition, space, parts...)
	return lo, PrefixEnd(lo)
}

// PartitionBounds returns the range [lo, hi) that holds every key of a partition.
func PartitionBounds(partition uint16) (lo, hi []byte) {
	lo = binary.BigEndian.AppendUint16(nil, partition)
	return lo, PrefixEnd(lo)
}

// PrefixEnd returns the first key after all keys that start with prefix, as a new
// slice. A prefix of nothing but 0xff bytes has no such key; the answer is then a
// key above every key that a store can hold (no space is 0xff).
func PrefixEnd(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] != 0xff {
			end := append([]byte(nil), prefix[:i+1]...)
			end[i]++
			return end
		}
	}
	return []byte{0xff, 0xff, 0xff}
}
