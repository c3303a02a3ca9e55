package server

import (
	"bytes"
	"context"
	"net/http"

	"github.com/spillway/spillway/internal/gateway"
	"github.com/spillway/spillway/internal/wire"
)

// passed are the request headers that handlers of net/http get to see.
var passed = []string{"Authorization", "Content-Type", "Lambda-Runtime-Function-Error-Type", "Lambda-Runtime-Function-Error-Body"}

// adapt runs a handler of net/http whose answer fits in memory.
func adapt(h http.HandlerFunc) gateway.Handler {
	return func(ctx context.Context, r *gateway.Request) wire.Response {
		req, err := http.NewRequestWithContext(ctx, r.Method, "http://localhost"+r.Path+"?"+r.RawQuery, bytes.NewReader(r.Body))
		if err != nil {
			return wire.Response{Status: http.StatusBadRequest}
		}
		for _, name := range passed {
			if v := r.Header.Get(name); v != "" {
				req.Header.Set(name, v)
			}
		}
		w := &recorder{header: http.Header{}, status: http.StatusOK}
		h(w, req)
		out := wire.Response{Status: w.status, ContentType: w.header.Get("Content-Type"), Body: w.body.Bytes()}
		for name, values := range w.header {
			if name != "Content-Type" && name != "Content-Length" {
				out.Fields = append(out.Fields, wire.Field{Name: name, Value: values[0]})
			}
		}
		return out
	}
}

// recorder is a response writer into memory.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (w *recorder) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (w *recorder) WriteHeader(status int) { w.status = status }

// Write implements http.ResponseWriter.
func (w *recorder) Write(b []byte) (int, error) { return w.body.Write(b) }
