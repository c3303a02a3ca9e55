// Package wire is what a protocol codec sees of HTTP: a request and a response
// without net/http, so that the gateway's fronts can differ, and the Protocol
// interface that the packages below this one implement.
//
// Codecs know shapes only through package smithy; they never import a service.
package wire

import "github.com/spillway/spillway/internal/smithy"

// Request is one HTTP request, whole. Path is as sent (still escaped), RawQuery
// without the "?". Body and Header are valid until the response is written.
type Request struct {
	Method   string
	Path     string
	RawQuery string
	Header   Header
	Body     []byte
}

// Header reads request headers by name, case-insensitively.
type Header interface {
	// Get returns the first value of the header, or "". The result may alias a
	// network buffer: clone what outlives the request.
	Get(name string) string
	// Values appends all values of the header, in order, to dst.
	Values(dst []string, name string) []string
	// Each calls f for every header line until it returns false.
	Each(f func(name, value string) bool)
}

// Field is one response header line.
type Field struct{ Name, Value string }

// Response is one HTTP response. The body belongs to the receiver.
type Response struct {
	Status      int
	ContentType string
	Fields      []Field
	Body        []byte
	// Stream, if not nil, makes the body piece by piece instead of Body. It is called
	// once, whatever has become of the client. What write is given is on its way to the
	// client when write returns, and not held; after an error it fails always. An error
	// of Stream breaks the answer off, so that the client sees that there was more.
	Stream func(write func(piece []byte) error) error
}

// Protocol is one wire protocol of AWS APIs.
type Protocol interface {
	// Decode reads the operation's input. Errors are *smithy.APIError.
	Decode(op *smithy.Operation, r *Request) (smithy.Shape, error)
	// Encode writes a success. Out is nil for operations without output. The
	// body is appended to dst.
	Encode(svc *smithy.Service, op *smithy.Operation, out smithy.Shape, requestID string, dst []byte) Response
	// EncodeError writes an error. Op is nil when none was recognised.
	EncodeError(svc *smithy.Service, op *smithy.Operation, err *smithy.APIError, requestID string, dst []byte) Response
}
