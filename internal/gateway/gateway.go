// Package gateway is the one HTTP path to every AWS service: it finds the
// service and operation that a request means, verifies who sent it, decodes,
// authorizes, calls the operation and encodes the answer.
//
// One port takes everything. The first bytes of a connection decide which front
// reads it: HTTP/1.1 in clear goes to fasthttp (front_fast.go), a third of
// net/http's cost for the requests that SDKs send; TLS, HTTP/2 by prior
// knowledge and requests to upgrade go to net/http (front_std.go). Both fronts
// make the same Request and share everything behind it.
//
// The errors answered before an operation runs are AWS's own: facts-sqs.md 1.3
// and 1.5.
package gateway

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/spillway/spillway/internal/service"
	"github.com/spillway/spillway/internal/wire"

	"github.com/valyala/fasthttp"
)

// Config of a Gateway. It is not changed after New.
type Config struct {
	Services []*service.Service
	// Auth says who callers are: NewVerify or NewDev.
	Auth Auth
	// DefaultRegion is that of requests which name none. Default: us-east-1.
	DefaultRegion string
	Limits        Limits
	// ExternalURL, "scheme://host[:port]", replaces the Host header of callers in
	// the URLs that services return. "" returns what the caller used.
	ExternalURL string
	// AllowedOrigins are the web pages, "scheme://host[:port]", that may call
	// beside the server's own and those of this machine. "*" allows all.
	AllowedOrigins []string
	// AllowedHosts are further host names that callers may use in dev mode; see
	// hostAllowed. "*" allows all.
	AllowedHosts []string
	// Extra answers paths before AWS routing. A path that ends with a slash
	// stands for all below it; the longest wins.
	Extra map[string]Handler
	// Own are handlers that answer all paths below theirs themselves: those that stream,
	// or that wait for as long as they like. net/http reads their connections, of which
	// the first request must be one of theirs. Whoever sets them ends them before
	// Shutdown.
	Own      map[string]http.Handler
	Observer Observer     // nil for none
	Logger   *slog.Logger // nil for none
	// TLS makes the port answer TLS too. Nil: clear only.
	TLS *tls.Config
}

// Gateway serves the services. It is safe for concurrent use.
type Gateway struct {
	config Config
	limits Limits
	logger *slog.Logger
	auth   Auth
	guard  guard
	extra  extra
	routes routes
	load   load

	fast    *fasthttp.Server
	std     *http.Server
	handoff *handoff     // connections for std
	tls     *tls.Config  // nil without TLS
	sniffed sync.Pool    // of *[]byte, the first bytes of connections
	kept    atomic.Int64 // bytes of large request buffers that connections keep
	bodies  sync.Pool    // of *[]byte, for std

	draining atomic.Bool
	quit     chan struct{}  // closed when draining begins
	running  sync.WaitGroup // connections and Serve calls

	mu        sync.Mutex // guards the four below, and Add of running
	listeners map[net.Listener]struct{}
	conns     map[*conn]struct{}
	polls     map[*requestContext]struct{} // waiting requests
	stdDone   chan struct{}                // std's Serve returned; nil before its start
}

// New returns a gateway. It starts nothing.
func New(c Config) *Gateway {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.DefaultRegion == "" {
		c.DefaultRegion = "us-east-1"
	}
	c.ExternalURL = strings.TrimRight(c.ExternalURL, "/")
	g := &Gateway{
		config: c, limits: c.Limits.withDefaults(), logger: c.Logger, auth: c.Auth,
		guard: newGuard(&c), extra: newExtra(c.Extra),
		routes:    newRoutes(c.Services),
		handoff:   newHandoff(),
		quit:      make(chan struct{}),
		listeners: map[net.Listener]struct{}{}, conns: map[*conn]struct{}{}, polls: map[*requestContext]struct{}{},
	}
	if c.Limits.MaxBody == 0 {
		g.routes.allowBodies(g.limits.MaxBody)
	}
	g.load = load{maxActive: int64(g.limits.MaxConcurrent), maxWaiting: int64(g.limits.MaxLongPolls)}
	if c.TLS != nil {
		g.tls = c.TLS.Clone()
		g.tls.NextProtos = []string{"h2", "http/1.1"}
	}
	g.fast = g.newFast()
	g.std = g.newStd()
	return g
}

// Handler answers paths that are no AWS service's. It must not keep the request, and
// gives the answer's body away. ctx is
// for those that wait: it ends when the client goes, or the server drains.
type Handler func(ctx context.Context, r *Request) wire.Response

// extra finds handlers by path.
type extra struct {
	exact    map[string]Handler
	prefixes map[string]Handler // with their closing slash
}

func newExtra(handlers map[string]Handler) extra {
	e := extra{exact: map[string]Handler{}, prefixes: map[string]Handler{}}
	for path, h := range handlers {
		if strings.HasSuffix(path, "/") && path != "/" {
			e.prefixes[path] = h
		} else {
			e.exact[path] = h
		}
	}
	return e
}

func (e *extra) find(path string) Handler {
	if h := e.exact[path]; h != nil {
		return h
	}
	if len(path) < 2 || path[1] != '_' && len(e.prefixes) == 0 {
		return nil
	}
	for i := len(path); i > 1; i = strings.LastIndexByte(path[:i-1], '/') + 1 {
		if h := e.prefixes[path[:i]]; h != nil {
			return h
		}
	}
	return nil
}
