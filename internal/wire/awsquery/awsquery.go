// Package awsquery is the awsQuery protocol: requests are form parameters, in
// the query string, the body or both, and responses are XML. SQS, SNS and STS
// speak it.
//
// https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
package awsquery

import (
	"sync"

	"github.com/spillway/spillway/internal/smithy"
	"github.com/spillway/spillway/internal/wire"
)

// New returns the protocol with its XML responses.
func New() wire.Protocol { return &protocol{} }

// NewJSONResult returns the protocol with the JSON responses that AWS gives to
// query requests with "Accept: application/json".
func NewJSONResult() wire.Protocol { return &jsonProtocol{} }

// requests decodes requests; both forms of the protocol share it.
type requests struct {
	decoders sync.Pool // of *decoder
}

// Decode implements wire.Protocol.
func (p *requests) Decode(op *smithy.Operation, r *wire.Request) (smithy.Shape, error) {
	in := op.NewInput()
	d, _ := p.decoders.Get().(*decoder)
	if d == nil {
		d = new(decoder)
	}
	err := d.decode(in, r)
	d.reset()
	p.decoders.Put(d)
	if err != nil {
		return nil, err
	}
	return in, nil
}

type protocol struct {
	requests
	encoders sync.Pool // of *xmlEncoder
}

const xmlType = "text/xml"

// Encode implements wire.Protocol.
func (p *protocol) Encode(svc *smithy.Service, op *smithy.Operation, out smithy.Shape, requestID string, dst []byte) wire.Response {
	e, _ := p.encoders.Get().(*xmlEncoder)
	if e == nil {
		e = new(xmlEncoder)
	}
	e.dst = append(dst, '<')
	e.dst = append(e.dst, op.Name...)
	e.dst = append(e.dst, `Response xmlns="`...)
	e.dst = appendText(e.dst, svc.XMLNamespace)
	e.dst = append(e.dst, '"', '>')
	if out != nil {
		e.open(op.ResultWrapper)
		out.EncodeMembers(e)
		e.shut(op.ResultWrapper)
	}
	e.open("ResponseMetadata")
	e.element("RequestId", requestID)
	e.shut("ResponseMetadata")
	e.shut(op.Name + "Response")
	dst = e.dst
	e.reset()
	p.encoders.Put(e)
	return wire.Response{Status: 200, ContentType: xmlType, Body: dst}
}

// EncodeError implements wire.Protocol.
func (p *protocol) EncodeError(svc *smithy.Service, _ *smithy.Operation, err *smithy.APIError, requestID string, dst []byte) wire.Response {
	e := &xmlEncoder{dst: dst}
	e.dst = append(e.dst, "<ErrorResponse"...)
	if svc != nil && svc.XMLNamespace != "" {
		e.dst = append(e.dst, ` xmlns="`...)
		e.dst = appendText(e.dst, svc.XMLNamespace)
		e.dst = append(e.dst, '"')
	}
	e.dst = append(e.dst, "><Error>"...)
	e.element("Type", fault(err))
	e.element("Code", err.Code)
	e.element("Message", message(err))
	if svc == nil || svc.QueryCompatible {
		e.dst = append(e.dst, "<Detail/>"...) // SQS has it, always empty
	}
	e.dst = append(e.dst, "</Error>"...)
	e.element("RequestId", requestID)
	e.shut("ErrorResponse")
	return wire.Response{Status: err.Status, ContentType: xmlType, Body: e.dst}
}

func fault(err *smithy.APIError) string {
	if err.Sender() {
		return "Sender"
	}
	return "Receiver"
}

func message(err *smithy.APIError) string {
	if err.QueryMessage != "" {
		return err.QueryMessage
	}
	return err.Message
}
