package awscbor

import (
	"encoding/binary"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spillway/spillway/internal/smithy"
)

// The major types of RFC 8949, in the upper three bits of an item's first byte.
const (
	majorUint byte = iota << 5
	majorNegative
	majorBytes
	majorText
	majorArray
	majorMap
	majorTag
	majorOther
)

// First bytes that say everything.
const (
	indefinite = 31 // in the lower five bits
	beginArray = majorArray | indefinite
	beginMap   = majorMap | indefinite
	stop       = majorOther | indefinite
	isFalse    = majorOther | 20
	isTrue     = majorOther | 21
	isNull     = majorOther | 22
	isNothing  = majorOther | 23 // "undefined"
	isFloat16  = majorOther | 25
	isFloat32  = majorOther | 26
	isFloat64  = majorOther | 27
	tagEpoch   = majorTag | 1
)

// encoder writes CBOR as a smithy.Encoder.
type encoder struct {
	dst    []byte
	inList []bool // of the open containers inside the root
}

// begin writes what stands before a value: in a structure, its name. A map's key is
// written already.
func (e *encoder) begin(m *smithy.Member) {
	if n := len(e.inList); n > 0 && e.inList[n-1] {
		return
	}
	e.dst = appendString(e.dst, m.Name)
}

func (e *encoder) open(c byte, unnamed bool) {
	e.dst = append(e.dst, c)
	e.inList = append(e.inList, unnamed)
}

func (e *encoder) close() {
	e.dst = append(e.dst, stop)
	e.inList = e.inList[:len(e.inList)-1]
}

func (e *encoder) String(m *smithy.Member, v string) {
	e.begin(m)
	e.dst = appendString(e.dst, v)
}

func (e *encoder) Int(m *smithy.Member, v int64) {
	e.begin(m)
	if v < 0 {
		e.dst = appendHead(e.dst, majorNegative, uint64(^v))
		return
	}
	e.dst = appendHead(e.dst, majorUint, uint64(v))
}

func (e *encoder) Float(m *smithy.Member, v float64) {
	e.begin(m)
	e.dst = binary.BigEndian.AppendUint64(append(e.dst, isFloat64), math.Float64bits(v))
}

func (e *encoder) Bool(m *smithy.Member, v bool) {
	e.begin(m)
	if v {
		e.dst = append(e.dst, isTrue)
		return
	}
	e.dst = append(e.dst, isFalse)
}

func (e *encoder) Blob(m *smithy.Member, v []byte) {
	e.begin(m)
	e.dst = append(appendHead(e.dst, majorBytes, uint64(len(v))), v...)
}

// Time writes eight bytes always, as AWS does.
func (e *encoder) Time(m *smithy.Member, v time.Time) {
	e.begin(m)
	ms, major := v.UnixMilli(), majorUint
	if ms < 0 {
		ms, major = ^ms, majorNegative
	}
	e.dst = binary.BigEndian.AppendUint64(append(e.dst, tagEpoch, major|27), uint64(ms))
}

func (e *encoder) Struct(m *smithy.Member, v smithy.Shape) {
	e.begin(m)
	e.open(beginMap, false)
	v.EncodeMembers(e)
	e.close()
}

func (e *encoder) BeginList(m *smithy.Member, _ int) {
	e.begin(m)
	e.open(beginArray, true)
}

func (e *encoder) EndList(*smithy.Member) { e.close() }

func (e *encoder) BeginMap(m *smithy.Member, _ int) {
	e.begin(m)
	e.open(beginMap, true)
}

func (e *encoder) Key(_ *smithy.Member, k string) { e.dst = appendString(e.dst, k) }

func (e *encoder) EndMap(*smithy.Member) { e.close() }

// appendString appends a text string. Bytes that are no UTF-8 become U+FFFD.
func appendString(dst []byte, v string) []byte {
	if !utf8.ValidString(v) {
		v = strings.ToValidUTF8(v, "\uFFFD")
	}
	return append(appendHead(dst, majorText, uint64(len(v))), v...)
}

// appendHead appends the beginning of an item in its shortest form.
func appendHead(dst []byte, major byte, n uint64) []byte {
	switch {
	case n < 24:
		return append(dst, major|byte(n))
	case n <= math.MaxUint8:
		return append(dst, major|24, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, major|25), uint16(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(dst, major|26), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, major|27), n)
}
