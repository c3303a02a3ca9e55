package awsjson

import (
	"bytes"
	stdbase64 "encoding/base64"
	"time"

	"github.com/spillway/spillway/internal/base64"
	"github.com/spillway/spillway/internal/smithy"
	"github.com/spillway/spillway/internal/wire"
)

// maxDepth bounds how deep containers nest, in known and unknown members alike.
// The deepest input of an AWS API has about ten levels.
const maxDepth = 64

// decoder reads one JSON document as a smithy.Decoder, strictly as RFC 8259
// has it. The scanner below it is in scan.go.
type decoder struct {
	scanner
	frames [maxDepth + 1]frame
	depth  int // of open containers; frames[depth] is the innermost
	key    string
	count  int // of elements so far
}

// frame is one open container.
type frame struct {
	target  *smithy.Schema // of the value the decoder stands on; nil if not known
	isMap   bool
	lenient bool // the collection's strings may be other scalars
	more    bool // an element was read
}

// decode reads body into in.
func (d *decoder) decode(in smithy.Shape, body []byte) error {
	d.start(body)
	c := d.peek()
	switch {
	case d.err != nil:
	case d.dialect == smithy.DialectClassic && c != '{':
		d.malformed()
	case d.pos == len(d.src):
		return nil // an empty body stands for {}
	}
	d.Struct(in)
	d.space()
	if d.pos != len(d.src) {
		d.malformed()
	}
	return d.Err()
}

// reset drops what the decoder holds of a request, before it is pooled.
func (d *decoder) reset() {
	clear(d.frames[:])
	if cap(d.buf) > keptBuffer {
		d.buf = nil
	}
	d.scanner = scanner{buf: d.buf}
	d.depth, d.key, d.count = 0, "", 0
}

// Err implements smithy.Decoder.
func (d *decoder) Err() error {
	if d.err != nil {
		return d.err
	}
	return nil // not d.err: that would be a non-nil interface
}

// enter opens a container of a kind, whose bracket is next.
func (d *decoder) enter(bracket byte, kind smithy.Kind) *frame {
	if d.err != nil {
		return nil
	}
	if c := d.peek(); c != bracket {
		d.mismatch(c, kind)
		return nil
	}
	if d.depth == maxDepth {
		d.fail("The request nests structures too deeply.")
		return nil
	}
	d.pos++
	d.depth++
	f := &d.frames[d.depth]
	*f = frame{}
	return f
}

// Struct implements smithy.Decoder.
func (d *decoder) Struct(v smithy.Shape) {
	f := d.enter('{', smithy.KindStructure)
	if f == nil {
		return
	}
	s := v.Schema()
	for d.next(f, '}') {
		i := s.MemberIndex(string(d.name()))
		switch {
		case d.err != nil:
		case i < 0:
			d.skip(d.depth)
		case d.null():
		default:
			f.target = s.Members[i].Target
			v.DecodeMember(d, i)
		}
	}
}

// BeginList implements smithy.Decoder.
func (d *decoder) BeginList(m *smithy.Member) {
	if f := d.enter('[', smithy.KindList); f != nil {
		f.target, f.lenient = m.Target.Elem.Target, m.Target.LenientScalars
	}
}

// BeginMap implements smithy.Decoder.
func (d *decoder) BeginMap(m *smithy.Member) {
	if f := d.enter('{', smithy.KindMap); f != nil {
		f.isMap = true
		f.target, f.lenient = m.Target.Elem.Target, m.Target.LenientScalars
	}
}

// More implements smithy.Decoder. Null elements are as absent as null members.
func (d *decoder) More() bool {
	f := &d.frames[d.depth]
	closing := byte(']')
	if f.isMap {
		closing = '}'
	}
	for d.next(f, closing) {
		if f.isMap {
			d.key = d.keep(d.name())
		}
		if d.err == nil && !d.null() {
			if d.count++; d.count > wire.MaxElements {
				d.fail(wire.TooManyElements)
				return false
			}
			return true
		}
	}
	return false
}

// Key implements smithy.Decoder.
func (d *decoder) Key() string { return d.key }

// next moves to the next element of the innermost container, over the comma.
// At the closing bracket it leaves the container and reports false.
func (d *decoder) next(f *frame, closing byte) bool {
	if d.err != nil {
		return false
	}
	c := d.peek()
	if c == closing {
		d.pos++
		d.depth--
		return false
	}
	if f.more {
		if c != ',' {
			d.malformed()
			return false
		}
		d.pos++
		d.space()
	}
	f.more = true
	return true
}

