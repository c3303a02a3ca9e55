package awsjson

import (
	"math"
	"strconv"
	"time"

	"github.com/spillway/spillway/internal/base64"
	"github.com/spillway/spillway/internal/smithy"
)

// encoder writes JSON as a smithy.Encoder.
//
// Whether a comma is due follows from the last byte written: "{" and "[" open,
// and no value ends in either.
type encoder struct {
	dst      []byte
	inList   []bool // of the open containers inside the root object
	afterKey bool   // a map key was written: the next value has its name
}

// begin writes what stands before a value: comma and name.
func (e *encoder) begin(m *smithy.Member) {
	if e.afterKey {
		e.afterKey = false
		return
	}
	if c := e.dst[len(e.dst)-1]; c != '{' && c != '[' {
		e.dst = append(e.dst, ',')
	}
	if n := len(e.inList); n > 0 && e.inList[n-1] {
		return
	}
	e.dst = append(e.dst, '"')
	e.dst = append(e.dst, m.Name...) // names in models need no escapes
	e.dst = append(e.dst, '"', ':')
}

func (e *encoder) open(c byte, list bool) {
	e.dst = append(e.dst, c)
	e.inList = append(e.inList, list)
}

func (e *encoder) close(c byte) {
	e.dst = append(e.dst, c)
	e.inList = e.inList[:len(e.inList)-1]
}

func (e *encoder) String(m *smithy.Member, v string) {
	e.begin(m)
	e.dst = AppendString(e.dst, v)
}

func (e *encoder) Int(m *smithy.Member, v int64) {
	e.begin(m)
	e.dst = strconv.AppendInt(e.dst, v, 10)
}

// Float writes the values that JSON numbers cannot hold as strings, as Smithy
// prescribes.
func (e *encoder) Float(m *smithy.Member, v float64) {
	e.begin(m)
	e.dst = AppendFloat(e.dst, v)
}

func (e *encoder) Bool(m *smithy.Member, v bool) {
	e.begin(m)
	e.dst = strconv.AppendBool(e.dst, v)
}

func (e *encoder) Blob(m *smithy.Member, v []byte) {
	e.begin(m)
	e.dst = append(e.dst, '"')
	e.dst = base64.AppendEncode(e.dst, v)
	e.dst = append(e.dst, '"')
}

func (e *encoder) Time(m *smithy.Member, v time.Time) {
	e.begin(m)
	e.dst = AppendTime(e.dst, v)
}

func (e *encoder) Struct(m *smithy.Member, v smithy.Shape) {
	e.begin(m)
	e.open('{', false)
	v.EncodeMembers(e)
	e.close('}')
}

func (e *encoder) BeginList(m *smithy.Member, _ int) {
	e.begin(m)
	e.open('[', true)
}

func (e *encoder) EndList(*smithy.Member) { e.close(']') }

func (e *encoder) BeginMap(m *smithy.Member, _ int) {
	e.begin(m)
	e.open('{', false)
}

func (e *encoder) Key(_ *smithy.Member, k string) {
	if e.dst[len(e.dst)-1] != '{' {
		e.dst = append(e.dst, ',')
	}
	e.dst = AppendString(e.dst, k)
	e.dst = append(e.dst, ':')
	e.afterKey = true
}

func (e *encoder) EndMap(*smithy.Member) { e.close('}') }

// AppendFloat appends v as a JSON number, or as the string "NaN", "Infinity" or
// "-Infinity".
func AppendFloat(dst []byte, v float64) []byte {
	switch {
	case math.IsNaN(v):
		return append(dst, `"NaN"`...)
	case math.IsInf(v, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(v, -1):
		return append(dst, `"-Infinity"`...)
	}
	return strconv.AppendFloat(dst, v, 'g', -1, 64)
}

// AppendTime appends v as seconds since 1970 with up to three decimals: AWS
// keeps milliseconds, and SDKs read the number into a double.
func AppendTime(dst []byte, v time.Time) []byte {
	ms := v.UnixMilli()
	if ms < 0 {
		dst = append(dst, '-')
		ms = -ms
	}
	dst = strconv.AppendInt(dst, ms/1000, 10)
	if frac := ms % 1000; frac != 0 {
		digits := [4]byte{'.', byte('0' + frac/100), byte('0' + frac/10%10), byte('0' + frac%10)}
		n := 4
		for digits[n-1] == '0' {
			n--
		}
		dst = append(dst, digits[:n]...)
	}
	return dst
}
