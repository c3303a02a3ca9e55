package awsquery

import (
	"encoding/base64"
	"strconv"
	"sync"
	"time"

	"github.com/spillway/spillway/internal/smithy"
	"github.com/spillway/spillway/internal/wire"
	"github.com/spillway/spillway/internal/wire/awsjson"
)

// jsonProtocol answers query requests in JSON. The layout is that of the XML,
// except that collections are arrays under the member's own name
// (facts-sqs.md 1.2).
type jsonProtocol struct {
	requests
	encoders sync.Pool // of *jsonEncoder
}

const jsonType = "application/json"

// Encode implements wire.Protocol.
func (p *jsonProtocol) Encode(_ *smithy.Service, op *smithy.Operation, out smithy.Shape, requestID string, dst []byte) wire.Response {
	e, _ := p.encoders.Get().(*jsonEncoder)
	if e == nil {
		e = new(jsonEncoder)
	}
	e.dst = append(dst, '{')
	e.object(op.Name + "Response")
	if out != nil {
		e.object(op.ResultWrapper)
		out.EncodeMembers(e)
		e.close('}')
	}
	e.object("ResponseMetadata")
	e.field("RequestId", requestID)
	e.close('}')
	e.close('}')
	dst = append(e.dst, '}')
	*e = jsonEncoder{frames: e.frames[:0]}
	p.encoders.Put(e)
	return wire.Response{Status: 200, ContentType: jsonType, Body: dst}
}

// EncodeError implements wire.Protocol.
func (p *jsonProtocol) EncodeError(_ *smithy.Service, _ *smithy.Operation, err *smithy.APIError, requestID string, dst []byte) wire.Response {
	e := &jsonEncoder{dst: append(dst, '{')}
	e.object("Error")
	e.field("Code", err.Code)
	e.label("Detail")
	e.dst = append(e.dst, "null"...)
	e.field("Message", message(err))
	e.field("Type", fault(err))
	e.close('}')
	e.field("RequestId", requestID)
	return wire.Response{Status: err.Status, ContentType: jsonType, Body: append(e.dst, '}')}
}

// jsonEncoder writes the JSON form as a smithy.Encoder. Maps are arrays of
// objects with the entry names of the query protocol.
type jsonEncoder struct {
	dst    []byte
	frames []jsonFrame
}

type jsonFrame struct {
	list    bool // elements have no names
	inEntry bool // of a map: an entry's object is open
}

// label writes the comma that is due, and a name.
func (e *jsonEncoder) label(name string) {
	e.comma()
	e.dst = awsjson.AppendString(e.dst, name)
	e.dst = append(e.dst, ':')
}

func (e *jsonEncoder) comma() {
	if c := e.dst[len(e.dst)-1]; c != '{' && c != '[' {
		e.dst = append(e.dst, ',')
	}
}

func (e *jsonEncoder) field(name, v string) {
	e.label(name)
	e.dst = awsjson.AppendString(e.dst, v)
}

func (e *jsonEncoder) object(name string) {
	e.label(name)
	e.open('{', false)
}

func (e *jsonEncoder) open(c byte, list bool) {
	e.dst = append(e.dst, c)
	e.frames = append(e.frames, jsonFrame{list: list})
}

func (e *jsonEncoder) close(c byte) {
	e.dst = append(e.dst, c)
	e.frames = e.frames[:len(e.frames)-1]
}

// begin writes what stands before a value: comma, and its name where it has
// one.
func (e *jsonEncoder) begin(m *smithy.Member) {
	f := e.frames[len(e.frames)-1]
	switch {
	case f.inEntry:
		e.label(m.XMLName)
	case f.list:
		e.comma()
	case m.JSONResultName != "":
		e.label(m.JSONResultName)
	default:
		e.label(m.Name)
	}
}

func (e *jsonEncoder) String(m *smithy.Member, v string) {
	e.begin(m)
	e.dst = awsjson.AppendString(e.dst, v)
}

func (e *jsonEncoder) Int(m *smithy.Member, v int64) {
	e.begin(m)
	e.dst = strconv.AppendInt(e.dst, v, 10)
}

func (e *jsonEncoder) Float(m *smithy.Member, v float64) {
	e.begin(m)
	e.dst = awsjson.AppendFloat(e.dst, v)
}

func (e *jsonEncoder) Bool(m *smithy.Member, v bool) {
	e.begin(m)
	e.dst = strconv.AppendBool(e.dst, v)
}

func (e *jsonEncoder) Blob(m *smithy.Member, v []byte) {
	e.begin(m)
	e.dst = append(e.dst, '"')
	e.dst = base64.StdEncoding.AppendEncode(e.dst, v)
	e.dst = append(e.dst, '"')
}

func (e *jsonEncoder) Time(m *smithy.Member, v time.Time) {
	e.begin(m)
	e.dst = awsjson.AppendTime(e.dst, v)
}

func (e *jsonEncoder) Struct(m *smithy.Member, v smithy.Shape) {
	e.begin(m)
	e.open('{', false)
	v.EncodeMembers(e)
	e.close('}')
}

func (e *jsonEncoder) BeginList(m *smithy.Member, _ int) {
	e.begin(m)
	e.open('[', true)
}

func (e *jsonEncoder) EndList(*smithy.Member) { e.close(']') }

func (e *jsonEncoder) BeginMap(m *smithy.Member, _ int) {
	e.begin(m)
	e.open('[', true)
}

func (e *jsonEncoder) Key(m *smithy.Member, k string) {
	e.endEntry()
	e.comma()
	e.dst = append(e.dst, '{')
	e.frames[len(e.frames)-1].inEntry = true
	e.field(m.Target.Key.XMLName, k)
}

func (e *jsonEncoder) EndMap(*smithy.Member) {
	e.endEntry()
	e.close(']')
}

func (e *jsonEncoder) endEntry() {
	if f := &e.frames[len(e.frames)-1]; f.inEntry {
		f.inEntry = false
		e.dst = append(e.dst, '}')
	}
}
