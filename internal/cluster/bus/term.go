package bus

import (
	"context"
	"sync/atomic"
)

// term is the context of those requests in a message whose callers wait equally long:
// mostly all. One for each request would cost as much as all else about it.
type term struct {
	ctx    context.Context
	cancel context.CancelFunc
	wait   uint64
	users  atomic.Int32 // requests, and who still adds some
}

// newTerm is for the deadline of a caller; see request. leave ends it.
func newTerm(ctx context.Context, wait uint64) *term {
	t := &term{wait: wait}
	t.users.Store(1)
	if wait > 0 {
		t.ctx, t.cancel = context.WithTimeout(ctx, leftOf(wait))
	} else {
		t.ctx, t.cancel = context.WithCancel(ctx)
	}
	return t
}

// fits tells whether a request can have this term: to the millisecond. t may be nil,
// here and in leave.
func (t *term) fits(wait uint64) bool {
	switch {
	case t == nil:
		return false
	case t.wait == 0 || wait == 0:
		return t.wait == wait
	}
	return max(t.wait, wait)-min(t.wait, wait) <= 1
}

// leave is called by each user; the last one ends the context.
func (t *term) leave() {
	if t != nil && t.users.Add(-1) == 0 {
		t.cancel()
	}
}
