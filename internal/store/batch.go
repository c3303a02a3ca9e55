package store

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/spillway/spillway/internal/store/values"
)

// Batch collects writes that become visible and durable together or not at all.
// It is built by one goroutine. Keys and values are copied.
//
// Its life: NewBatch, fill, then Begin and Wait (or Discard). After Begin only
// Wait may be called, after Wait or Discard nothing.
type Batch struct {
	store *Store
	b     *pebble.Batch
	sync  bool // Begin asked for durability: Wait has to wait
	err   error

	values values.Writer // of what SetLarge was given
	large  int           // bytes of them
	ranges bool          // ranges are deleted: there may be values to collect
}

// retainedBatch is how large the memory of a batch may be to be used again: as large as a
// round of large records, which would grow it from the beginning each time.
const retainedBatch = 4 << 20

// NewBatch returns an empty batch. It must be ended by Wait or Discard, which
// keep its memory for the next one.
func (s *Store) NewBatch() *Batch {
	b := s.pool.Get().(*Batch)
	*b = Batch{store: s, values: s.values.NewWriter(), b: s.db.NewBatch(pebble.WithMaxRetainedSizeBytes(retainedBatch))}
	return b
}

// set keeps the first error of building the batch for Begin: a batch fails only
// when it would exceed 4 GiB, so callers need not look at each write.
func (b *Batch) set(err error) {
	if err != nil && b.err == nil {
		b.err = err
	}
}

// Set writes value at key.
func (b *Batch) Set(key, value []byte) { b.set(b.b.Set(key, value, nil)) }

// SetLarge is Set for a value that is large and will not be changed, in a space that takes
// such. It costs half of what Set costs by the byte, and a batch with any of them one more
// sync: it pays from some 100 KiB a batch. Stores that write no log of their own have all
// values in one place, and treat it as Set.
func (b *Batch) SetLarge(key, value []byte) {
	if b.store.noLog {
		b.Set(key, value)
		return
	}
	b.large += len(value)
	p, err := b.values.Add(value)
	if err != nil {
		b.store.failed(err) // Begin finds it
	}
	pointer := p.Encode()
	b.Set(key, pointer[:])
}

// Delete removes key; it need not exist.
func (b *Batch) Delete(key []byte) { b.set(b.b.Delete(key, nil)) }

// DeleteSized is Delete for a key that exists with a value of valueSize bytes. It
// lets the engine see where space can be won; a wrong size makes it guess wrong,
// not fail.
func (b *Batch) DeleteSized(key []byte, valueSize uint32) {
	b.set(b.b.DeleteSized(key, valueSize, nil))
}

// DeleteRange removes the keys in [lo, hi). Cheaper than single deletes from some
// thousand keys on; every one costs later reads around it a little.
func (b *Batch) DeleteRange(lo, hi []byte) {
	b.ranges = true
	b.set(b.b.DeleteRange(lo, hi, nil))
}

// Empty tells whether nothing was written to the batch.
func (b *Batch) Empty() bool { return b.b.Empty() }

// Len is the size of Repr in bytes.
func (b *Batch) Len() int { return b.b.Len() }

// Size is how many bytes the batch has stored, values of SetLarge included.
func (b *Batch) Size() int { return b.b.Len() + b.large }

// Repr is the batch as bytes, valid until Begin: what a replicated log carries.
func (b *Batch) Repr() []byte { return b.b.Repr() }

// SetRepr makes the batch the one that another node's Repr was taken from. The
// batch takes ownership of repr.
func (b *Batch) SetRepr(repr []byte) error { return b.b.SetRepr(repr) }

// Begin applies the batch: on return it is readable. Batches become durable in
// the order of the calls. It waits for the disk to have the values of SetLarge,
// and when writes outrun it for long; not otherwise. With sync, the disk is told to
// make the batch durable, and Wait waits for that; without, it becomes durable with
// the next one that asks for it. The store owns the batch afterwards, also after an
// error.
func (b *Batch) Begin(sync bool) (err error) {
	s := b.store
	if err := b.err; err != nil {
		return err
	}
	if err := s.Err(); err != nil {
		return err
	}
	if b.b.Empty() {
		return nil
	}
	if !s.enter() {
		return ErrClosed
	}
	defer s.leave()
	defer func() {
		// Pebble panics when a commit fails.
		if r := recover(); r != nil {
			s.failed(fmt.Errorf("write-ahead log: %v", r))
			err = s.Err()
		}
	}()
	// Before there are pointers to them, also in the log.
	if err := b.values.Sync(); err != nil {
		s.failed(err)
		return s.Err()
	}
	if b.sync = sync && !s.noLog; b.sync {
		err = s.db.ApplyNoSyncWait(b.b, pebble.Sync)
	} else {
		err = s.db.Apply(b.b, pebble.NoSync)
	}
	if b.ranges {
		s.collector.want()
	}
	return errors.Join(err, b.values.Release())
}

// Wait returns when the batch is durable, at once if Begin was not asked for
// that. An error means that the store has failed: whether the batch is on disk is
// then only known after a restart.
func (b *Batch) Wait() error {
	s := b.store
	if b.sync {
		if err := b.b.SyncWait(); err != nil {
			s.failed(fmt.Errorf("write-ahead log: %w", err))
		}
	}
	// Always look: a log that failed reports success to the engine (see freezer).
	if err := s.Err(); err != nil {
		return err
	}
	b.release()
	return nil
}

// Commit is Begin and Wait.
func (b *Batch) Commit(sync bool) error {
	if err := b.Begin(sync); err != nil {
		return err
	}
	return b.Wait()
}

// Discard ends a batch that is not to be applied.
func (b *Batch) Discard() {
	b.set(b.values.Release())
	b.release()
}

func (b *Batch) release() {
	s := b.store
	b.set(b.b.Close())
	*b = Batch{}
	s.pool.Put(b)
}
