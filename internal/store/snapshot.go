package store

import (
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// Snapshot is the store as it was at one moment. It keeps the space of what was
// deleted since, and must be closed before the store is.
type Snapshot struct {
	store *Store
	view  *pebble.Snapshot
	close sync.Once
}

var _ Reader = (*Snapshot)(nil)

// NewSnapshot returns the store as it is now.
func (s *Store) NewSnapshot() (*Snapshot, error) {
	if !s.enter() {
		return nil, ErrClosed
	}
	return &Snapshot{store: s, view: s.db.NewSnapshot()}, nil
}

// Close lets go of the snapshot. It may be called more than once, but not while
// another method runs.
func (v *Snapshot) Close() (err error) {
	v.close.Do(func() {
		err = v.view.Close()
		v.store.leave()
	})
	return err
}

// Get implements Reader.
func (v *Snapshot) Get(key []byte) (value []byte, ok bool, err error) {
	return v.store.get(v.view, key)
}

// Scan implements Reader.
func (v *Snapshot) Scan(lo, hi []byte, each func(key, value []byte) bool) error {
	return v.store.scan(v.view, lo, hi, each)
}

// Flush returns when everything that was applied before the call is durable also
// without a log.
func (s *Store) Flush() error {
	if err := s.Err(); err != nil {
		return err
	}
	if !s.enter() {
		return ErrClosed
	}
	defer s.leave()
	flushed, err := s.db.AsyncFlush()
	if err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	select {
	case <-flushed:
		return s.Err()
	case <-s.fail.happened:
		return s.Err()
	}
}
