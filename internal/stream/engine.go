package stream

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/store"
	"github.com/spillway/spillway/internal/stream/core"
)

// Record is one record of a shard, see package core.
type Record = core.Record

// Errors beside those of package partition.
var (
	// ErrNoShard means that the shard was deleted.
	ErrNoShard = errors.New("stream: no such shard")
	// ErrClosed means that the shard takes no more records.
	ErrClosed = core.ErrClosed
	// ErrTooLarge means that an append is larger than MaxAppend; nothing was stored.
	ErrTooLarge = errors.New("stream: append too large")
)

const (
	// MaxAppend bounds the bytes of one append: keys, headers and data. It is room for
	// a record of 10 MiB, and such an append is one batch.
	MaxAppend = 12 << 20
	// MaxRead bounds the bytes that one Read returns, as Record.Size counts them,
	// except for a single record.
	MaxRead = 16 << 20
	// maxRecords bounds the records of one Append and one Read.
	maxRecords = 1 << 16

	defaultCacheBytes = 64 << 20
	defaultLargeBatch = 192 << 10
	// largeChunk is the least that is stored apart from its key.
	largeChunk = 4 << 10
)

// Options of an Engine. The zero value is a good default.
type Options struct {
	// CacheBytes bounds the newest records that are kept in memory for readers at the
	// tip: default 64 MiB.
	CacheBytes int64
	// LargeBatch is how many bytes of records a batch has at least when they are stored
	// apart from their keys, which takes less than half of the work, and one sync more
	// (store.Batch.SetLarge): default 192 KiB.
	LargeBatch int
	// Peers reaches the owners of partitions that other nodes own; nil on a single
	// machine.
	Peers partition.Peers
	// Refresh returns when every shard that any node had declared before the call is
	// declared here. It must be set with Peers.
	Refresh func(ctx context.Context) error
	Logger  *slog.Logger
}

// Spec is how a shard behaves.
type Spec struct {
	// Retention is how long records can be read, in ms from their time. Shortening it
	// hides at once what is older; extending it brings nothing back.
	Retention int64
}

// Engine is all shards of a server.
type Engine struct {
	set        *partition.Set
	store      *store.Store
	logger     *slog.Logger
	tails      *tails
	peers      partition.Peers
	refresh    func(ctx context.Context) error
	largeBatch int
	// machines, by partition, never changes after New.
	machines map[uint16]*machine
	appends  sync.Pool // of *appendCommand

	quit chan struct{}  // closed by Close
	work sync.WaitGroup // of trims

	mu     sync.RWMutex // guards the fields below
	shards map[uint64]*Shard
	closed bool
}

// New returns an engine on the partitions of set, which must not be started yet.
// Shards must be declared before the set starts its data partitions (the catalog
// loads first): the records of those that are not are deleted then.
func New(set *partition.Set, st *store.Store, o Options) *Engine {
	if o.CacheBytes <= 0 {
		o.CacheBytes = defaultCacheBytes
	}
	if o.LargeBatch <= 0 {
		o.LargeBatch = defaultLargeBatch
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	e := &Engine{
		set: set, store: st, logger: o.Logger, tails: newTails(o.CacheBytes), peers: o.Peers, refresh: o.Refresh,
		largeBatch: o.LargeBatch,
		machines:   make(map[uint16]*machine), shards: make(map[uint64]*Shard), quit: make(chan struct{}),
	}
	e.appends.New = func() any { return &appendCommand{Call: partition.NewCall()} }
	set.Attach(func(p *partition.Partition) partition.Machine { return newMachine(e, p) })
	return e
}

// Close ends all waits with partition.ErrStopped, and returns when nothing works in
// the background any more. The partitions must still be running.
func (e *Engine) Close() {
	e.mu.Lock()
	already := e.closed
	e.closed = true
	e.mu.Unlock()
	if !already {
		close(e.quit)
	}
	e.work.Wait()
}

// spawn runs f in the background, unless the engine is closed.
func (e *Engine) spawn(f func()) bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.closed {
		return false
	}
	e.work.Go(f)
	return true
}

// Declare makes a shard known under an id, or changes its spec. A new id must never
// have been used. A shard without records needs nothing in the store, and an idle one
// some hundred bytes of memory.
func (e *Engine) Declare(id uint64, spec Spec) *Shard {
	e.mu.Lock()
	s := e.shards[id]
	if s == nil {
		s = &Shard{id: id, m: e.machines[e.set.For(id).ID()], state: core.NewState()}
		s.retention.Store(spec.Retention)
		e.shards[id] = s
	}
	e.mu.Unlock()
	if old := s.retention.Swap(spec.Retention); spec.Retention != old {
		s.m.p.Submit(&hideCommand{s: s, retention: min(old, spec.Retention)})
	}
	return s
}

// Delete makes a shard unknown and deletes its records. Waits end with ErrNoShard. It
// does not wait: what a crash leaves behind is deleted at the next start.
func (e *Engine) Delete(id uint64) {
	e.mu.Lock()
	s := e.shards[id]
	delete(e.shards, id)
	e.mu.Unlock()
	if s != nil {
		s.end()
		s.m.p.Submit(&dropCommand{s: s})
	}
}

// Shard returns a declared shard, or nil.
func (e *Engine) Shard(id uint64) *Shard {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.shards[id]
}
