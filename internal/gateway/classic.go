package gateway

import (
	"encoding/base64"
	"encoding/binary"
	"math/rand/v2"
	"strings"

	"github.com/spillway/spillway/internal/service"
	"github.com/spillway/spillway/internal/smithy"
	"github.com/spillway/spillway/internal/wire"
	"github.com/spillway/spillway/internal/wire/awscbor"
)

// What the front ends of the classic dialect answer to what they do not take for a
// request (facts-kinesis.md 1, "Order of checks and error bodies").
const (
	classicDenied  = "<AccessDeniedException>\n  <Message>Unable to determine service/operation name to be authorized</Message>\n</AccessDeniedException>\n"
	classicUnknown = "<UnknownOperationException/>\n"
)

// classic finds what a request to a service of the classic dialect means. Its front
// end looks at method, content type and body before it looks at anything else.
func (t *routes) classic(r *wire.Request, m *mounted, target string) route {
	rt := route{service: m, protocol: m.json, err: smithy.UnknownOperation.New("")}
	prefix, name, named := strings.Cut(target, ".")
	var op *service.Operation
	if prefix == m.API.TargetPrefix {
		op = m.Operations[name]
	}
	contentType, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	contentType = strings.TrimSpace(contentType)
	inCBOR := m.cbor != nil && contentType == awscbor.ContentType
	if inCBOR || m.cbor != nil && len(r.Body) == 0 && contentType != m.jsonType {
		rt.protocol = m.cbor
	}
	denied := func() route {
		rt.err = smithy.AccessDenied.New("Unable to determine service/operation name to be authorized")
		rt.canned = &Response{Status: 403, Body: []byte(classicDenied)}
		return rt
	}
	switch {
	case r.Method != "POST":
		return denied()
	case len(r.Body) == 0 && op != nil:
		rt.err = smithy.SerializationError.New("")
	case len(r.Body) == 0:
	case contentType == m.jsonType || inCBOR:
		switch {
		case op != nil:
			rt.operation, rt.name, rt.err = op, op.Shape.Name, nil
		case !readable(rt.protocol, r):
			rt.err = smithy.SerializationError.New("")
		}
	case contentType == "application/json":
		status := 404
		if !readable(m.json, r) {
			status, rt.err = 400, smithy.SerializationError.New("")
		}
		rt.canned = &Response{Status: status, ContentType: contentType,
			Body: []byte(`{"Output":{"__type":"` + smithy.CoralNamespace + "#" + rt.err.Shape + `"},"Version":"1.0"}`)}
	case !named || name == "" || prefix == "":
		return denied()
	default:
		rt.canned = &Response{Status: 404, Body: []byte(classicUnknown)}
	}
	if known := m.API.Operation(name); op == nil && known != nil && prefix == m.API.TargetPrefix {
		rt.name, rt.err.Hint = known.Name, notYet(known)
	}
	return rt
}

// readable reports whether a body is a document of the protocol.
func readable(p wire.Protocol, r *wire.Request) bool {
	_, err := p.Decode(&smithy.Operation{NewInput: func() smithy.Shape { return new(service.None) }}, r)
	return err == nil
}

// extendedIDName is the second name of requests to some services.
const extendedIDName = "x-amz-id-2"

// newExtendedID is random, as long as AWS's. It protects nothing.
func newExtendedID() string {
	var b [72]byte
	for i := 0; i < len(b); i += 8 {
		binary.NativeEndian.PutUint64(b[i:], rand.Uint64())
	}
	return base64.StdEncoding.EncodeToString(b[:])
}
