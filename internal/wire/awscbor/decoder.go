package awscbor

import (
	"math"
	"time"

	"github.com/spillway/spillway/internal/smithy"
	"github.com/spillway/spillway/internal/wire"
)

// maxDepth bounds how deep containers nest, in known and unknown members alike.
const maxDepth = 64

// decoder reads one CBOR document as a smithy.Decoder.
type decoder struct {
	scanner
	frames [maxDepth + 1]frame
	depth  int // of open containers; frames[depth] is the innermost
	key    string
	count  int // of elements so far
}

// frame is one open container.
type frame struct {
	target *smithy.Schema // of the value the decoder stands on; nil if not known
	isMap  bool
	open   bool   // of indefinite length
	left   uint64 // elements that are still to come, unless open
}

// decode reads body into in.
func (d *decoder) decode(in smithy.Shape, body []byte) error {
	d.src = body
	if d.peek()&0xe0 != majorMap {
		d.malformed()
	}
	d.Struct(in)
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

// mismatch says that the item beginning with c is not of the kind that is wanted.
func (d *decoder) mismatch(c byte, want smithy.Kind) {
	var token wire.Token
	switch c & 0xe0 {
	case majorUint, majorNegative:
		token = wire.TokenNumber
	case majorBytes:
		token = wire.TokenBytes
	case majorText:
		token = wire.TokenString
	case majorArray:
		token = wire.TokenList
	case majorMap:
		token = wire.TokenMap
	default:
		switch c {
		case isTrue:
			token = wire.TokenTrue
		case isFalse:
			token = wire.TokenFalse
		case isFloat16, isFloat32, isFloat64:
			token = wire.TokenNumber
		default:
			d.malformed()
			return
		}
	}
	d.fail(wire.Mismatch(smithy.DialectClassic, token, want))
}

// enter opens a container of a kind, which is next.
func (d *decoder) enter(major byte, kind smithy.Kind) *frame {
	if d.err != nil {
		return nil
	}
	if c := d.peek(); c&0xe0 != major {
		d.mismatch(c, kind)
		return nil
	}
	if d.depth == maxDepth {
		d.fail("The request nests structures too deeply.")
		return nil
	}
	first, n := d.head()
	d.depth++
	f := &d.frames[d.depth]
	*f = frame{isMap: kind == smithy.KindMap, open: first&0x1f == indefinite, left: n}
	return f
}

// next reports whether there is another element in the innermost container. At its end
// it leaves it.
func (d *decoder) next(f *frame) bool {
	switch {
	case d.err != nil:
		return false
	case !f.open && f.left > 0:
		f.left--
		return true
	case f.open && (d.pos >= len(d.src) || d.src[d.pos] != stop):
		return true // at the end of the document, what comes next fails
	case f.open:
		d.pos++
	}
	d.depth--
	return false
}

// name reads a member's name. The result is as raw's.
func (d *decoder) name() []byte {
	if d.peek()&0xe0 != majorText {
		d.malformed()
		return nil
	}
	return d.raw()
}

// Struct implements smithy.Decoder.
func (d *decoder) Struct(v smithy.Shape) {
	f := d.enter(majorMap, smithy.KindStructure)
	if f == nil {
		return
	}
	s := v.Schema()
	for d.next(f) {
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
	if f := d.enter(majorArray, smithy.KindList); f != nil {
		f.target = m.Target.Elem.Target
	}
}

// BeginMap implements smithy.Decoder.
func (d *decoder) BeginMap(m *smithy.Member) {
	if f := d.enter(majorMap, smithy.KindMap); f != nil {
		f.target = m.Target.Elem.Target
	}
}

// More implements smithy.Decoder. Null elements are as absent as null members.
func (d *decoder) More() bool {
	f := &d.frames[d.depth]
	for d.next(f) {
		if f.isMap {
			d.key = d.keep(d.name())
		}
		if d.err == nil && !d.null() && d.err == nil {
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

// String implements smithy.Decoder.
func (d *decoder) String() string {
	if d.err != nil {
		return ""
	}
	if c := d.peek(); c&0xe0 != majorText {
		d.mismatch(c, smithy.KindString)
		return ""
	}
	return d.keep(d.raw())
}

// Int implements smithy.Decoder. Fractions are cut off, and what does not fit becomes
// the nearest that does, as in JSON.
func (d *decoder) Int() int64 {
	if d.err != nil {
		return 0
	}
	kind, lowest, highest := smithy.KindLong, int64(math.MinInt64), int64(math.MaxInt64)
	if t := d.frames[d.depth].target; t != nil && t.Kind == smithy.KindInteger {
		kind, lowest, highest = smithy.KindInteger, math.MinInt32, math.MaxInt32
	}
	whole, f, isFloat, ok := d.number(kind)
	switch {
	case !ok:
		return 0
	case !isFloat:
		return max(lowest, min(highest, whole))
	case math.IsNaN(f):
		return 0
	case f >= float64(highest):
		return highest
	case f <= float64(lowest):
		return lowest
	}
	return int64(f)
}

// number reads a number for a value of a kind. Whole numbers beyond 64 bits become
// the nearest within.
func (d *decoder) number(kind smithy.Kind) (whole int64, f float64, isFloat, ok bool) {
	c := d.peek()
	switch major := c & 0xe0; {
	case major == majorUint, major == majorNegative:
		first, n := d.head()
		whole = int64(min(n, math.MaxInt64))
		if first&0xe0 == majorNegative {
			whole = ^whole
		}
	case c == isFloat16, c == isFloat32, c == isFloat64:
		_, n := d.head()
		isFloat = true
		switch c {
		case isFloat16:
			f = float16(uint16(n))
		case isFloat32:
			f = float64(math.Float32frombits(uint32(n)))
		default:
			f = math.Float64frombits(n)
		}
	default:
		d.mismatch(c, kind)
	}
	return whole, f, isFloat, d.err == nil
}

// float16 is IEEE 754's binary16 (RFC 8949, appendix D).
func float16(h uint16) float64 {
	exponent, fraction := int(h>>10&0x1f), float64(h&0x3ff)
	var v float64
	switch exponent {
	case 0:
		v = math.Ldexp(fraction, -24)
	case 31:
		if v = math.Inf(1); fraction != 0 {
			v = math.NaN()
		}
	default:
		v = math.Ldexp(fraction+1024, exponent-25)
	}
	if h&0x8000 != 0 {
		return -v
	}
	return v
}

// Float implements smithy.Decoder.
func (d *decoder) Float() float64 {
	if d.err != nil {
		return 0
	}
	whole, f, isFloat, ok := d.number(smithy.KindDouble)
	if ok && !isFloat {
		return float64(whole)
	}
	return f
}

// Bool implements smithy.Decoder.
func (d *decoder) Bool() bool {
	if d.err != nil {
		return false
	}
	switch c := d.peek(); {
	case c == isTrue, c == isFalse:
		d.pos++
		return c == isTrue
	case c&0xe0 == majorText:
		v, problem := wire.ClassicBool(d.raw())
		if problem != "" {
			d.fail(problem)
		}
		return v
	default:
		d.mismatch(c, smithy.KindBoolean)
	}
	return false
}

// Blob implements smithy.Decoder.
func (d *decoder) Blob() []byte {
	if d.err != nil {
		return nil
	}
	if c := d.peek(); c&0xe0 != majorBytes {
		d.mismatch(c, smithy.KindBlob)
		return nil
	}
	b := d.raw()
	if d.err != nil {
		return nil
	}
	out := d.kept.Bytes(len(b), len(d.src)-d.pos)
	copy(out, b)
	return out
}

// maxEpoch bounds timestamps to the years that time.Time formats, in seconds.
const maxEpoch = 253402300799 // 9999-12-31T23:59:59Z

// Time implements smithy.Decoder. Whole numbers are milliseconds, fractions seconds,
// whatever their tag: Java clients send the one, those with a library for the RFC the
// other.
func (d *decoder) Time() time.Time {
	if d.err != nil {
		return time.Time{}
	}
	c := d.peek()
	ms, f, isFloat, ok := d.number(smithy.KindTimestamp)
	if !ok {
		return time.Time{}
	}
	if isFloat {
		if !(math.Abs(f) <= maxEpoch) { // nor NaN
			d.mismatch(c, smithy.KindTimestamp)
			return time.Time{}
		}
		ms = int64(math.Round(f * 1000))
	}
	if ms > maxEpoch*1000 || ms < -maxEpoch*1000 {
		d.mismatch(c, smithy.KindTimestamp)
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
