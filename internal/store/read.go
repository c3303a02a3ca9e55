package store

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
	return get(s.db, key)
}

// Scan implements Reader.
func (s *Store) Scan(lo, hi []byte, each func(key, value []byte) bool) error {
	if !s.enter() {
		return ErrClosed
	}
	defer s.leave()
	return scan(s.db, lo, hi, each)
}
