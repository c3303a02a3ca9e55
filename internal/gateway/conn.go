package gateway

import (
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// States of a connection that the fast front reads. Whoever changes idle owns
// what comes next: the front a request, the drain the close.
const (
	connIdle int32 = iota
	connActive
	connClosing
	connHandedOff // to the standard front
)

// conn is an accepted connection. It gives its reader the sniffed bytes first,
// and can watch for the client's end while the reader does not read.
type conn struct {
	net.Conn
	g      *Gateway
	remote netip.AddrPort
	state  atomic.Int32

	prefix []byte  // sniffed and not read yet
	buffer *[]byte // that holds it, from g.sniffed

	ahead    byte // read by watch
	hasAhead bool
	linger   bool // the client may be sending still when we close

	host, baseURL string // the last request's

	kept int64 // of g.kept: the size of the request buffer, if it is large

	mu      sync.Mutex // guards stopped
	stopped bool       // watch must not read any more
}

func newConn(c net.Conn, g *Gateway) *conn {
	out := &conn{Conn: c, g: g}
	if a, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		out.remote = a.AddrPort()
	}
	return out
}

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	switch {
	case len(p) == 0:
		return 0, nil
	case len(c.prefix) > 0:
		n := copy(p, c.prefix)
		if c.prefix = c.prefix[n:]; len(c.prefix) == 0 {
			c.releaseBuffer()
		}
		return n, nil
	case c.hasAhead:
		c.hasAhead = false
		p[0] = c.ahead
		return 1, nil
	}
	return c.Conn.Read(p)
}

func (c *conn) releaseBuffer() {
	if c.buffer != nil {
		c.g.sniffed.Put(c.buffer)
		c.buffer = nil
	}
	c.prefix = nil
}

// watch implements client. It reads one byte: the end of the stream means that
// the client is gone, anything else is the beginning of its next request.
func (c *conn) watch() bool {
	c.mu.Lock()
	if c.stopped || c.hasAhead {
		c.mu.Unlock()
		return false
	}
	// The deadline of the request's own bytes may still be set.
	err := c.Conn.SetReadDeadline(time.Time{})
	c.mu.Unlock()
	if err != nil {
		return true
	}
	var b [1]byte
	n, err := c.Conn.Read(b[:])
	if n == 1 {
		c.ahead, c.hasAhead = b[0], true
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.stopped || !os.IsTimeout(err)
}

// unwatch implements client.
func (c *conn) unwatch() {
	c.mu.Lock()
	c.stopped = true
	_ = c.Conn.SetReadDeadline(time.Unix(1, 0)) // a failure ends the read as well
	c.mu.Unlock()
}

// settle implements client.
func (c *conn) settle() {
	c.mu.Lock()
	c.stopped = false
	_ = c.Conn.SetReadDeadline(time.Time{}) // the next Read fails if this does
	c.mu.Unlock()
}

// Limits of lingering: what a client can make us read and wait for in vain.
const (
	lingerTime  = 500 * time.Millisecond
	lingerBytes = 1 << 20
)

// Close implements net.Conn. After a refusal the client may still be sending;
// closing at once would reset the connection and could destroy our answer
// before it is read.
func (c *conn) Close() error {
	if c.linger {
		c.linger = false
		if half, ok := c.Conn.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil &&
			c.Conn.SetReadDeadline(time.Now().Add(lingerTime)) == nil {
			_, _ = io.CopyN(io.Discard, c.Conn, lingerBytes) // any end will do
		}
	}
	return c.Conn.Close()
}

// keep tells whether a request buffer of so many bytes stays with the connection for the
// next request: a small one does, a large one while all of them are not too many.
func (c *conn) keep(size int) bool {
	now := int64(0)
	if size > keptBody {
		now = int64(size)
	}
	if c.g.kept.Add(now-c.kept) > maxKept && now > 0 {
		c.g.kept.Add(-now)
		c.kept = 0
		return false
	}
	c.kept = now
	return true
}

// writeAll writes parts as one, in limited time.
func (c *conn) writeAll(parts net.Buffers, limit time.Duration) error {
	if err := c.Conn.SetWriteDeadline(time.Now().Add(limit)); err != nil {
		return err
	}
	_, err := parts.WriteTo(c.Conn)
	return err
}

// base is the URL of the server as this host names it.
func (c *conn) base(host string) string {
	if c.host != host || c.baseURL == "" {
		c.baseURL = "http://" + host
		c.host = c.baseURL[len("http://"):]
	}
	return c.baseURL
}
