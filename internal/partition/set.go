package partition

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/spillway/spillway/internal/store"
)

// Options say how to run a Set. The zero value is a good default.
type Options struct {
	// Partitions is the number of data partitions of a new data folder: default
	// 4, at most 64. An existing folder keeps its own.
	Partitions int
	// InboxLimit is how many commands may wait in a partition before it answers
	// ErrBusy: default 65,536.
	InboxLimit int
	// NewLog makes the log of each partition; nil for NewLocalLog.
	NewLog func(partition uint16) Log
	// Replicated partitions are owned by one node of several at a time: they do
	// not run until Own is called. NewLog is not used then.
	Replicated bool
	// ClockSkew makes the partitions' clocks wrong, for tests.
	ClockSkew time.Duration
	Observer  Observer     // nil for none
	Logger    *slog.Logger // nil discards
}

const (
	defaultPartitions = 4
	maxPartitions     = 64
)

// Set is the partitions of one data folder.
type Set struct {
	store      *store.Store
	slots      slotMap
	partitions []*Partition // by ID; 0 is the catalog
	replicated bool

	started   bool
	closeOnce sync.Once
	quit      chan struct{} // closed by Close
	watching  sync.WaitGroup
}

// OpenSet reads which partitions the data folder has, or decides it for a new
// one. The store stays the caller's, and must be closed after the set.
func OpenSet(st *store.Store, o Options) (*Set, error) {
	if o.Partitions == 0 {
		o.Partitions = defaultPartitions
	}
	if o.Partitions < 1 || o.Partitions > maxPartitions {
		return nil, fmt.Errorf("partitions: %d is not between 1 and %d", o.Partitions, maxPartitions)
	}
	if o.InboxLimit <= 0 {
		o.InboxLimit = defaultInboxLimit
	}
	if o.NewLog == nil {
		o.NewLog = func(uint16) Log { return NewLocalLog() }
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	slots, err := openSlots(st, o.Partitions)
	if err != nil {
		return nil, err
	}
	s := &Set{store: st, slots: slots, replicated: o.Replicated, quit: make(chan struct{})}
	for id := range slots.partitions + 1 {
		s.partitions = append(s.partitions, newPartition(uint16(id), st, o))
	}
	return s, nil
}

// Attach gives each data partition a machine. It must be called before Start; each
// engine calls it once.
func (s *Set) Attach(build func(p *Partition) Machine) {
	for _, p := range s.All() {
		p.Attach(build(p))
	}
}

// Start loads the catalog, then all data partitions in parallel, and then runs
// them. After an error nothing runs. Replicated partitions only begin to follow
// their owners.
func (s *Set) Start() error {
	if s.replicated {
		return s.startFollowing()
	}
	if err := s.Catalog().load(); err != nil {
		return err
	}
	var loading sync.WaitGroup
	errs := make([]error, len(s.partitions))
	for i, p := range s.All() {
		loading.Go(func() { errs[i] = p.load() })
	}
	loading.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for _, p := range s.partitions {
		p.start()
	}
	s.started = true
	s.watching.Go(s.watch)
	return nil
}

// watch stops every partition when the store fails, also those that do not write.
func (s *Set) watch() {
	select {
	case <-s.quit:
	case <-s.store.Failed():
		for _, p := range s.partitions {
			p.fail(s.store.Err())
		}
	}
}

// Close lets the partitions finish what waits, refuses everything else, and
// returns when they have ended: data partitions first, since they may still read
// the catalog. If ctx ends first, what still waits gets ErrStopped. The result is
// nil if everything submitted before was done.
func (s *Set) Close(ctx context.Context) error {
	var err error
	s.closeOnce.Do(func() {
		err = errors.Join(s.end(ctx, s.All()), s.end(ctx, s.partitions[:1]))
		close(s.quit)
		s.watching.Wait()
	})
	return err
}

// startFollowing shows what the store has of partitions that others own.
func (s *Set) startFollowing() error {
	for _, p := range s.partitions {
		if err := p.Reset(); err != nil {
			return err
		}
	}
	s.started = true
	s.watching.Go(s.watch)
	return nil
}

func (s *Set) end(ctx context.Context, partitions []*Partition) error {
	if s.replicated {
		return s.endOwnerships(ctx, partitions)
	}
	for _, p := range partitions {
		p.stop()
		if !s.started {
			p.fail(ErrStopped)
		}
	}
	if !s.started {
		return nil
	}
	for _, p := range partitions {
		select {
		case <-p.stopped:
		case <-ctx.Done():
			for _, p := range partitions {
				p.fail(fmt.Errorf("%w before all was done: %w", ErrStopped, context.Cause(ctx)))
			}
			return ctx.Err()
		}
	}
	return s.Err()
}

func (s *Set) endOwnerships(ctx context.Context, partitions []*Partition) error {
	var errs []error
	for _, p := range partitions {
		errs = append(errs, p.Resign(ctx))
	}
	return errors.Join(errs...)
}

// For returns the data partition of a resource.
func (s *Set) For(id uint64) *Partition { return s.partitions[s.slots.of(Slot(id))] }

// Get returns a partition by ID, or nil.
func (s *Set) Get(id uint16) *Partition {
	if int(id) >= len(s.partitions) {
		return nil
	}
	return s.partitions[id]
}

// Catalog returns partition 0.
func (s *Set) Catalog() *Partition { return s.partitions[0] }

// All returns the data partitions, in order of ID.
func (s *Set) All() []*Partition { return s.partitions[1:] }

// Err is the error of the first partition that failed, or of the store: nil means
// that everything can be written.
func (s *Set) Err() error {
	for _, p := range s.partitions {
		if err := p.Err(); err != nil {
			return fmt.Errorf("partition %d: %w", p.id, err)
		}
	}
	return s.store.Err()
}
