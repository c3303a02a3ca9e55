package cluster

import (
	"errors"
	"fmt"
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
	// fresh is the first sequence that was written after this replica began to follow
	// and so comes just after it was; 0 while that is not known.
	fresh uint64
	// clock is the owners' time as it was last seen to be.
	clock sighting
	// stored is told the position after each batch that was applied.
	stored func(position)
}

// sighting is a time of the partition and when it was seen on this node: no later than
// it was shown there. What the owner's clock shows now is at least what has passed here
// since then, whatever became of the frames in between: so it is after a pause, or when
// the last frames are read from the log only to take over.
type sighting struct {
	time, at time.Time // at is zero if there was none; else with monotonic reading
}

// slower is the part of time by which an owner's clock may run slower than others
// (package partition).
const slower = 1000

// see takes a sighting over. The latest counts: clocks do not run at the same speed.
func (s *sighting) see(shown, at time.Time) {
	if !at.IsZero() {
		s.time, s.at = shown, at
	}
}

// since is the partition's time now, if it is known to have shown a time before. at is
// zero without a sighting: then it is not known when that was.
func (s *sighting) since(shown time.Time) (now, at time.Time) {
	if s.at.IsZero() {
		return shown, time.Time{}
	}
	at = time.Now()
	passed := at.Sub(s.at)
	if now = s.time.Add(passed - passed/slower); shown.After(now) {
		now = shown
	}
	return now, at
}

// begun is told where the log ends when following begins, for the first time or again.
func (a *applier) begun(last uint64) { a.fresh = last + 1 }

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
	// A barrier repeats the last time that was.
	if a.fresh > 0 && seq >= a.fresh && f.kind != kindBarrier {
		now := time.Now()
		a.clock.see(time.UnixMilli(next.time), now)
		next.offset = now.UnixMilli() - next.time
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
	if now := time.Now(); a.clock.at.IsZero() && p.offset != 0 {
		a.clock.see(now.Round(0).Add(-time.Duration(p.offset)*time.Millisecond), now) // since before a restart
	}
	a.at, a.parts = p, nil
	a.fresh = 0
	a.stored(p)
	return nil
}
