package stream

import (
	"context"
	"errors"
	"time"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/pause"
)

const (
	// waitRound is how long the owner waits for another node at a time. When the caller
	// goes, its place there is held for the rest of it.
	waitRound = 5 * time.Second
	// waitRetry is the pause before a wait that was interrupted goes on.
	waitRetry = 20 * time.Millisecond
)

// Wait returns when there is a record at or after a sequence, woken by its commit;
// with ErrClosed if there will never be one, and with ctx's error when that ends. It
// moves with the partition.
func (s *Shard) Wait(ctx context.Context, from uint64) error {
	for {
		err := s.waitHere(ctx, from)
		if s.elsewhere(err) {
			err = s.waitElsewhere(ctx, from)
		}
		switch {
		case err == nil, errors.Is(err, ErrClosed), errors.Is(err, ErrNoShard):
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, errNotYet):
			continue
		case !s.m.engine.clustered() || s.m.engine.quits():
			return err
		}
		// The pause is for owners that fail at once, again and again.
		if !pause.For(ctx, waitRetry) {
			return ctx.Err()
		}
	}
}

// errNotYet ends a round of waiting elsewhere.
var errNotYet = errors.New("stream: no record yet")

func (s *Shard) waitHere(ctx context.Context, from uint64) error {
	for {
		changed := s.watch() // before looking, so that nothing is missed
		g, err := s.glance()
		switch {
		case err != nil:
			return err
		case from < g.Next:
			return nil
		case g.ClosedAt != 0:
			return ErrClosed
		}
		select {
		case <-changed:
		case <-s.m.p.Ended(): // of an ownership that was there a moment ago
		case <-ctx.Done():
			return ctx.Err()
		case <-s.m.engine.quit:
			return partition.ErrStopped
		}
	}
}

func (e *Engine) quits() bool {
	select {
	case <-e.quit:
		return true
	default:
		return false
	}
}
