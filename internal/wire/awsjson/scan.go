package awsjson

import (
	"encoding/binary"
	"math/bits"
	"strconv"
	"unicode/utf8"

	"github.com/spillway/spillway/internal/smithy"
	"github.com/spillway/spillway/internal/wire"
)

// scanner splits a JSON text into tokens.
type scanner struct {
	src     []byte
	pos     int
	err     *smithy.APIError
	buf     []byte // scratch of unescaping
	kept    wire.Kept
	dialect smithy.Dialect
}

// keptBuffer is the largest scratch buffer, in bytes, that outlives a request.
const keptBuffer = 64 << 10

// start begins a text. JSON between systems is UTF-8 (RFC 8259, 8.1): anything
// else is refused before a string could carry it on.
func (s *scanner) start(body []byte) {
	s.src = body
	if !utf8.Valid(body) {
		s.fail("The request body is not valid UTF-8.")
	}
}

// keep copies b to where it outlives the request.
func (s *scanner) keep(b []byte) string { return s.kept.String(b, len(s.src)-s.pos) }

// fail records the first error and moves to the end, so that nothing more is
// read.
func (s *scanner) fail(message string) {
	if s.err == nil {
		s.err = smithy.SerializationError.New(message)
	}
	s.pos = len(s.src)
}

// malformed says that the text is no JSON. The classic dialect does not say so.
func (s *scanner) malformed() {
	switch {
	case s.err != nil:
	case s.dialect == smithy.DialectClassic:
		s.fail("")
	default:
		s.fail("Could not parse request body into json: unexpected character or end of input at offset " + strconv.Itoa(s.pos))
	}
}

// mismatch says that the token beginning with c is not of the kind that is wanted.
func (s *scanner) mismatch(c byte, want smithy.Kind) {
	token := wire.TokenString
	switch {
	case c == '"':
	case c == '{':
		token = wire.TokenMap
	case c == '[':
		token = wire.TokenList
	case c == 't':
		token = wire.TokenTrue
	case c == 'f':
		token = wire.TokenFalse
	case isNumber(c):
		token = wire.TokenNumber
	default:
		s.malformed()
		return
	}
	s.fail(wire.Mismatch(s.dialect, token, want))
}

// space skips insignificant whitespace.
func (s *scanner) space() {
	for s.pos < len(s.src) {
		switch s.src[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

// peek returns the first byte of the next token, 0 at the end.
func (s *scanner) peek() byte {
	s.space()
	if s.pos < len(s.src) {
		return s.src[s.pos]
	}
	return 0
}

// null consumes a null if that is the next token.
func (s *scanner) null() bool {
	if s.peek() != 'n' {
		return false
	}
	return s.literal("null")
}

func (s *scanner) boolean(c byte) bool {
	if c == 't' {
		return s.literal("true")
	}
	s.literal("false")
	return false
}

func (s *scanner) literal(word string) bool {
	end := s.pos + len(word)
	if end > len(s.src) || string(s.src[s.pos:end]) != word {
		s.malformed()
		return false
	}
	s.pos = end
	return true
}

// name reads a member's name and its colon. The result is as raw's.
func (s *scanner) name() []byte {
	if s.peek() != '"' {
		s.malformed()
		return nil
	}
	name := s.raw()
	if s.peek() != ':' {
		s.malformed()
		return nil
	}
	s.pos++
	s.space()
	return name
}

// str reads a string, on whose quote the scanner stands.
func (s *scanner) str() string { return s.keep(s.raw()) }

// raw reads a string, on whose quote the scanner stands. The result is part of the
// text, or of the scratch buffer: good until the next string is read.
func (s *scanner) raw() []byte {
	s.pos++
	start := s.pos
	escaped := false
	for {
		i := s.pos + special(s.src[s.pos:])
		if i >= len(s.src) || s.src[i] < 0x20 {
			s.pos = i
			s.malformed()
			return nil
		}
		if s.src[i] == '"' {
			s.pos = i + 1
			if !escaped {
				return s.src[start:i]
			}
			var ok bool
			if s.buf, ok = unescape(s.buf[:0], s.src[start:i]); !ok {
				s.malformed()
				return nil
			}
			return s.buf
		}
		escaped = true
		s.pos = min(i+2, len(s.src)) // the backslash and what it escapes
	}
}

// special returns the index of the first byte of b that ends a run of plain
// string characters: a quote, a backslash or a control character. It is len(b)
// without one. Eight bytes are looked at together; the first byte found is
// exact, since borrows move only towards later bytes.
func special(b []byte) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		q := w ^ '"'*ones
		s := w ^ '\\'*ones
		hit := ((w-0x20*ones)&^w | (q-ones)&^q | (s-ones)&^s) & highs
		if hit != 0 {
			return i + bits.TrailingZeros64(hit)/8
		}
	}
	for ; i < len(b); i++ {
		if c := b[i]; c < 0x20 || c == '"' || c == '\\' {
			return i
		}
	}
	return i
}

// skip passes over one value of any type inside depth open containers.
func (s *scanner) skip(depth int) {
	switch c := s.peek(); {
	case c == '"':
		s.raw()
	case c == 't', c == 'f':
		s.boolean(c)
	case c == 'n':
		s.literal("null")
	case isNumber(c):
		s.number()
	case c == '{', c == '[':
		if depth >= maxDepth {
			s.fail("The request nests structures too deeply.")
			return
		}
		s.skipContainer(c, depth+1)
	default:
		s.malformed()
	}
}

func (s *scanner) skipContainer(open byte, depth int) {
	s.pos++
	closing := open + 2 // in ASCII, of both kinds of brackets
	if s.peek() == closing {
		s.pos++
		return
	}
	for s.err == nil {
		if open == '{' {
			s.name()
		}
		if s.err != nil {
			return
		}
		s.skip(depth)
		switch s.peek() {
		case ',':
			s.pos++
			s.space()
		case closing:
			s.pos++
			return
		default:
			s.malformed()
		}
	}
}
