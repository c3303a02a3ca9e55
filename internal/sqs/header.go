package sqs

import (
	"encoding/binary"
	"errors"
)

// header is what SQS keeps of a message beside its body, as the engine stores it
// in the message's opaque header: a version byte, the body's digest, sender and
// trace header, then the attributes with their digest.
type header struct {
	body       digest
	sender     string
	trace      string // AWSTraceHeader, "" for none
	attributes []attribute
	digest     digest // of all attributes
}

const headerVersion = 1

var errHeader = errors.New("sqs: malformed message header")

func (h *header) append(dst []byte) []byte {
	dst = append(dst, headerVersion)
	dst = append(dst, h.body[:]...)
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
	if len(b) < 1+len(h.body) || b[0] != headerVersion {
		return h, errHeader
	}
	copy(h.body[:], b[1:])
	b = b[1+len(h.body):]
	field := func() []byte {
		n, size := binary.Uvarint(b)
		if size <= 0 || n > uint64(len(b)-size) {
			err, b = errHeader, nil
			return nil
		}
		f := b[size : size+int(n)]
		b = b[size+int(n):]
		return f
	}
	h.sender = string(field())
	h.trace = string(field())
	n, size := binary.Uvarint(b)
	if size <= 0 || n > maxAttributes {
		return h, errHeader
	}
	if b = b[size:]; n == 0 || err != nil {
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
