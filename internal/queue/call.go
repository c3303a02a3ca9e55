package queue

import "sync"

// call is the part of a command that its caller waits on.
type call struct {
	err   error
	ended chan struct{} // 1 slot: sent to exactly once
}

func newCall() call { return call{ended: make(chan struct{}, 1)} }

// Done implements partition.Command.
func (c *call) Done(err error) {
	if err != nil {
		c.err = err
	}
	c.ended <- struct{}{}
}

// wait returns when the command is done, and makes the call fit for reuse.
func (c *call) wait() error {
	<-c.ended
	err := c.err
	c.err = nil
	return err
}

// pool keeps commands of one type for reuse: the hot ones would otherwise cost
// an allocation and a channel each.
type pool[T any] struct{ p sync.Pool }

func newPool[T any](make func() *T) *pool[T] {
	return &pool[T]{sync.Pool{New: func() any { return make() }}}
}

func (p *pool[T]) get() *T  { return p.p.Get().(*T) }
func (p *pool[T]) put(c *T) { p.p.Put(c) }
