package stream

import (
	"sync"

	"github.com/spillway/spillway/internal/stream/core"
)

// publication is what a batch changed, to be shown to readers when it is durable. The
// partition calls commit before it answers the batch's callers, so whoever was told
// that a record is stored finds it.
type publication struct {
	engine  *Engine
	changes []change
	commit  func(err error) // its own method, bound once
}

type change struct {
	shard *Shard
	state core.State
	fresh []cached
}

var publications = sync.Pool{New: func() any { return new(publication) }}

func newPublication(e *Engine) *publication {
	p := publications.Get().(*publication)
	p.engine = e
	if p.commit == nil {
		p.commit = p.committed
	}
	return p
}

func (p *publication) free() {
	p.engine = nil
	clear(p.changes)
	p.changes = p.changes[:0]
	publications.Put(p)
}

func (p *publication) committed(err error) {
	if err == nil {
		for i := range p.changes {
			c := &p.changes[i]
			c.shard.publish(&c.state, c.fresh)
		}
		p.engine.tails.keep(p)
	}
	p.free()
}