// String implements smithy.Decoder.
func (d *decoder) String() string {
	if d.err != nil {
		return ""
	}
	c := d.peek()
	if c == '"' {
		return d.str()
	}
	if d.frames[d.depth].lenient {
		switch start := d.pos; {
		case c == 't' || c == 'f':
			d.boolean(c)
			return d.keep(d.src[start:d.pos])
		case isNumber(c):
			return d.keep(d.number())
		}
	}
	d.mismatch(c, smithy.KindString)
	return ""
}

// Int implements smithy.Decoder. Fractions are cut off, as AWS does
// (facts-kinesis.md: TruncatingBigNumber).
func (d *decoder) Int() int64 {
	if d.err != nil {
		return 0
	}
	kind, bits := smithy.KindLong, 64
	if t := d.frames[d.depth].target; t != nil && t.Kind == smithy.KindInteger {
		kind, bits = smithy.KindInteger, 32
	}
	c := d.peek()
	if !isNumber(c) {
		d.mismatch(c, kind)
		return 0
	}
	text := d.number()
	v, ok := parseInt(text, bits)
	switch {
	case ok || d.err != nil:
	case d.dialect == smithy.DialectClassic:
		return clampInt(text, bits)
	default:
		d.mismatch(c, kind)
	}
	return v
}

// Float implements smithy.Decoder.
func (d *decoder) Float() float64 {
	if d.err != nil {
		return 0
	}
	c := d.peek()
	var text []byte
	switch {
	case c == '"':
		text = d.raw()
	case isNumber(c):
		text = d.number()
	default:
		d.mismatch(c, smithy.KindDouble)
		return 0
	}
	v, ok := parseFloat(string(text), c == '"')
	if !ok && d.err == nil {
		d.mismatch(c, smithy.KindDouble)
	}
	return v
}

// Bool implements smithy.Decoder.
func (d *decoder) Bool() bool {
	if d.err != nil {
		return false
	}
	c := d.peek()
	switch {
	case c == 't', c == 'f':
		return d.boolean(c)
	case c == '"' && d.dialect == smithy.DialectClassic:
		v, problem := wire.ClassicBool(d.raw())
		if problem != "" && d.err == nil {
			d.fail(problem)
		}
		return v
	}
	d.mismatch(c, smithy.KindBoolean)
	return false
}

// Blob implements smithy.Decoder.
func (d *decoder) Blob() []byte {
	if d.err != nil {
		return nil
	}
	c := d.peek()
	if c != '"' {
		d.mismatch(c, smithy.KindBlob)
		return nil
	}
	if out, ok := d.plainBlob(); ok {
		return out
	}
	text := d.raw()
	if d.err != nil {
		return nil
	}
	if d.dialect == smithy.DialectClassic {
		out, ok := d.base64(text)
		if !ok {
			d.fail(wire.ClassicBlob(text))
		}
		return out
	}
	out := make([]byte, lenient.DecodedLen(len(text)))
	n, err := lenient.Decode(out, text)
	if err != nil {
		d.mismatch(c, smithy.KindBlob)
		return nil
	}
	return out[:n]
}

// lenient passes over line breaks, and over bits that say nothing.
var lenient = stdbase64.StdEncoding

// plainBlob reads a blob without escapes, which is what clients send, in one pass. Where
// it is false nothing was read.
func (d *decoder) plainBlob() ([]byte, bool) {
	rest := d.src[d.pos+1:]
	end := bytes.IndexByte(rest, '"')
	if end < 0 {
		return nil, false
	}
	out, ok := d.base64(rest[:end])
	if ok {
		d.pos += end + 2
	}
	return out, ok
}

func (d *decoder) base64(text []byte) ([]byte, bool) {
	size := base64.DecodedLen(text)
	if size < 0 {
		return nil, false
	}
	out := d.kept.Bytes(size, len(d.src)-d.pos)
	return out, base64.Decode(out, text)
}

// Time implements smithy.Decoder.
func (d *decoder) Time() time.Time {
	if d.err != nil {
		return time.Time{}
	}
	c := d.peek()
	if !isNumber(c) {
		d.mismatch(c, smithy.KindTimestamp)
		return time.Time{}
	}
	v, ok := parseEpoch(string(d.number()))
	if !ok && d.err == nil {
		d.mismatch(c, smithy.KindTimestamp)
	}
	return v
}
