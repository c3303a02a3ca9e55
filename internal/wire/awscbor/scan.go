package awscbor

import (
	"encoding/binary"
	"unicode/utf8"

	"github.com/spillway/spillway/internal/smithy"
	"github.com/spillway/spillway/internal/wire"
)

// scanner splits a CBOR document into items.
type scanner struct {
	src  []byte
	pos  int
	err  *smithy.APIError
	buf  []byte // scratch, of strings that come in pieces
	kept wire.Kept
}

// keptBuffer is the largest scratch buffer, in bytes, that outlives a request.
const keptBuffer = 64 << 10

// fail records the first error and moves to the end, so that nothing more is read.
func (s *scanner) fail(message string) {
	if s.err == nil {
		s.err = smithy.SerializationError.New(message)
	}
	s.pos = len(s.src)
}

// malformed says that the document is no CBOR: without words, as AWS does.
func (s *scanner) malformed() { s.fail("") }

// keep copies b to where it outlives the request.
func (s *scanner) keep(b []byte) string { return s.kept.String(b, len(s.src)-s.pos) }

// peek returns the first byte of the next item, behind its tags. At the end it fails
// and returns a byte that begins nothing.
func (s *scanner) peek() byte {
	for s.pos < len(s.src) {
		if s.src[s.pos]&0xe0 != majorTag {
			return s.src[s.pos]
		}
		s.head()
	}
	s.malformed()
	return stop
}

// head reads an item's first byte and its number. Of an item of indefinite length the
// number says nothing; for most items there is no such length.
func (s *scanner) head() (first byte, n uint64) {
	if s.pos >= len(s.src) {
		s.malformed()
		return stop, 0
	}
	first = s.src[s.pos]
	rest := s.src[s.pos+1:]
	size := 0
	switch info := first & 0x1f; {
	case info < 24:
		n = uint64(info)
	case info < 28:
		size = 1 << (info - 24)
		if len(rest) < size {
			s.malformed()
			return stop, 0
		}
		switch size {
		case 1:
			n = uint64(rest[0])
		case 2:
			n = uint64(binary.BigEndian.Uint16(rest))
		case 4:
			n = uint64(binary.BigEndian.Uint32(rest))
		case 8:
			n = binary.BigEndian.Uint64(rest)
		}
	case info < indefinite || first&0xe0 < majorBytes || first&0xe0 == majorTag:
		s.malformed()
		return stop, 0
	}
	s.pos += 1 + size
	return first, n
}

// null consumes a null or undefined item if that is next.
func (s *scanner) null() bool {
	if c := s.peek(); c != isNull && c != isNothing {
		return false
	}
	s.pos++
	return true
}

// take consumes n bytes.
func (s *scanner) take(n uint64) []byte {
	if n > uint64(len(s.src)-s.pos) {
		s.malformed()
		return nil
	}
	out := s.src[s.pos : s.pos+int(n)]
	s.pos += int(n)
	return out
}

// raw reads a string of bytes or text, whose major type is next. The result is part of
// the document, or of the scratch buffer: good until the next string is read.
func (s *scanner) raw() []byte {
	first, n := s.head()
	major := first & 0xe0
	if first&0x1f != indefinite {
		return s.text(major, s.take(n))
	}
	s.buf = s.buf[:0]
	for s.err == nil {
		piece, n := s.head()
		if piece == stop && s.err == nil {
			return s.buf
		}
		if piece&0xe0 != major || piece&0x1f == indefinite {
			s.malformed()
			return nil
		}
		s.buf = append(s.buf, s.text(major, s.take(n))...)
	}
	return nil
}

// text checks that a text string, or a piece of one, is UTF-8.
func (s *scanner) text(major byte, b []byte) []byte {
	if major == majorText && !utf8.Valid(b) {
		s.malformed()
		return nil
	}
	return b
}

// skip passes over one item inside depth open containers.
func (s *scanner) skip(depth int) {
	switch c := s.peek(); c & 0xe0 {
	case majorBytes, majorText:
		s.raw()
	case majorArray, majorMap:
		if depth >= maxDepth {
			s.fail("The request nests structures too deeply.")
			return
		}
		s.skipContainer(depth + 1)
	default:
		if c == stop {
			s.malformed()
		}
		s.head()
	}
}

func (s *scanner) skipContainer(depth int) {
	first, n := s.head()
	each := 1
	if first&0xe0 == majorMap {
		each = 2
	}
	for i := uint64(0); s.err == nil; i++ {
		if first&0x1f == indefinite {
			if s.pos < len(s.src) && s.src[s.pos] == stop {
				s.pos++
				return
			}
		} else if i == n {
			return
		}
		for range each {
			s.skip(depth)
		}
	}
}
