// Package eventstream is the framing of AWS event streams
// (application/vnd.amazon.eventstream): each event is a message with headers, a payload
// in the operation's protocol, and checksums.
//
//	total length   4 bytes  of the whole message
//	headers length 4 bytes
//	checksum       4 bytes  of the eight before
//	headers                 name length 1, name, type 1, value length 2, value
//	payload
//	checksum       4 bytes  of all before
//
// Numbers are big-endian, checksums the CRC-32 of IEEE 802.3, and the values of the
// headers that servers send are strings.
//
// https://smithy.io/2.0/aws/amazon-eventstream.html
package eventstream

import (
	"encoding/binary"
	"hash/crc32"
)

// ContentType of a stream.
const ContentType = "application/vnd.amazon.eventstream"

// InitialResponse is the event that carries the operation's output. SDKs wait for it
// before they say that the call succeeded.
const InitialResponse = "initial-response"

// Head is the headers of one kind of message, ready to be sent.
type Head struct{ headers []byte }

// Event is the head of events called name whose payload has the content type.
func Event(name, contentType string) Head {
	return newHead(":message-type", "event", ":event-type", name, ":content-type", contentType)
}

// Exception is the head of an error that the model names. It ends the stream.
func Exception(name, contentType string) Head {
	return newHead(":message-type", "exception", ":exception-type", name, ":content-type", contentType)
}

const typeString = 7

func newHead(pairs ...string) Head {
	var b []byte
	for i := 0; i < len(pairs); i += 2 {
		name, value := pairs[i], pairs[i+1]
		b = append(b, byte(len(name)))
		b = append(b, name...)
		b = append(b, typeString)
		b = binary.BigEndian.AppendUint16(b, uint16(len(value))) // names in models are short
		b = append(b, value...)
	}
	return Head{b}
}

// prelude is the lengths and their checksum.
const prelude = 12

// Begin appends what stands before the payload to dst, which the caller then appends
// it to.
func (h Head) Begin(dst []byte) []byte {
	dst = append(dst, make([]byte, prelude)...)
	return append(dst, h.headers...)
}

// End completes the message that begins at start and has its payload: the end of dst.
func (h Head) End(dst []byte, start int) []byte {
	m := dst[start:]
	binary.BigEndian.PutUint32(m, uint32(len(m)+4))
	binary.BigEndian.PutUint32(m[4:], uint32(len(h.headers)))
	binary.BigEndian.PutUint32(m[8:], crc32.ChecksumIEEE(m[:8]))
	return binary.BigEndian.AppendUint32(dst, crc32.ChecksumIEEE(m))
}
