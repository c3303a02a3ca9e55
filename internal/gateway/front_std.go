package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spillway/spillway/internal/smithy"
)

// newStd configures net/http for what the fast front does not read.
func (g *Gateway) newStd() *http.Server {
	p := new(http.Protocols)
	p.SetHTTP1(true)
	p.SetHTTP2(true)
	p.SetUnencryptedHTTP2(true)
	return &http.Server{
		Handler:   http.HandlerFunc(g.serveStd),
		Protocols: p,
		// No ReadTimeout: it would end long polls. readBody has its own deadline.
		ReadHeaderTimeout: g.limits.ReadTimeout,
		IdleTimeout:       g.limits.IdleTimeout,
		MaxHeaderBytes:    g.limits.MaxHeader,
		ErrorLog:          log.New(stdLogger{g.logger}, "", 0),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			if t, ok := c.(*tls.Conn); ok {
				c = t.NetConn()
			}
			return context.WithValue(ctx, connKey{}, c)
		},
	}
}

// connKey finds the handedConn in the context of a request.
type connKey struct{}

// handedConn is a connection of the standard front.
type handedConn struct {
	*conn
	once sync.Once
}

// Close implements net.Conn.
func (c *handedConn) Close() error {
	c.once.Do(func() { c.g.forget(c.conn) })
	return c.conn.Conn.Close()
}

// CloseWrite lets net/http end a connection without destroying its last answer.
func (c *handedConn) CloseWrite() error {
	if half, ok := c.conn.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return net.ErrClosed
}

// give passes a connection on, or closes it when std has shut down.
func (h *handoff) give(c *handedConn, secure bool, config *tls.Config) {
	var nc net.Conn = c
	if secure {
		nc = tls.Server(c, config)
	}
	select {
	case h.conns <- nc:
	case <-h.done:
		_ = c.Close()
	}
}

// serveOwn has a handler of Config.Own answer.
func (g *Gateway) serveOwn(own http.Handler, w http.ResponseWriter, hr *http.Request, r *Request) {
	defer func() {
		if p := recover(); p != nil {
			g.logger.Error("panic in a request", "request_id", r.ID, "path", r.Path, "panic", p, "stack", string(debug.Stack()))
			panic(http.ErrAbortHandler)
		}
	}()
	if refusal := g.guard.check(r, true); refusal != "" {
		http.Error(w, refusal, http.StatusForbidden)
		return
	}
	own.ServeHTTP(w, hr)
}

func (g *Gateway) serveStd(w http.ResponseWriter, hr *http.Request) {
	c, _ := hr.Context().Value(connKey{}).(*handedConn)
	call := &stdCall{header: stdHeader{hr}, watcher: stdWatcher{done: hr.Context().Done(), stop: make(chan struct{})}}
	call.ctx.g, call.ctx.client = g, &call.watcher
	r := &call.request
	r.ID = newRequestID()
	r.Method = hr.Method
	r.Path, r.RawQuery = splitTarget(hr.RequestURI)
	r.Header = &call.header
	r.Host, r.TLS = hr.Host, hr.TLS != nil
	scheme := "http://"
	if r.TLS {
		scheme = "https://"
	}
	if c != nil {
		r.Remote = c.remote
		if r.Host == "" {
			r.Host = c.LocalAddr().String() // HTTP/1.0
		}
	}
	if r.BaseURL = g.config.ExternalURL; r.BaseURL == "" {
		r.BaseURL = scheme + r.Host
	}
	if own := findOwn(r.Path, g.config.Own); own != nil {
		g.serveOwn(own, w, hr, r)
		return
	}
	buf, _ := g.bodies.Get().(*[]byte)
	if buf == nil {
		buf = new([]byte)
	}
	release := func() {
		if buf != nil && cap(*buf) <= keptBody {
			g.bodies.Put(buf)
		}
		buf = nil
	}
	defer release()
	body, refusal := g.readBody(w, hr, (*buf)[:0])
	*buf = body[:0]
	r.Arrived = time.Now()
	var res Response
	if refusal != nil {
		w.Header().Set("Connection", "close")
		res = g.refuse(r, refusal)
	} else {
		r.Body = body
		res = g.serve(&call.ctx, r, nil)
	}
	h := w.Header()
	if res.ContentType != "" {
		h["Content-Type"] = []string{res.ContentType}
	} else {
		h["Content-Type"] = nil // net/http shall not guess
	}
	h[requestIDName] = []string{r.ID}
	for _, f := range res.Fields {
		h[f.Name] = append(h[f.Name], f.Value)
	}
	if res.Stream != nil {
		r.Body = nil
		release()
		g.streamStd(w, call, &res)
		return
	}
	call.ctx.finish()
	h["Content-Length"] = []string{strconv.Itoa(len(res.Body))}
	if res.Status == http.StatusNoContent {
		delete(h, "Content-Length")
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(g.limits.WriteTimeout))
	w.WriteHeader(res.Status)
	_, _ = w.Write(res.Body) // a client that does not take its answer is gone
}

