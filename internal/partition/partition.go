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
	log        Log
	batchLimit int
	depth      int // batches in flight at most
	inboxLimit int
	observer   Observer // or nil
	logger     *slog.Logger
	machines   []Machine

	notify    chan struct{} // 1 slot: something below changed
	free      chan *item    // items that are not in flight; depth in all
	items     chan *item    // from the loop to the completion goroutine
	completed atomic.Uint64 // see Tx.Completed
	stopped   chan struct{} // closed when both goroutines have ended

	// mu guards the fields below. It is held for a few instructions only, never
	// while a command runs or is answered.
	mu        sync.Mutex
	inbox     []Command
	wake      bool
	closing   bool  // Close was called: refuse commands, finish what waits
	err       error // why the partition failed
	appending *item // is being handed to the log

	// loop belongs to the loop goroutine.
	loop loop
}

func newPartition(id uint16, st *store.Store, o Options) *Partition {
	p := &Partition{
		id: id, store: st, log: o.NewLog(id), observer: o.Observer, logger: o.Logger.With("partition", id),
		inboxLimit: o.InboxLimit, batchLimit: defaultBatchLimit, depth: defaultDepth,
		notify:  make(chan struct{}, 1),
		stopped: make(chan struct{}),
		wake:    true, // the machines' first Advance
	}
	if l, ok := p.log.(BatchLimiter); ok {
		p.batchLimit = l.BatchLimit()
	}
	if l, ok := p.log.(Pipeliner); ok {
		p.depth = l.Depth()
	}
	p.free, p.items = make(chan *item, p.depth), make(chan *item, p.depth)
	for range p.depth {
		p.free <- new(item)
	}
	p.loop.tx.p = p
	return p
}

// ID is the partition's number: 0 is the catalog, data partitions count from 1.
func (p *Partition) ID() uint16 { return p.id }

// Attach adds a machine. All machines must be attached before the Set starts.
func (p *Partition) Attach(m Machine) { p.machines = append(p.machines, m) }

// Full tells whether the disk is so full that new data should be refused, with
// ErrDiskFull. Commands that remove data should still be accepted.
func (p *Partition) Full() bool { return p.store.Full() }

// Err says why the partition failed; nil while it works and after a clean Close.
func (p *Partition) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// Submit has a command run, after those submitted before it. It never blocks: if
// the partition has stopped or too many commands wait, c.Done is called before
// Submit returns. So the caller must not hold a lock that Done takes.
func (p *Partition) Submit(c Command) {
	p.mu.Lock()
	var refused error
	switch {
	case p.err != nil || p.closing:
		refused = ErrStopped
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

// Wake has the machines' Advance called soon. Any goroutine may call it.
func (p *Partition) Wake() {
	p.mu.Lock()
	p.wake = true
	p.mu.Unlock()
	p.signal()
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
		if !errors.Is(err, ErrStopped) {
			p.logger.Error("partition failed: it accepts nothing until a restart", "error", err)
		}
	}
	waiting, stuck := p.inbox, p.appending
	p.inbox = nil
	p.mu.Unlock()
	p.signal()
	if stuck != nil && stuck.claim() {
		stuck.answer(err)
	}
	for _, c := range waiting {
		c.Done(ErrStopped)
	}
}
