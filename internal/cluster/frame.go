package cluster

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// A frame is one message of a partition's log:
//
//	version 1 | kind 1 | log's UUID 16 | epoch 8 | tenure 8 | number 8 | previous sequence 8 |
//	hash of the previous frame 16 | owner's time, unix ms 8 | payload | CRC-32C 4
//
// Big endian. Every frame names the one before it, by sequence and by hash, so that
// a replica which was served a log with a hole, a flipped bit or another history
// notices before it applies anything (ENGINE.md 6.2: the log alone is never
// trusted).
const (
	frameVersion = 1
	frameHeader  = 1 + 1 + 16 + 8 + 8 + 8 + 8 + 16 + 8
	frameSize    = frameHeader + 4 // of an empty payload
)

// Kinds of frames.
const (
	kindBarrier byte = 1 // a new owner: no payload, the epoch is one higher
	kindBatch   byte = 2 // a batch, or the last part of one
	kindPart    byte = 3 // a part of a batch that is too large for one message
)

// uuid identifies a log, so that one that was deleted and made again, or another
// cluster's, is not taken for it.
type uuid [16]byte

// digest is a truncated SHA-256 of a frame.
type digest [16]byte

func digestOf(frame []byte) (d digest) {
	sum := sha256.Sum256(frame)
	copy(d[:], sum[:])
	return d
}

// frame is a decoded message. The payload aliases the message.
type frame struct {
	kind  byte
	log   uuid
	epoch uint64
	// tenure is a random number of the owner's: two nodes that want to be the next
	// owner at the same moment must not write the same bytes, or both would find
	// theirs in the log.
	tenure   uint64
	number   uint64 // counts the frames of the log
	previous uint64 // sequence of the frame before
	hash     digest // of the frame before
	time     int64  // unix ms
	payload  []byte
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// append encodes the frame.
func (f *frame) append(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, frameVersion, f.kind)
	dst = append(dst, f.log[:]...)
	dst = binary.BigEndian.AppendUint64(dst, f.epoch)
	dst = binary.BigEndian.AppendUint64(dst, f.tenure)
	dst = binary.BigEndian.AppendUint64(dst, f.number)
	dst = binary.BigEndian.AppendUint64(dst, f.previous)
	dst = append(dst, f.hash[:]...)
	dst = binary.BigEndian.AppendUint64(dst, uint64(f.time))
	dst = append(dst, f.payload...)
	return binary.BigEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
}

// errFrame is matched by what is wrong with the bytes of a frame.
var errFrame = errors.New("damaged frame")

func parseFrame(b []byte) (f frame, err error) {
	if len(b) < frameSize {
		return f, fmt.Errorf("%w: %d bytes", errFrame, len(b))
	}
	body, sum := b[:len(b)-4], binary.BigEndian.Uint32(b[len(b)-4:])
	if crc32.Checksum(body, castagnoli) != sum {
		return f, fmt.Errorf("%w: checksum", errFrame)
	}
	if body[0] != frameVersion {
		return f, fmt.Errorf("%w: version %d is not known", errFrame, body[0])
	}
	f.kind = body[1]
	copy(f.log[:], body[2:])
	f.epoch = binary.BigEndian.Uint64(body[18:])
	f.tenure = binary.BigEndian.Uint64(body[26:])
	f.number = binary.BigEndian.Uint64(body[34:])
	f.previous = binary.BigEndian.Uint64(body[42:])
	copy(f.hash[:], body[50:])
	f.time = int64(binary.BigEndian.Uint64(body[66:]))
	f.payload = body[frameHeader:]
	switch {
	case f.kind < kindBarrier || f.kind > kindPart:
		return f, fmt.Errorf("%w: kind %d", errFrame, f.kind)
	case f.kind == kindBarrier && len(f.payload) > 0:
		return f, fmt.Errorf("%w: a barrier with a payload", errFrame)
	}
	return f, nil
}
