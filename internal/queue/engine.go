package queue

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/queue/core"
	"github.com/spillway/spillway/internal/store"
)

// The engine's vocabulary, see package core.
type (
	Spec     = core.Spec
	Message  = core.Message
	ID       = core.ID
	Enqueue  = core.Enqueue
	Enqueued = core.Enqueued
	Counters = core.Counters
	DedupKey = core.DedupKey
)

// Errors beside those of package partition.
var (
	// ErrNoQueue means that the queue was deleted.
	ErrNoQueue = errors.New("queue: no such queue")
	// ErrInFlight: see core.
	ErrInFlight = core.ErrInFlight
	// ErrLapsed: see core.
	ErrLapsed = core.ErrLapsed
	// ErrGone: see core.
	ErrGone = core.ErrGone
	// ErrTooLong: see core.
	ErrTooLong = core.ErrTooLong
)

// MaxLease is the longest a message can be hidden from the start of its lease, ms.
const MaxLease = core.MaxLease

// Options of an Engine. The zero value is a good default.
type Options struct {
	// CacheBytes bounds the message records kept in memory: default 64 MiB.
	CacheBytes int64
	// Peers reaches the owners of partitions that other nodes own; nil on a single
	// machine.
	Peers partition.Peers
	// Refresh returns when every queue that any node had declared before the call is
	// declared here. It must be set with Peers.
	Refresh func(ctx context.Context) error
	Logger  *slog.Logger
}

// Engine is all queues of a server.
type Engine struct {
	set    *partition.Set
	store  *store.Store
	cache  *core.Cache
	logger *slog.Logger
	mover  *mover
	remote remote
	// machines, by partition, never changes after New.
	machines map[uint16]*machine
	enqueues *pool[enqueueCommand]
	settles  *pool[settleCommand]

	mu     sync.RWMutex // guards queues
	queues map[uint64]*Queue
}

// New returns an engine on the partitions of set, which must not be started yet.
// Queues must be declared before the set starts its data partitions (the catalog
// loads first), since those that are not are unknown then.
func New(set *partition.Set, st *store.Store, o Options) *Engine {
	if o.CacheBytes <= 0 {
		o.CacheBytes = 64 << 20
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	e := &Engine{set: set, store: st, cache: core.NewCache(o.CacheBytes), logger: o.Logger, machines: make(map[uint16]*machine), queues: make(map[uint64]*Queue)}
	e.mover = newMover(e)
	e.remote = remote{peers: o.Peers, refresh: o.Refresh, polls: make(map[uint64]context.CancelFunc), left: make(map[uint64]struct{})}
	e.enqueues = newPool(func() *enqueueCommand { return &enqueueCommand{Call: partition.NewCall()} })
	e.settles = newPool(func() *settleCommand { return &settleCommand{Call: partition.NewCall()} })
	set.Attach(func(p *partition.Partition) partition.Machine { return newMachine(e, p) })
	return e
}

// Start begins the work that goes on between partitions: transfers.
func (e *Engine) Start() { e.mover.start() }

// Close ends what Start began, and waits for what is on its way to other nodes. The
// partitions must still be running.
func (e *Engine) Close() {
	e.mover.close()
	e.remote.work.Wait()
}

// Declare makes a queue known under an id, or changes its spec. A new id must
// never have been used; an empty queue needs nothing in the store.
func (e *Engine) Declare(id uint64, spec Spec) *Queue {
	e.mu.Lock()
	q := e.queues[id]
	if q == nil {
		q = &Queue{id: id, m: e.machines[e.set.For(id).ID()]}
		e.queues[id] = q
	}
	q.spec.Store(&spec)
	e.mu.Unlock()
	if q.inUse.Load() {
		q.m.p.Submit(&touchCommand{q: q})
	}
	return q
}

// Delete makes a queue unknown and deletes its messages. Waiting leases end with
// ErrNoQueue. It does not wait: what a crash leaves behind is deleted at the next
// start.
func (e *Engine) Delete(id uint64) {
	e.mu.Lock()
	q := e.queues[id]
	delete(e.queues, id)
	e.mu.Unlock()
	if q != nil {
		q.gone.Store(true)
		q.m.p.Submit(&dropCommand{q: q})
	}
}

// Queue returns a declared queue, or nil.
func (e *Engine) Queue(id uint64) *Queue {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.queues[id]
}

// CacheUsed is the number of bytes of message records in memory.
func (e *Engine) CacheUsed() int64 { return e.cache.Used() }

// Queue is one queue. Its methods may be called by any goroutine; each returns
// when what it did is durable, unless said otherwise. All return the errors of
// package partition and ErrNoQueue.
type Queue struct {
	id    uint64
	m     *machine
	spec  atomic.Pointer[Spec]
	gone  atomic.Bool
	inUse atomic.Bool // the partition has it in memory
	stats stats
}

// ID is the queue's id.
func (q *Queue) ID() uint64 { return q.id }

// Spec is the queue's present spec.
func (q *Queue) Spec() Spec { return *q.spec.Load() }

// Stats counts what happened in a queue since the start of the process.
type Stats struct {
	Enqueued, Delivered, Deleted, DeadLettered, Expired uint64
	EmptyLeases                                         uint64
}

// stats are written by the partition and read by anybody.
type stats struct {
	visible, inFlight, delayed, oldest                               atomic.Int64
	enqueued, delivered, deleted, deadLettered, expired, emptyLeases atomic.Uint64
}

// Counters are the numbers of messages by state; they include what is not durable
// yet.
func (q *Queue) Counters(ctx context.Context) (Counters, error) {
	if !q.m.engine.clustered() || q.m.p.Owned() {
		return q.LocalCounters(), nil
	}
	return q.countersElsewhere(ctx)
}

// Local tells whether this node owns the queue's partition.
func (q *Queue) Local() bool { return q.m.p.Owned() }

// LocalCounters are the counters from this node's memory. They mean something only
// where the queue is local.
func (q *Queue) LocalCounters() Counters {
	return Counters{
		Visible:  uint64(q.stats.visible.Load()),
		InFlight: uint64(q.stats.inFlight.Load()),
		Delayed:  uint64(q.stats.delayed.Load()),
		Oldest:   q.stats.oldest.Load(),
	}
}

// publish makes the counters visible to other goroutines.
func (q *Queue) publish(c Counters) {
	s := &q.stats
	s.visible.Store(int64(c.Visible))
	s.inFlight.Store(int64(c.InFlight))
	s.delayed.Store(int64(c.Delayed))
	s.oldest.Store(c.Oldest)
}

// Stats returns the counts so far.
func (q *Queue) Stats() Stats {
	s := &q.stats
	return Stats{
		Enqueued: s.enqueued.Load(), Delivered: s.delivered.Load(), Deleted: s.deleted.Load(),
		DeadLettered: s.deadLettered.Load(), Expired: s.expired.Load(), EmptyLeases: s.emptyLeases.Load(),
	}
}
