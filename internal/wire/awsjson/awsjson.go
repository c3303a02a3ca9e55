// Package awsjson is the awsJson protocol, versions 1.0 and 1.1: a POST whose
// X-Amz-Target names the operation and whose body is a JSON object.
//
// The JSON codec is our own, because this is the hot path of SendMessage and
// PutRecord: it uses no reflection, copies a request body once and slices its
// strings out of that copy.
//
// https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html
package awsjson

import (
	"sync"

	"github.com/spillway/spillway/internal/smithy"
	"github.com/spillway/spillway/internal/wire"
)

// New returns the protocol in a version, "1.0" or "1.1". The versions differ in
// the content type only.
func New(version string) wire.Protocol {
	return &protocol{contentType: ContentType(version)}
}

// NewClassic returns the protocol as services of the classic dialect speak it.
func NewClassic(version string) wire.Protocol {
	return &protocol{contentType: ContentType(version), dialect: smithy.DialectClassic}
}

// ContentType of a version's documents.
func ContentType(version string) string { return "application/x-amz-json-" + version }

type protocol struct {
	contentType string
	dialect     smithy.Dialect
	decoders    sync.Pool // of *decoder
	encoders    sync.Pool // of *encoder
}

// Decode implements wire.Protocol. An empty body stands for {}, but not in the classic
// dialect.
func (p *protocol) Decode(op *smithy.Operation, r *wire.Request) (smithy.Shape, error) {
	in := op.NewInput()
	d, _ := p.decoders.Get().(*decoder)
	if d == nil {
		d = new(decoder)
	}
	d.dialect = p.dialect
	err := d.decode(in, r.Body)
	d.reset()
	p.decoders.Put(d)
	if err != nil {
		return nil, err
	}
	return in, nil
}

// Encode implements wire.Protocol. Operations without output answer with an
// empty body, not {}: SDKs of either kind accept it, and AWS does it.
func (p *protocol) Encode(svc *smithy.Service, _ *smithy.Operation, out smithy.Shape, _ string, dst []byte) wire.Response {
	if out != nil {
		e, _ := p.encoders.Get().(*encoder)
		if e == nil {
			e = new(encoder)
		}
		e.dst = append(wire.Grow(dst, svc, out, true), '{')
		out.EncodeMembers(e)
		dst = append(e.dst, '}')
		*e = encoder{inList: e.inList[:0]}
		p.encoders.Put(e)
	}
	return wire.Response{Status: 200, ContentType: p.contentType, Body: dst}
}

// EncodeError implements wire.Protocol. Services that once spoke query tell SDKs
// the old error code in x-amzn-query-error; code that compares it would break
// without (facts-sqs.md 12).
func (p *protocol) EncodeError(svc *smithy.Service, _ *smithy.Operation, err *smithy.APIError, _ string, dst []byte) wire.Response {
	if p.dialect == smithy.DialectClassic {
		return wire.Response{Status: err.Status, ContentType: p.contentType, Body: appendClassicError(dst, err)}
	}
	dst = append(dst, `{"__type":`...)
	name := err.Shape
	if err.Namespace != "" {
		name = err.Namespace + "#" + err.Shape
	}
	dst = AppendString(dst, name)
	dst = append(dst, `,"message":`...)
	dst = AppendString(dst, err.Message)
	dst = append(dst, '}')
	res := wire.Response{Status: err.Status, ContentType: p.contentType, Body: dst}
	if svc != nil && svc.QueryCompatible {
		fault := ";Sender"
		if !err.Sender() {
			fault = ";Receiver"
		}
		res.Fields = []wire.Field{{Name: "x-amzn-query-error", Value: err.Code + fault}}
	}
	return res
}

// appendClassicError appends an error as the classic dialect has it: the bare name of
// its type, no message where there is none, and a capital where the front end itself
// answers (facts-kinesis.md 1).
func appendClassicError(dst []byte, err *smithy.APIError) []byte {
	dst = append(dst, `{"__type":`...)
	dst = AppendString(dst, err.Shape)
	if err.Message != "" {
		dst = append(dst, `,"`+wire.MessageKey(err)+`":`...)
		dst = AppendString(dst, err.Message)
	}
	return append(dst, '}')
}