// streamStd writes an answer that streams, after its header.
func (g *Gateway) streamStd(w http.ResponseWriter, call *stdCall, res *Response) {
	control := http.NewResponseController(w)
	w.WriteHeader(res.Status)
	var failed error
	err := res.Stream(func(piece []byte) error {
		if failed != nil {
			return failed
		}
		// In HTTP/2 the deadline ends a stream that only waits as well.
		_ = control.SetWriteDeadline(time.Now().Add(g.limits.WriteTimeout))
		_, failed = w.Write(piece)
		if failed == nil {
			failed = control.Flush()
		}
		_ = control.SetWriteDeadline(time.Time{})
		return failed
	})
	call.ctx.finish()
	if err != nil {
		panic(http.ErrAbortHandler) // the client shall see that there was more
	}
	_ = control.SetWriteDeadline(time.Now().Add(g.limits.WriteTimeout))
}

const (
	// keptBody is the largest buffer that goes back to the pool, in bytes.
	keptBody = 256 << 10
	// maxKept is how many bytes connections of the fast front keep in larger ones:
	// clients that send much send it again, and memory that is new costs much.
	maxKept = 64 << 20
)

// readBody appends the request's body to dst.
func (g *Gateway) readBody(w http.ResponseWriter, hr *http.Request, dst []byte) ([]byte, *smithy.APIError) {
	most := g.maxBody(hr.Header.Get("X-Amz-Target"))
	limit := int64(most)
	switch {
	case hr.ContentLength > limit:
		return dst, errBodyTooLarge(most)
	case hr.ContentLength == 0:
		return dst, nil
	}
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(g.limits.ReadTimeout)) // all conns here have deadlines
	body := http.MaxBytesReader(w, hr.Body, limit)
	for {
		if len(dst) == cap(dst) {
			dst = append(dst, 0)[:len(dst)]
		}
		n, err := body.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
		if err == nil {
			continue
		}
		// Without it the deadline would end a long poll as if its client had gone.
		_ = control.SetReadDeadline(time.Time{})
		var large *http.MaxBytesError
		var timeout net.Error
		switch {
		case errors.Is(err, io.EOF):
			return dst, nil
		case errors.As(err, &large):
			return dst, errBodyTooLarge(most)
		case errors.As(err, &timeout) && timeout.Timeout():
			return dst, errSlow()
		}
		return dst, errUnreadable()
	}
}

type stdCall struct {
	request Request
	header  stdHeader
	watcher stdWatcher
	ctx     requestContext
}

// stdWatcher is a client that net/http watches over.
type stdWatcher struct {
	done    <-chan struct{}
	stop    chan struct{}
	stopped atomic.Bool
}

func (w *stdWatcher) watch() bool {
	select {
	case <-w.done:
		return !w.stopped.Load()
	case <-w.stop:
		return false
	}
}

func (w *stdWatcher) unwatch() {
	w.stopped.Store(true)
	close(w.stop)
}

func (w *stdWatcher) settle() {}

// stdHeader is net/http's headers as codecs and verification see them.
type stdHeader struct{ r *http.Request }

// Get implements wire.Header.
func (s *stdHeader) Get(name string) string {
	key := http.CanonicalHeaderKey(name)
	if v := s.r.Header[key]; len(v) > 0 {
		return v[0]
	}
	return s.moved(key)
}

// moved is a header that net/http keeps elsewhere.
func (s *stdHeader) moved(key string) string {
	switch {
	case key == "Host":
		return s.r.Host
	case key == "Content-Length" && s.r.ContentLength >= 0:
		return strconv.FormatInt(s.r.ContentLength, 10)
	}
	return ""
}

// Values implements wire.Header.
func (s *stdHeader) Values(dst []string, name string) []string {
	key := http.CanonicalHeaderKey(name)
	if v := s.r.Header[key]; len(v) > 0 {
		return append(dst, v...)
	}
	if v := s.moved(key); v != "" {
		return append(dst, v)
	}
	return dst
}

// Each implements wire.Header.
func (s *stdHeader) Each(yield func(name, value string) bool) {
	if !yield("Host", s.r.Host) {
		return
	}
	for name, values := range s.r.Header {
		for _, v := range values {
			if !yield(name, v) {
				return
			}
		}
	}
}

// stdLogger has net/http's complaints, which are about clients, at debug level.
type stdLogger struct{ l *slog.Logger }

// Write implements io.Writer.
func (s stdLogger) Write(p []byte) (int, error) {
	s.l.Debug("http: " + string(p[:max(len(p)-1, 0)]))
	return len(p), nil
}
