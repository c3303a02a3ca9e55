package store

import (
	"errors"

	"github.com/cockroachdb/pebble/v2"
)

// Reader reads a store.
type Reader interface {
	// Get returns a copy of the value at key; ok is false if there is none.
	Get(key []byte) (value []byte, ok bool, err error)
	// Scan calls each for the keys in [lo, hi), in order, until it returns false.
	// key and value are valid during the call. It sees the store as it was when
	// Scan was called. Both bounds are needed; lo should be the first key that
	// can exist, because stepping over deleted keys takes time.
	Scan(lo, hi []byte, each func(key, value []byte) bool) error
}

var _ Reader = (*Store)(nil)

// Get implements Reader.
func (s *Store) Get(key []byte) (value []byte, ok bool, err error) {
	if !s.enter() {
		return nil, false, ErrClosed
	}
	defer s.leave()
	found, closer, err := s.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	value = append(make([]byte, 0, len(found)), found...)
	return value, true, closer.Close()
}

// Scan implements Reader.
func (s *Store) Scan(lo, hi []byte, each func(key, value []byte) bool) error {
	if lo == nil || hi == nil {
		return errors.New("store: scan needs both bounds")
	}
	if !s.enter() {
		return ErrClosed
	}
	defer s.leave()
	iter, err := s.db.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: hi})
	if err != nil {
		return err
	}
	for ok := iter.First(); ok; ok = iter.Next() {
		value, err := iter.ValueAndErr()
		if err != nil {
			return errors.Join(err, iter.Close())
		}
		if !each(iter.Key(), value) {
			break
		}
	}
	return errors.Join(iter.Error(), iter.Close())
}
