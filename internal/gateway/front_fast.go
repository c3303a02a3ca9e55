package gateway

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/valyala/fasthttp"
)

// newFast configures fasthttp to hand over requests as they were sent, which
// signatures need, and to limit them before it reads them.
func (g *Gateway) newFast() *fasthttp.Server {
	return &fasthttp.Server{
		Handler:      g.serveFast,
		ErrorHandler: g.refuseFast,
		// A body that is too large is not asked for.
		ExpectHandler: func(ctx *fasthttp.RequestCtx) int {
			if ctx.Request.Header.ContentLength() > g.maxBodyFast(&ctx.Request.Header) {
				return fasthttp.StatusRequestEntityTooLarge
			}
			return fasthttp.StatusContinue
		},
		HeaderReceived: func(h *fasthttp.RequestHeader) (c fasthttp.RequestConfig) {
			if n := h.ContentLength(); n < 0 || n > g.limits.MaxBody {
				c.MaxRequestBodySize = g.maxBodyFast(h)
			}
			return c
		},
		ConnState:                    g.fastState,
		Logger:                       fastLogger{g},
		Concurrency:                  1 << 30, // accept has counted them
		ReadBufferSize:               g.limits.MaxHeader,
		MaxRequestBodySize:           g.limits.MaxBody,
		ReadTimeout:                  g.limits.ReadTimeout,
		WriteTimeout:                 g.limits.WriteTimeout,
		IdleTimeout:                  g.limits.IdleTimeout,
		LazyRequestTime:              true,
		NoDefaultServerHeader:        true,
		NoDefaultContentType:         true,
		DisablePreParseMultipartForm: true,
		SecureErrorLogMessage:        true,
	}
}

func (g *Gateway) maxBodyFast(h *fasthttp.RequestHeader) int {
	return g.maxBody(alias(h.Peek("X-Amz-Target")))
}

// fastState keeps track of who owns a connection: see the states of conn.
func (g *Gateway) fastState(nc net.Conn, s fasthttp.ConnState) {
	c, ok := nc.(*conn)
	if !ok {
		return
	}
	switch s {
	case fasthttp.StateActive:
		c.state.CompareAndSwap(connIdle, connActive)
	case fasthttp.StateIdle:
		// Draining may have begun while the request was active; nobody else
		// closes the connection then.
		if c.state.CompareAndSwap(connActive, connIdle) && g.draining.Load() && c.state.CompareAndSwap(connIdle, connClosing) {
			_ = c.Conn.Close() // the front's next read hears of it
		}
	}
}

// fastCall is a request with what serves it, in one allocation.
type fastCall struct {
	request Request
	header  fastHeader
	ctx     requestContext
}

func (g *Gateway) newFastCall(ctx *fasthttp.RequestCtx) *fastCall {
	c := ctx.Conn().(*conn) // serveConn serves no others
	h := &ctx.Request.Header
	call := &fastCall{header: fastHeader{h}}
	call.ctx.g, call.ctx.client = g, c
	r := &call.request
	r.ID = newRequestID()
	r.Arrived = time.Now()
	r.Remote = c.remote
	r.Method = alias(h.Method())
	r.Path, r.RawQuery = splitTarget(alias(h.RequestURI()))
	r.Header = &call.header
	if r.Host = alias(h.Host()); r.Host == "" {
		r.Host = c.LocalAddr().String() // HTTP/1.0
	}
	r.BaseURL = g.config.ExternalURL
	if r.BaseURL == "" {
		r.BaseURL = c.base(r.Host)
	}
	return call
}

