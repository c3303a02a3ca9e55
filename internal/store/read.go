package store

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/spillway/spillway/internal/store/values"
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
	return s.get(s.db, key)
}

// Scan implements Reader.
func (s *Store) Scan(lo, hi []byte, each func(key, value []byte) bool) error {
	if !s.enter() {
		return ErrClosed
	}
	defer s.leave()
	return s.scan(s.db, lo, hi, each)
}

func (s *Store) get(r pebble.Reader, key []byte) (value []byte, ok bool, err error) {
	found, closer, err := r.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	if p, ok := pointer(key, found); ok {
		value, ok, err = s.large(key, p, nil)
		return value, ok, errors.Join(err, closer.Close())
	}
	value = append(make([]byte, 0, len(found)), found...)
	return value, true, closer.Close()
}

func (s *Store) scan(r pebble.Reader, lo, hi []byte, each func(key, value []byte) bool) error {
	if lo == nil || hi == nil {
		return errors.New("store: scan needs both bounds")
	}
	iter, err := r.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: hi})
	if err != nil {
		return err
	}
	var buffer []byte
	for ok := iter.First(); ok; ok = iter.Next() {
		value, err := iter.ValueAndErr()
		if err != nil {
			return errors.Join(err, iter.Close())
		}
		if p, ok := pointer(iter.Key(), value); ok {
			if buffer, ok, err = s.large(iter.Key(), p, buffer); err != nil {
				return errors.Join(err, iter.Close())
			}
			if !ok {
				continue
			}
			value = buffer
		}
		if !each(iter.Key(), value) {
			break
		}
	}
	return errors.Join(iter.Error(), iter.Close())
}

// pointer returns what a stored value points to; ok is false for those that are where they
// are.
func pointer(key, value []byte) (p values.Pointer, ok bool) {
	if _, space, _, ok := SplitKey(key); !ok || !space.large() {
		return p, false
	}
	return values.Parse(value)
}

// large reads what SetLarge stored, into buffer if it has room. ok is false if the key has
// been deleted since the pointer was read, and the value is gone.
func (s *Store) large(key []byte, p values.Pointer, buffer []byte) (value []byte, ok bool, err error) {
	value, err = s.values.Read(p, buffer)
	if err == nil {
		return value, true, nil
	}
	// The value of a key is never replaced by another.
	now, closer, e := s.db.Get(key)
	if errors.Is(e, pebble.ErrNotFound) {
		return buffer, false, nil
	}
	if e != nil {
		return buffer, false, errors.Join(err, e)
	}
	if still, ok := pointer(key, now); !ok || still != p {
		err = fmt.Errorf("store: the value of %x was replaced: %w", key, err)
	}
	return buffer, false, errors.Join(err, closer.Close())
}
