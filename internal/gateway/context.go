package gateway

import (
	"context"
	"errors"
	"sync"
	"time"
)

// ErrStopWaiting is the cause with which the context of a waiting request ends
// when the server drains or holds too many of them. The caller is still there:
// answer it with what there is.
var ErrStopWaiting = errors.New("gateway: stop waiting and answer")

// errClientGone is the cause when there is nobody left to answer.
var errClientGone = errors.New("gateway: the client went away")

// patience is how long a request waits before its connection is watched. Most
// requests that could wait are answered at once; they pay for a timer only.
const patience = 5 * time.Millisecond

// client watches over the other end of a request's connection.
type client interface {
	// watch returns when the client is gone (true), or when it said something
	// or unwatch was called (false).
	watch() bool
	unwatch()
	// settle is called when watch has returned for good.
	settle()
}

// requestContext is the context of one request. Nothing is watched until
// somebody asks for Done, which only requests that wait do.
type requestContext struct {
	g      *Gateway
	client client
	// works is set before the operation runs: it does not wait on purpose, however long
	// it takes, and is let finish.
	works bool

	mu       sync.Mutex // guards the rest
	inner    context.Context
	cancel   context.CancelCauseFunc
	timer    *time.Timer
	waited   chan struct{} // closed when the timer's function is through
	finished bool

	parked bool // written before waited is closed, read after
}

// Deadline implements context.Context.
func (c *requestContext) Deadline() (time.Time, bool) { return time.Time{}, false }

// Done implements context.Context.
func (c *requestContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inner == nil {
		c.inner, c.cancel = context.WithCancelCause(context.Background())
		if c.finished {
			c.cancel(nil)
		} else {
			c.waited = make(chan struct{})
			c.timer = time.AfterFunc(patience, c.wait)
		}
	}
	return c.inner.Done()
}

// Err implements context.Context.
func (c *requestContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inner != nil {
		return c.inner.Err()
	}
	if c.finished {
		return context.Canceled
	}
	return nil
}

// Value implements context.Context. Package context finds the cause, and
// attaches derived contexts without a goroutine, through it.
func (c *requestContext) Value(key any) any {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inner == nil {
		return nil
	}
	return c.inner.Value(key)
}

// wait watches while the request waits. It may end before the request does: when
// the client has sent more, its end can no longer be seen. Finish waits for it.
func (c *requestContext) wait() {
	defer close(c.waited)
	if !c.works {
		if !c.g.load.park() {
			c.cancel(ErrStopWaiting)
			return
		}
		c.parked = true
		if !c.g.addPoll(c) {
			c.cancel(ErrStopWaiting)
			return
		}
	}
	if c.client.watch() {
		c.cancel(errClientGone)
	}
}

// finish ends the context when the request is answered, and gives the connection
// back to its front.
func (c *requestContext) finish() {
	c.mu.Lock()
	c.finished = true
	timer := c.timer
	c.mu.Unlock()
	if timer == nil {
		return
	}
	if !timer.Stop() {
		c.client.unwatch()
		<-c.waited
		c.client.settle()
		c.g.removePoll(c)
		if c.parked {
			c.g.load.unpark()
		}
	}
	c.cancel(nil)
}

// addPoll registers a waiting request, unless the server drains.
func (g *Gateway) addPoll(c *requestContext) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.draining.Load() {
		return false
	}
	g.polls[c] = struct{}{}
	return true
}

func (g *Gateway) removePoll(c *requestContext) {
	g.mu.Lock()
	delete(g.polls, c)
	g.mu.Unlock()
}
