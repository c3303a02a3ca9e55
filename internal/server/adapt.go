package server

import (
	"bytes"
	"context"
	"net/http"

	"github.com/spillway/spillway/internal/gateway"
	"github.com/spillway/spillway/internal/wire"
)

// adapt runs a net/http handler that reads no body, as those of pprof.
func adapt(h http.HandlerFunc) gateway.Handler {
	return func(ctx context.Context, r *gateway.Request) wire.Response {
		req, err := http.NewRequestWithContext(ctx, r.Method, "http://localhost"+r.Path+"?"+r.RawQuery, http.NoBody)
		if err != nil {
			return wire.Response{Status: http.StatusBadRequest}
		}
		w := &recorder{header: http.Header{}, status: http.StatusOK}
		h(w, req)
		return wire.Response{Status: w.status, ContentType: w.header.Get("Content-Type"), Body: w.body.Bytes()}
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
