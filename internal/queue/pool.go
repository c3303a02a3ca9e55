package queue

import "sync"

// pool keeps commands of one type for reuse: the hot ones would otherwise cost
// an allocation and a channel each.
type pool[T any] struct{ p sync.Pool }

func newPool[T any](make func() *T) *pool[T] {
	return &pool[T]{sync.Pool{New: func() any { return make() }}}
}

func (p *pool[T]) get() *T  { return p.p.Get().(*T) }
func (p *pool[T]) put(c *T) { p.p.Put(c) }
