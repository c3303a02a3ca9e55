package partition

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spillway/spillway/internal/store"
)

const (
	// defaultInboxLimit bounds the memory that waiting commands hold.
	defaultInboxLimit = 1 << 16
)

// Observer is told about every batch; for metrics. It is called by the completion
// goroutines of all partitions and must not block.
type Observer interface {
	// Committed: a batch with so many commands and bytes took so long from its
	// start to its commit.
	Committed(commands, bytes int, took time.Duration)
}

// Partition is one single-writer state machine with its log.
type Partition struct {
	id         uint16
	store      *store.Store
	inboxLimit int
	observer   Observer // or nil
	logger     *slog.Logger
	machines   []Machine

	// What follows belongs to one ownership, and is set by equip.
	log        Log
	batchLimit int
	depth      int           // batches in flight at most
	fenced     bool          // see Tx.Fenced
	free       chan *item    // items that are not in flight; depth in all
	items      chan *item    // from the loop to the completion goroutine
	stopped    chan struct{} // closed when both goroutines have ended

	notify    chan struct{} // 1 slot: something below changed
	completed atomic.Uint64 // see Tx.Completed

	// mu guards the fields below. It is held for a few instructions only, never
	// while a command runs or is answered.
	mu        sync.Mutex
	owned     bool // commands may come: from the start on, or from Own to Release
	running   bool // both goroutines were started and not yet waited for
	inbox     []Command
	wake      bool
	closing   bool  // refuse commands, finish what waits
	refusal   error // what commands get that were not run: ErrStopped or ErrNotOwner
	err       error // why the partition failed
	appending *item // is being handed to the log

	// loop belongs to the loop goroutine.
	loop loop
}

func newPartition(id uint16, st *store.Store, o Options) *Partition {
	p := &Partition{
		id: id, store: st, observer: o.Observer, logger: o.Logger.With("partition", id),
		inboxLimit: o.InboxLimit, notify: make(chan struct{}, 1), refusal: ErrNotOwner,
	}
	p.loop.clock.skew = o.ClockSkew
	if !o.Replicated {
		p.equip(o.NewLog(id))
		p.owned, p.refusal = true, ErrStopped
	}
	return p
}

// equip prepares for an ownership, with everything as at the start of the process.
func (p *Partition) equip(log Log) {
	p.log, p.batchLimit, p.depth = log, defaultBatchLimit, defaultDepth
	if l, ok := log.(BatchLimiter); ok {
		p.batchLimit = l.BatchLimit()
	}
	if l, ok := log.(Pipeliner); ok {
		p.depth = l.Depth()
	}
	_, p.fenced = log.(Fencer)
	p.free, p.items = make(chan *item, p.depth), make(chan *item, p.depth)
	for range p.depth {
		p.free <- new(item)
	}
	p.stopped = make(chan struct{})
	p.completed.Store(0)
	p.loop = loop{clock: p.loop.clock}
	p.loop.tx.p = p
	p.wake = true // the machines' first Advance
}

// ID is the partition's number: 0 is the catalog, data partitions count from 1.
func (p *Partition) ID() uint16 { return p.id }

// Attach adds a machine; each has key spaces of its own, and commands of all share the
// batches. All must be attached before the Set starts. They are loaded, advanced and
// unloaded in this order.
func (p *Partition) Attach(m Machine) { p.machines = append(p.machines, m) }

// Full tells whether the disk is so full that new data should be refused, with
// ErrDiskFull. Commands that remove data should still be accepted.
func (p *Partition) Full() bool { return p.store.Full() }

// Err says why the partition failed; nil while it works, after a clean Close, and
// when another node took over.
func (p *Partition) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if errors.Is(p.err, ErrNotOwner) {
		return nil
	}
	return p.err
}

// Submit has a command run, after those submitted before it. It never blocks: if
// the partition has stopped or too many commands wait, c.Done is called before
// Submit returns. So the caller must not hold a lock that Done takes.
func (p *Partition) Submit(c Command) {
	p.mu.Lock()
	var refused error
	switch {
	case !p.owned || p.err != nil || p.closing:
		refused = p.refusal
	case len(p.inbox) >= p.inboxLimit:
		refused = ErrBusy
	default:
		p.inbox = append(p.inbox, c)
	}
	first := len(p.inbox) == 1
	p.mu.Unlock()
	if refused != nil {
		c.Done(refused)
	} else if first {
		p.signal()
	}
}

func (p *Partition) signal() {
	select {
	case p.notify <- struct{}{}:
	default: // the loop will look at everything anyway
	}
}

// load rebuilds the machines.
func (p *Partition) load() error {
	for _, m := range p.machines {
		if err := m.Load(p.store, p.loop.clock.now()); err != nil {
			return fmt.Errorf("load partition %d: %w", p.id, err)
		}
	}
	return nil
}

// start runs the partition's goroutines. The Set ends them with stop, and waits
// for them on the channel stopped: the loop's last act is to end the other one.
func (p *Partition) start() {
	p.mu.Lock()
	p.running = true
	p.mu.Unlock()
	go p.runLoop()
	go p.complete()
}

// stop refuses further commands and lets the loop end when nothing waits.
func (p *Partition) stop() {
	p.mu.Lock()
	p.closing = true
	p.mu.Unlock()
	p.signal()
}

// fail stops the partition for good: what waits is answered with ErrStopped here,
// what is in flight by the completion goroutine. A batch that the log is being
// handed right now is answered here, too, since that call may never return (a
// store can get stuck when it fails).
func (p *Partition) fail(err error) {
	p.mu.Lock()
	if p.err == nil {
		p.err = err
		if !errors.Is(err, ErrStopped) && !errors.Is(err, ErrNotOwner) {
			p.logger.Error("partition failed: it accepts nothing until a restart", "error", err)
		}
	}
	waiting, stuck, refusal := p.inbox, p.appending, p.refusal
	p.inbox = nil
	p.mu.Unlock()
	p.signal()
	if stuck != nil && stuck.claim() {
		stuck.answer(err)
	}
	for _, c := range waiting {
		c.Done(refusal)
	}
}
