package gateway

import (
	"strings"
	"sync/atomic"
	"time"
)

// Limits bound what clients can make the server hold. Zero values mean the
// defaults.
type Limits struct {
	// MaxBody is the largest request body in bytes. Default: what the largest request
	// of the service that it is for needs, which is 6.25 MiB for most. A legal
	// SQS message has 1,048,576 bytes, and JSON may write each of them in six
	// (\u00XX), so 6 MiB is the largest body that AWS takes; the rest is for the
	// members around it. Forms need half of that (%XX). Kinesis takes 10 MiB of records,
	// which are 14 MiB in base64, and has 16 MiB; see smithy.Service.
	MaxBody int
	// MaxHeader is the largest request line and headers, in bytes; every open
	// connection has a buffer of that size. Default: 16 KiB, room for a session
	// token and a long presigned query.
	MaxHeader int
	// MaxConcurrent is how many requests run at a time; more are answered 503,
	// which SDKs try again. Long polls that wait do not count. Default: 4096.
	MaxConcurrent int
	// MaxConnections is how many connections are open at a time; more are
	// answered 503 and closed. Default: 20,000.
	MaxConnections int
	// MaxLongPolls is how many requests may wait at a time. Beyond it a long poll
	// becomes a short one: it answers at once with what there is, which every
	// consumer understands, where a 503 would make it back off. Default: 10,000.
	MaxLongPolls int
	// ReadTimeout is how long a client may take to send one request, WriteTimeout
	// to take the answer. Neither bounds a long poll. Default: 30 s each.
	ReadTimeout, WriteTimeout time.Duration
	// IdleTimeout is how long a connection may be open without a request.
	// Default: 2 minutes, above the pool time-outs of the SDKs, so that theirs
	// come first and no request meets a closing connection.
	IdleTimeout time.Duration
}

func (l Limits) withDefaults() Limits {
	for _, n := range []struct {
		field *int
		value int
	}{
		{&l.MaxBody, 6<<20 + 256<<10}, {&l.MaxHeader, 16 << 10}, {&l.MaxConcurrent, 4096},
		{&l.MaxConnections, 20_000}, {&l.MaxLongPolls, 10_000},
	} {
		if *n.field == 0 {
			*n.field = n.value
		}
	}
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{{&l.ReadTimeout, 30 * time.Second}, {&l.WriteTimeout, 30 * time.Second}, {&l.IdleTimeout, 2 * time.Minute}} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	return l
}

// load counts the requests in work.
type load struct {
	active, waiting       atomic.Int64
	maxActive, maxWaiting int64
}

// Load is how many requests are being answered, and how many wait in a long poll.
func (g *Gateway) Load() (running, waiting int) {
	return int(g.load.active.Load()), int(g.load.waiting.Load())
}

// enter takes a place for a request, if there is one; leave gives it back.
func (l *load) enter() bool {
	if l.active.Add(1) <= l.maxActive {
		return true
	}
	l.active.Add(-1)
	return false
}

func (l *load) leave() { l.active.Add(-1) }

// park turns a running request into a waiting one. Without room to wait it goes
// on running. Unpark is the way back; it may exceed maxActive for a moment, as
// the request must still answer.
func (l *load) park() bool {
	if l.waiting.Add(1) > l.maxWaiting {
		l.waiting.Add(-1)
		return false
	}
	l.active.Add(-1)
	return true
}

func (l *load) unpark() {
	l.active.Add(1)
	l.waiting.Add(-1)
}

// crowded reports that no more requests may wait. One that does nothing else than
// wait is better refused then.
func (l *load) crowded() bool { return l.waiting.Load() >= l.maxWaiting }

// allowBodies has services take the larger bodies that they need, where nobody has
// set a limit. Which service a request is for is known from its headers; a body beyond
// what that one needs is not read.
func (t *routes) allowBodies(usual int) {
	for prefix, m := range t.byTarget {
		if m.API.MaxBody > usual {
			if t.bodies == nil {
				t.bodies = map[string]int{}
			}
			t.bodies[prefix] = m.API.MaxBody
		}
	}
}

// maxBody is the largest body, in bytes, of a request with this X-Amz-Target.
func (g *Gateway) maxBody(target string) int {
	if g.routes.bodies != nil && target != "" {
		prefix, _, _ := strings.Cut(target, ".")
		if n := g.routes.bodies[prefix]; n > 0 {
			return n
		}
	}
	return g.limits.MaxBody
}