func (g *Gateway) serveFast(ctx *fasthttp.RequestCtx) {
	call := g.newFastCall(ctx)
	call.request.Body = ctx.PostBody()
	res := g.serve(&call.ctx, &call.request, ctx.Response.SwapBody(nil)[:0])
	// fasthttp keeps both bodies' memory for as long as the connection is open.
	if !call.ctx.client.(*conn).keep(cap(call.request.Body)) || res.Stream != nil {
		ctx.Request.SwapBody(nil)
		call.request.Body = nil
	}
	if res.Stream != nil {
		g.streamFast(ctx, call, &res)
		return
	}
	call.ctx.finish()
	g.writeFast(ctx, call.request.ID, &res)
}

// streamFast writes an answer that streams. fasthttp could, but through a buffer and
// a goroutine of its own, or without knowing when a piece is through; so the pieces go
// straight to the connection, which ends with the answer.
func (g *Gateway) streamFast(ctx *fasthttp.RequestCtx, call *fastCall, res *Response) {
	c := ctx.Conn().(*conn)
	w := &chunked{g: g, c: c, raw: !ctx.Request.Header.IsHTTP11()}
	setHeader(&ctx.Response.Header, call.request.ID, res)
	ctx.Response.Header.SetConnectionClose()
	if !w.raw {
		ctx.Response.Header.SetContentLength(-1)
	}
	w.head = ctx.Response.Header.AppendBytes(nil)
	if err := res.Stream(w.piece); err == nil {
		_ = w.close() // a client that does not take its answer is gone
	}
	call.ctx.finish()
	c.linger = c.hasAhead
	_ = c.Close() // fasthttp's own answer fails: the client has all it gets
}

func setHeader(h *fasthttp.ResponseHeader, id string, res *Response) {
	h.SetStatusCode(res.Status)
	if res.ContentType != "" {
		h.SetContentType(res.ContentType)
	}
	h.SetCanonical([]byte(requestIDName), []byte(id)) // copied, on the stack
	for _, f := range res.Fields {
		h.Add(f.Name, f.Value)
	}
}

func (g *Gateway) writeFast(ctx *fasthttp.RequestCtx, id string, res *Response) {
	setHeader(&ctx.Response.Header, id, res)
	if cap(res.Body) > keptBody {
		ctx.Response.SetBodyRaw(res.Body)
	} else {
		ctx.Response.SwapBody(res.Body)
	}
	if g.draining.Load() {
		ctx.SetConnectionClose()
	}
}

// refuseFast answers what could not be read as a request.
func (g *Gateway) refuseFast(ctx *fasthttp.RequestCtx, err error) {
	c := ctx.Conn().(*conn)
	c.linger = true
	ctx.Response.Reset()
	var small *fasthttp.ErrSmallBuffer
	refusal := errUnreadable()
	switch {
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		refusal = errBodyTooLarge(g.maxBodyFast(&ctx.Request.Header))
	case errors.As(err, &small):
		refusal = errHeaderTooLarge(g.limits.MaxHeader)
	case os.IsTimeout(err):
		refusal = errSlow()
	}
	call := g.newFastCall(ctx)
	res := g.refuse(&call.request, refusal)
	g.writeFast(ctx, call.request.ID, &res)
}

// fastHeader is fasthttp's headers as codecs and verification see them.
type fastHeader struct{ h *fasthttp.RequestHeader }

// Get implements wire.Header.
func (f *fastHeader) Get(name string) string { return alias(f.h.Peek(name)) }

// Values implements wire.Header.
func (f *fastHeader) Values(dst []string, name string) []string {
	for _, v := range f.h.PeekAll(name) {
		dst = append(dst, alias(v))
	}
	return dst
}

// Each implements wire.Header.
func (f *fastHeader) Each(yield func(name, value string) bool) {
	for name, value := range f.h.All() {
		if !yield(alias(name), alias(value)) {
			return
		}
	}
}

// fastLogger has fasthttp's complaints, which are about clients, at debug level.
type fastLogger struct{ g *Gateway }

// Printf implements fasthttp.Logger.
func (l fastLogger) Printf(format string, args ...any) {
	l.g.logger.Debug("http: " + strings.TrimSpace(fmt.Sprintf(format, args...)))
}
