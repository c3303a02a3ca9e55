package cluster

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/store"
)

// applier applies a log to the store of a node that does not own the partition.
// One goroutine uses it at a time.
type applier struct {
	store *store.Store
	p     *partition.Partition
	// at is the last frame taken: ahead of what is stored by the parts of a batch
	// that is not complete.
	at    position
	parts []byte
	// taken is at.seq, for other goroutines.
	taken atomic.Uint64
	// fresh is the first sequence that was written after this replica began to follow
	// and so comes just after it was; 0 while that is not known. seen is when the last
	// frame came, if it was one of those.
	fresh atomic.Uint64
	seen  time.Time
	// stored is told the position after each batch that was applied.
	stored func(position)
}

// take applies the message at a sequence. An error that matches errDamaged means
// that the log cannot be followed; others are the store's.
func (a *applier) take(seq uint64, message []byte) error {
	if seq <= a.at.seq {
		return nil // again, after a reconnection
	}
	f, err := parseFrame(message)
	if err != nil {
		return fmt.Errorf("%w: sequence %d: %w", errDamaged, seq, err)
	}
	if err := a.at.check(seq, &f); err != nil {
		return err
	}
	next := a.at.next(&f, digestOf(message))
	a.seen = time.Time{}
	if fresh := a.fresh.Load(); fresh > 0 && seq >= fresh {
		a.seen = time.Now()
	}
	switch f.kind {
	case kindPart:
		a.parts = append(a.parts, f.payload...)
	case kindBarrier:
		a.parts = nil // of an owner that did not finish
		if err := a.write(nil, next); err != nil {
			return err
		}
	case kindBatch:
		repr := append(a.parts, f.payload...)
		a.parts = nil
		if err := a.write(repr, next); err != nil {
			return err
		}
	}
	a.at = next
	a.taken.Store(seq)
	return nil
}

// write applies a batch, given as bytes that become the batch's, and the position
// after it.
func (a *applier) write(repr []byte, next position) error {
	b := a.store.NewBatch()
	if len(repr) > 0 {
		if err := b.SetRepr(repr); err != nil {
			b.Discard()
			return fmt.Errorf("%w: sequence %d: %w", errDamaged, next.seq, err)
		}
	}
	var ops []store.Op
	if a.p.Follows() && len(repr) > 0 {
		var err error
		if ops, err = b.Ops(); err != nil {
			b.Discard()
			return fmt.Errorf("%w: sequence %d: %w", errDamaged, next.seq, err)
		}
	}
	b.Set(positionKey(a.p.ID()), next.encode())
	if err := b.Commit(false); err != nil {
		return err
	}
	if len(ops) > 0 {
		a.p.Applied(ops)
	}
	a.stored(next)
	return nil
}

// errNoPosition: the partition's store has never been part of the log.
var errNoPosition = errors.New("this replica has no data yet")

// load reads where the store is. It fails with errNoPosition or errDamaged when
// the store has to be taken from a peer.
func (a *applier) load(log uuid) error {
	p, ok, err := readPosition(a.store, a.p.ID())
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", errDamaged, err)
	case !ok:
		return errNoPosition
	case p.state != stateApplied:
		return fmt.Errorf("%w: the last copy from a peer was not finished", errDamaged)
	case p.log != log:
		return fmt.Errorf("%w: the store is of another log", errDamaged)
	}
	if p.seq != a.at.seq {
		a.seen = time.Time{}
	}
	a.at, a.parts = p, nil
	a.fresh.Store(0)
	a.taken.Store(p.seq)
	a.stored(p)
	return nil
}
