package awsquery

import (
	"encoding/base64"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/spillway/spillway/internal/smithy"
)

// xmlEncoder writes response XML as a smithy.Encoder.
type xmlEncoder struct {
	dst     []byte
	opened  bool // the last thing written is a start tag
	frames  []xmlFrame
	scratch []byte
}

// xmlFrame is one open container.
type xmlFrame struct {
	name    string // of the elements of a flattened list, "" for their own
	entry   string // of a map: the element of each entry
	inEntry bool   // an entry is open
}

func (e *xmlEncoder) reset() {
	clear(e.frames[:cap(e.frames)])
	*e = xmlEncoder{frames: e.frames[:0], scratch: e.scratch[:0]}
}

// name is the tag of a value with member m in the innermost container.
func (e *xmlEncoder) name(m *smithy.Member) string {
	if n := len(e.frames); n > 0 && e.frames[n-1].name != "" {
		return e.frames[n-1].name
	}
	return m.XMLName
}

func (e *xmlEncoder) open(name string) {
	e.dst = append(e.dst, '<')
	e.dst = append(e.dst, name...)
	e.dst = append(e.dst, '>')
	e.opened = true
}

// shut writes an end tag. An element without content is written as one tag, as
// AWS does.
func (e *xmlEncoder) shut(name string) {
	if e.opened {
		e.dst = append(e.dst[:len(e.dst)-1], '/', '>')
		e.opened = false
		return
	}
	e.dst = append(e.dst, '<', '/')
	e.dst = append(e.dst, name...)
	e.dst = append(e.dst, '>')
}

func (e *xmlEncoder) element(name, text string) {
	e.open(name)
	if text != "" {
		e.dst = appendText(e.dst, text)
		e.opened = false
	}
	e.shut(name)
}

// plain writes an element whose text is not empty and needs no escapes.
func (e *xmlEncoder) plain(m *smithy.Member, text []byte) {
	name := e.name(m)
	e.open(name)
	e.dst = append(e.dst, text...)
	e.opened = false
	e.shut(name)
	e.scratch = text[:0]
}

func (e *xmlEncoder) push(f xmlFrame) { e.frames = append(e.frames, f) }
func (e *xmlEncoder) pop() xmlFrame {
	f := e.frames[len(e.frames)-1]
	e.frames = e.frames[:len(e.frames)-1]
	return f
}

func (e *xmlEncoder) String(m *smithy.Member, v string) { e.element(e.name(m), v) }

func (e *xmlEncoder) Int(m *smithy.Member, v int64) {
	e.plain(m, strconv.AppendInt(e.scratch, v, 10))
}

func (e *xmlEncoder) Float(m *smithy.Member, v float64) {
	switch {
	case math.IsNaN(v):
		e.element(e.name(m), "NaN")
	case math.IsInf(v, 1):
		e.element(e.name(m), "Infinity")
	case math.IsInf(v, -1):
		e.element(e.name(m), "-Infinity")
	default:
		e.plain(m, strconv.AppendFloat(e.scratch, v, 'g', -1, 64))
	}
}

func (e *xmlEncoder) Bool(m *smithy.Member, v bool) {
	e.plain(m, strconv.AppendBool(e.scratch, v))
}

func (e *xmlEncoder) Blob(m *smithy.Member, v []byte) {
	name := e.name(m)
	e.open(name)
	if len(v) > 0 {
		e.dst = base64.StdEncoding.AppendEncode(e.dst, v)
		e.opened = false
	}
	e.shut(name)
}

func (e *xmlEncoder) Time(m *smithy.Member, v time.Time) {
	e.plain(m, appendTime(e.scratch, v))
}

func (e *xmlEncoder) Struct(m *smithy.Member, v smithy.Shape) {
	name := e.name(m)
	e.open(name)
	e.push(xmlFrame{})
	v.EncodeMembers(e)
	e.pop()
	e.shut(name)
}

func (e *xmlEncoder) BeginList(m *smithy.Member, _ int) {
	name := e.name(m)
	if m.Flattened {
		e.push(xmlFrame{name: name})
		return
	}
	e.open(name)
	e.push(xmlFrame{})
}

func (e *xmlEncoder) EndList(m *smithy.Member) {
	e.pop()
	if !m.Flattened {
		e.shut(e.name(m))
	}
}

func (e *xmlEncoder) BeginMap(m *smithy.Member, _ int) {
	name := e.name(m)
	if m.Flattened {
		e.push(xmlFrame{entry: name})
		return
	}
	e.open(name)
	e.push(xmlFrame{entry: "entry"})
}

func (e *xmlEncoder) Key(m *smithy.Member, k string) {
	e.endEntry()
	f := &e.frames[len(e.frames)-1]
	f.inEntry = true
	e.open(f.entry)
	e.element(m.Target.Key.XMLName, k)
}

func (e *xmlEncoder) EndMap(m *smithy.Member) {
	e.endEntry()
	e.pop()
	if !m.Flattened {
		e.shut(e.name(m))
	}
}

func (e *xmlEncoder) endEntry() {
	if f := &e.frames[len(e.frames)-1]; f.inEntry {
		f.inEntry = false
		e.shut(f.entry)
	}
}

// appendTime appends v in ISO 8601, with milliseconds if it has any.
func appendTime(dst []byte, v time.Time) []byte {
	v = v.UTC()
	if v.Nanosecond() < int(time.Millisecond) {
		return v.AppendFormat(dst, "2006-01-02T15:04:05Z")
	}
	return v.AppendFormat(dst, "2006-01-02T15:04:05.000Z")
}

// appendText appends text escaped for elements and attributes. A parser would
// turn a raw CR into LF, so CR is written as a reference; so are the control
// characters that XML 1.0 has no way to write but lenient parsers read back.
// Bytes that are no UTF-8 become U+FFFD.
func appendText(dst []byte, s string) []byte {
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c < utf8.RuneSelf && c != '<' && c != '>' && c != '&' && c != '"' || c == '\n' || c == '\t' {
			i++
			continue
		}
		size, escape := 1, ""
		switch c {
		case '<':
			escape = "&lt;"
		case '>':
			escape = "&gt;"
		case '&':
			escape = "&amp;"
		case '"':
			escape = "&quot;"
		case '\r':
			escape = "&#xD;"
		default:
			var r rune
			r, size = utf8.DecodeRuneInString(s[i:])
			switch {
			case r == utf8.RuneError && size == 1:
				escape = "\uFFFD"
			case r < ' ', r == 0xFFFE, r == 0xFFFF:
				escape = "&#x" + strconv.FormatInt(int64(r), 16) + ";"
			default:
				i += size
				continue
			}
		}
		dst = append(dst, s[start:i]...)
		dst = append(dst, escape...)
		i += size
		start = i
	}
	return append(dst, s[start:]...)
}
