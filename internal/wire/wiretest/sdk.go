package wiretest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"reflect"

	"github.com/spillway/spillway/internal/wire"
)

// Stub is an http.RoundTripper that answers everything with one response.
type Stub struct{ Response wire.Response }

// RoundTrip implements http.RoundTripper.
func (s *Stub) RoundTrip(r *http.Request) (*http.Response, error) {
	h := http.Header{"Content-Type": {s.Response.ContentType}, "X-Amzn-Requestid": {"rid"}}
	for _, f := range s.Response.Fields {
		h.Set(f.Name, f.Value)
	}
	return &http.Response{
		StatusCode: s.Response.Status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: h, Request: r,
		Body: io.NopCloser(bytes.NewReader(s.Response.Body)), ContentLength: int64(len(s.Response.Body)),
	}, nil
}

// Call calls an operation of an SDK client with a filled input.
func Call(client any, op string) (any, error) {
	f := reflect.ValueOf(client).MethodByName(op)
	if !f.IsValid() {
		return nil, fmt.Errorf("the SDK has no operation %s", op)
	}
	in := reflect.New(f.Type().In(1).Elem())
	Fill(in.Interface())
	out := f.Call([]reflect.Value{reflect.ValueOf(context.Background()), in})
	if err, _ := out[1].Interface().(error); err != nil {
		return nil, err
	}
	return out[0].Interface(), nil
}
