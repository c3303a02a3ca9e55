package sqs

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/spillway/spillway/internal/api/sqsapi"
)

// checkBody refuses characters that SQS does not carry: SendMessage API
// reference, and the W3C's definition of an XML character.
func checkBody(body string) error {
	if !validText(body) {
		return sqsapi.InvalidMessageContents.New("Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF")
	}
	return nil
}

func validText(s string) bool {
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c < 0x20 && c != '\t' && c != '\n' && c != '\r' {
				return false
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 || r == 0xFFFE || r == 0xFFFF {
			return false
		}
		i += size
	}
	return true
}

type digest [md5.Size]byte

func (d digest) hex() *string { return new(hex.EncodeToString(d[:])) }

func digestOf(body string) digest { return md5.Sum([]byte(body)) }

// digestOfAttributes is SQS's MD5 of message attributes: for each in order of
// name, the length-prefixed name and type, a byte for the kind of value, and the
// length-prefixed value. SQS developer guide, "Calculating the MD5 message digest
// for message attributes".
func digestOfAttributes(attributes []attribute) digest {
	h := md5.New()
	var buf []byte
	field := func(s []byte) {
		buf = binary.BigEndian.AppendUint32(buf[:0], uint32(len(s)))
		h.Write(append(buf, s...))
	}
	for _, a := range attributes {
		field([]byte(a.name))
		field([]byte(a.dataType))
		h.Write([]byte{a.kind})
		field(a.value)
	}
	var d digest
	h.Sum(d[:0])
	return d
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
