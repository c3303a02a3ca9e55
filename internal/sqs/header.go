package sqs

import (
	"crypto"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math"

	"github.com/spillway/spillway/internal/service"
)

// header is what SQS keeps of a message beside its body, as the engine stores it
// in the message's opaque header: a version byte, the body's digest, sender and
// trace header, then the attributes with their digest. A message that is sealed has
// a version of its own, and its seal in place of the body's digest.
type header struct {
	body       digest        // unless it is sealed
	seal       *service.Seal // nil for none
	sender     string
	trace      string // AWSTraceHeader, "" for none
	attributes []attribute
	digest     digest // of all attributes
}

const (
	headerVersion = 1
	sealedVersion = 2
)

var errHeader = errors.New("sqs: malformed message header")

func (h *header) append(dst []byte) []byte {
	if h.seal == nil {
		dst = append(append(dst, headerVersion), h.body[:]...)
	} else {
		dst = binary.AppendUvarint(append(dst, sealedVersion), uint64(h.seal.At))
		dst = appendField(dst, h.seal.Sum)
	}
	dst = appendField(dst, h.sender)
	dst = appendField(dst, h.trace)
	dst = binary.AppendUvarint(dst, uint64(len(h.attributes)))
	if len(h.attributes) == 0 {
		return dst
	}
	dst = append(dst, h.digest[:]...)
	for _, a := range h.attributes {
		dst = append(dst, a.kind)
		dst = appendField(dst, a.name)
		dst = appendField(dst, a.dataType)
		dst = appendField(dst, a.value)
	}
	return dst
}

func appendField[T string | []byte](dst []byte, s T) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

// parseHeader reads what append wrote. The result aliases b.
func parseHeader(b []byte) (h header, err error) {
	sealed := isSealed(b)
	if !sealed && (len(b) < 1+len(h.body) || b[0] != headerVersion) {
		return h, errHeader
	}
	b = b[1:]
	if !sealed {
		b = b[copy(h.body[:], b):]
	}
	number := func() uint64 {
		n, size := binary.Uvarint(b)
		if size <= 0 {
			err, b = errHeader, nil
			return 0
		}
		b = b[size:]
		return n
	}
	field := func() []byte {
		n := number()
		if n > uint64(len(b)) {
			err, b = errHeader, nil
			return nil
		}
		f := b[:n]
		b = b[n:]
		return f
	}
	if sealed {
		h.seal = &service.Seal{At: int(min(number(), math.MaxInt32)), Sum: field()}
		switch len(h.seal.Sum) {
		case sha1.Size:
			h.seal.Hash = crypto.SHA1
		case sha256.Size:
			h.seal.Hash = crypto.SHA256
		default:
			return h, errHeader
		}
	}
	h.sender = string(field())
	h.trace = string(field())
	n := number()
	if n > maxAttributes {
		return h, errHeader
	}
	if n == 0 || err != nil {
		return h, err
	}
	if len(b) < len(h.digest) {
		return h, errHeader
	}
	b = b[copy(h.digest[:], b):]
	h.attributes = make([]attribute, 0, n)
	for range n {
		if len(b) == 0 {
			return h, errHeader
		}
		a := attribute{kind: b[0]}
		b = b[1:]
		a.name, a.dataType, a.value = string(field()), string(field()), field()
		h.attributes = append(h.attributes, a)
	}
	return h, err
}

// isSealed says whether the message of a header is sealed.
func isSealed(b []byte) bool { return len(b) > 0 && b[0] == sealedVersion }
