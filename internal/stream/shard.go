package stream

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/stream/core"
)

// Shard is one append-only sequence of records. Its methods may be called by any
// goroutine; all return the errors of package partition and ErrNoShard.
type Shard struct {
	id        uint64
	m         *machine
	retention atomic.Int64 // ms
	gone      atomic.Bool

	// mu guards the fields below: what is committed, as readers see it. It is held for
	// a moment only.
	mu    sync.Mutex
	state core.State
	tail  []cached
	// changed is closed when there is something new for those that wait; nil while
	// nobody does.
	changed chan struct{}
}

// Bounds say what a shard holds. Times are unix ms.
type Bounds struct {
	// First is the oldest record that is stored. Some from there on may have expired
	// already: they are not shown, and trimmed soon. It is Next when all have.
	First    uint64
	Next     uint64 // the sequence that the next record gets
	Newest   int64  // time of the newest record there ever was, 0 before the first
	ClosedAt int64  // 0 while the shard takes appends
}

// Local tells whether this node owns the shard's partition.
func (s *Shard) Local() bool { return s.m.p.Owned() }

// glance is what a reader sees of a shard at one moment.
type glance struct {
	core.State
	cutoff int64  // records before it are not shown
	epoch  uint64 // see machine.epoch
}

// glance returns what is committed, if this node owns the shard.
func (s *Shard) glance() (glance, error) {
	if s.gone.Load() {
		return glance{}, ErrNoShard
	}
	g := glance{epoch: s.m.epoch.Load()}
	s.mu.Lock()
	g.State = s.state
	s.mu.Unlock()
	g.cutoff = g.Cutoff(time.Now().UnixMilli(), s.retention.Load())
	return g, s.still(g.epoch)
}

// still returns nil if this node has owned the shard since an epoch was looked up: what
// was read in between is right then.
func (s *Shard) still(epoch uint64) error {
	switch {
	case s.m.p.Owned() && s.m.epoch.Load() == epoch:
		return nil
	case s.m.engine.clustered():
		return partition.ErrNotOwner
	}
	return partition.ErrStopped
}

func (g *glance) bounds() Bounds {
	b := Bounds{First: g.First, Next: g.Next, Newest: g.Newest, ClosedAt: g.ClosedAt}
	if g.Newest < g.cutoff {
		b.First = b.Next
	}
	return b
}

// publish shows a committed change to readers.
func (s *Shard) publish(state *core.State, fresh []cached) {
	s.mu.Lock()
	s.state = *state
	s.tail = append(s.tail, fresh...)
	s.wake()
	s.mu.Unlock()
}

// wake has those that wait look again. mu is held.
func (s *Shard) wake() {
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

// watch returns a channel that is closed with the next change.
func (s *Shard) watch() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	return s.changed
}

// reset forgets what was committed: the partition is not this node's any more.
func (s *Shard) reset() {
	s.mu.Lock()
	s.state = core.NewState()
	s.wake()
	s.mu.Unlock()
	s.m.engine.tails.drop(s)
}

// end makes the shard one that is not there.
func (s *Shard) end() {
	s.gone.Store(true)
	s.mu.Lock()
	s.wake()
	s.mu.Unlock()
}
