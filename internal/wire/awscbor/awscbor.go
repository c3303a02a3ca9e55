// Package awscbor is awsJson 1.1 with documents in CBOR instead of JSON
// (application/x-amz-cbor-1.1): what AWS's Java SDKs, and with them the Kinesis Client
// Library and Flink, send to Kinesis unless they are told not to. It is not Smithy's
// later rpcv2Cbor.
//
// As AWS does, it writes maps and arrays of indefinite length, and timestamps as whole
// milliseconds under tag 1, where RFC 8949 has seconds: Java clients read nothing else.
// It accepts every length of the RFC, and timestamps in seconds where they are floats.
//
// No model describes this; the evidence is in facts-kinesis.md ("CBOR details").
package awscbor

import (
	"sync"

	"github.com/spillway/spillway/internal/smithy"
	"github.com/spillway/spillway/internal/wire"
)

// ContentType of requests and responses.
const ContentType = "application/x-amz-cbor-1.1"

// New returns the protocol. Its errors are those of the classic dialect.
func New() wire.Protocol { return &protocol{} }

type protocol struct {
	decoders sync.Pool // of *decoder
	encoders sync.Pool // of *encoder
}

// Decode implements wire.Protocol.
func (p *protocol) Decode(op *smithy.Operation, r *wire.Request) (smithy.Shape, error) {
	in := op.NewInput()
	d, _ := p.decoders.Get().(*decoder)
	if d == nil {
		d = new(decoder)
	}
	err := d.decode(in, r.Body)
	d.reset()
	p.decoders.Put(d)
	if err != nil {
		return nil, err
	}
	return in, nil
}

// Encode implements wire.Protocol. Operations without output answer with an empty
// body.
func (p *protocol) Encode(svc *smithy.Service, _ *smithy.Operation, out smithy.Shape, _ string, dst []byte) wire.Response {
	if out != nil {
		e, _ := p.encoders.Get().(*encoder)
		if e == nil {
			e = new(encoder)
		}
		e.dst = append(wire.Grow(dst, svc, out, false), beginMap)
		out.EncodeMembers(e)
		dst = append(e.dst, stop)
		*e = encoder{inList: e.inList[:0]}
		p.encoders.Put(e)
	}
	return wire.Response{Status: 200, ContentType: ContentType, Body: dst}
}

// EncodeError implements wire.Protocol.
func (p *protocol) EncodeError(_ *smithy.Service, _ *smithy.Operation, err *smithy.APIError, _ string, dst []byte) wire.Response {
	dst = append(dst, beginMap)
	dst = appendString(dst, "__type")
	dst = appendString(dst, err.Shape)
	if err.Message != "" {
		dst = appendString(dst, wire.MessageKey(err))
		dst = appendString(dst, err.Message)
	}
	return wire.Response{Status: err.Status, ContentType: ContentType, Body: append(dst, stop)}
}
