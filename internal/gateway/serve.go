package gateway

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"time"
)

// ErrClosed is returned by Serve after Shutdown.
var ErrClosed = errors.New("gateway: closed")

// Serve accepts connections until Shutdown, and then returns nil. It closes the
// listener. It can be called for several listeners.
func (g *Gateway) Serve(l net.Listener) error {
	if !g.begin(l) {
		_ = l.Close() // not ours to serve any more
		return ErrClosed
	}
	defer g.end(l)
	pause := time.Duration(0)
	for {
		nc, err := l.Accept()
		switch {
		case err == nil:
			pause = 0
			g.accept(nc)
			continue
		case g.draining.Load():
			return nil
		case !passing(err):
			return err
		}
		// Out of descriptors or the like: connections that close bring relief.
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		g.logger.Warn("cannot accept a connection, trying again", "error", err, "pause", pause)
		select {
		case <-time.After(pause):
		case <-g.quit:
			return nil
		}
	}
}

// passing reports whether a failure to accept can go away by itself.
func passing(err error) bool {
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED, syscall.ECONNRESET} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func (g *Gateway) begin(l net.Listener) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.draining.Load() {
		return false
	}
	g.listeners[l] = struct{}{}
	g.running.Add(1)
	if g.stdDone == nil {
		done := make(chan struct{})
		g.stdDone = done
		go func() { // Shutdown waits for it
			defer close(done)
			_ = g.std.Serve(g.handoff) // always ErrServerClosed
		}()
	}
	return true
}

func (g *Gateway) end(l net.Listener) {
	_ = l.Close() // at most closed twice
	g.mu.Lock()
	delete(g.listeners, l)
	g.mu.Unlock()
	g.running.Done()
}

const tooMany = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

// accept starts a connection's goroutine, which g.running counts.
func (g *Gateway) accept(nc net.Conn) {
	c := newConn(nc, g)
	g.mu.Lock()
	draining := g.draining.Load()
	full := len(g.conns) >= g.limits.MaxConnections
	if !draining && !full {
		g.conns[c] = struct{}{}
		g.running.Add(1)
	}
	g.mu.Unlock()
	switch {
	case draining:
		_ = nc.Close() // the client sees the same as a moment later
	case full:
		// A new connection's send buffer is empty: this does not block.
		_ = nc.SetWriteDeadline(time.Now().Add(time.Second))
		_, _ = io.WriteString(nc, tooMany)
		_ = nc.Close()
	default:
		go func() {
			defer g.running.Done()
			g.serveConn(c)
		}()
	}
}

// serveConn decides who reads the connection. Those of the standard front are
// its own from then on, but stay in g.conns until they are closed.
func (g *Gateway) serveConn(c *conn) {
	f, err := c.sniff()
	if err != nil {
		_ = c.Close()
		g.forget(c)
		return
	}
	if f == frontFast {
		_ = g.fast.ServeConn(c) // it has closed c, and told the client what there was to tell
		c.releaseBuffer()
		c.keep(0)
		g.forget(c)
		return
	}
	if f == frontTLS && g.tls == nil || !c.state.CompareAndSwap(connIdle, connHandedOff) {
		_ = c.Conn.Close()
		c.releaseBuffer()
		g.forget(c)
		return
	}
	g.handoff.give(&handedConn{conn: c}, f == frontTLS, g.tls)
}

func (g *Gateway) forget(c *conn) {
	g.mu.Lock()
	delete(g.conns, c)
	g.mu.Unlock()
}

// Shutdown drains: it stops accepting, has waiting requests answer at once,
// closes idle connections, finishes requests and waits for all of it. When ctx
// ends first it closes every connection and returns the context's error.
func (g *Gateway) Shutdown(ctx context.Context) error {
	std := g.drain()
	stopped := make(chan error, 1)
	go func() { // ends when everything has, which g.closeAll brings about
		err := error(nil)
		if std != nil {
			err = g.std.Shutdown(ctx)
			<-std
		}
		g.running.Wait()
		stopped <- err
	}()
	select {
	case err := <-stopped:
		return err
	case <-ctx.Done():
		g.closeAll()
		return ctx.Err()
	}
}

// drain stops accepting and waiting. It returns what tells that std has ended.
func (g *Gateway) drain() (std chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.draining.Swap(true) {
		close(g.quit)
	}
	for l := range g.listeners {
		_ = l.Close() // Serve hears of it
	}
	for p := range g.polls {
		p.cancel(ErrStopWaiting)
	}
	for c := range g.conns {
		if c.state.CompareAndSwap(connIdle, connClosing) {
			_ = c.Conn.Close() // its reader hears of it
		}
	}
	return g.stdDone
}

func (g *Gateway) closeAll() {
	_ = g.std.Close() // closes what it can; the rest follows
	g.mu.Lock()
	defer g.mu.Unlock()
	for c := range g.conns {
		_ = c.Conn.Close()
	}
}

// handoff is the listener through which std gets its connections.
type handoff struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newHandoff() *handoff { return &handoff{conns: make(chan net.Conn), done: make(chan struct{})} }

// Accept implements net.Listener.
func (h *handoff) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (h *handoff) Close() error {
	h.once.Do(func() { close(h.done) })
	return nil
}

// Addr implements net.Listener.
func (h *handoff) Addr() net.Addr { return &net.TCPAddr{} }
