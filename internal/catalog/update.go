package catalog

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/store"
)

const (
	// maxKind and maxKey are in bytes. Longer ones are mistakes in the program.
	maxKind = math.MaxUint8
	maxKey  = math.MaxUint16
)

// change is one record put, or deleted if value is nil.
type change struct {
	kind, key string
	value     []byte
}

func (ch change) applyTo(r records) {
	if ch.value == nil {
		delete(r[ch.kind], ch.key)
		return
	}
	r.put(ch.kind, ch.key, ch.value)
}

// Tx is what Update's function reads and changes. It is valid during the call.
type Tx struct {
	// Now is the time of the change.
	Now time.Time

	base    func(kind, key string) ([]byte, bool)
	reads   map[recordID]struct{} // nil when nobody has to check them
	changes []change
	nextID  func() uint64
}

// Get returns a record with all changes before this update and in it. The value
// must not be changed.
func (tx *Tx) Get(kind, key string) ([]byte, bool) {
	for i := len(tx.changes) - 1; i >= 0; i-- {
		if ch := &tx.changes[i]; ch.key == key && ch.kind == kind {
			return ch.value, ch.value != nil
		}
	}
	if !validKey(kind, key) {
		return nil, false // no record can have it
	}
	if tx.reads != nil {
		tx.reads[recordID{kind, key}] = struct{}{}
	}
	return tx.base(kind, key)
}

// Put sets a record; value is copied. It panics if kind is empty or longer than
// 255 bytes, or if key is longer than 64 KiB, which are mistakes of the program.
func (tx *Tx) Put(kind, key string, value []byte) {
	checkKey(kind, key)
	tx.changes = append(tx.changes, change{kind, key, append([]byte{}, value...)})
}

// Delete removes a record. Nothing happens if there is none.
func (tx *Tx) Delete(kind, key string) {
	if _, ok := tx.Get(kind, key); ok {
		tx.changes = append(tx.changes, change{kind: kind, key: key})
	}
}

// NextID returns a number from 1 that it never returned before in this data set; one
// that only an update that failed has seen may come again after a restart. On a
// cluster the numbers are in no order.
func (tx *Tx) NextID() uint64 { return tx.nextID() }

// call runs fn. A panic in it is an error: nothing of the catalog has changed yet,
// so there is no reason to stop the partition.
func (tx *Tx) call(fn func(tx *Tx) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("catalog: panic in an update: %v", r)
		}
	}()
	return fn(tx)
}

// update is one call of Update, as a command.
type update struct {
	c   *Catalog
	fn  func(tx *Tx) error
	err error // from fn
	end chan error
	// taken is set by whoever comes first: the partition to run fn, or the caller
	// to give up.
	taken atomic.Bool
}

// wait returns how the update ended, or takes it back when ctx ends first.
func (u *update) wait(ctx context.Context) error {
	select {
	case err := <-u.end:
		return err
	case <-ctx.Done():
		if u.taken.CompareAndSwap(false, true) {
			return context.Cause(ctx)
		}
		return <-u.end
	}
}

// Run implements partition.Command.
func (u *update) Run(ptx *partition.Tx) {
	if !u.taken.CompareAndSwap(false, true) {
		ptx.Relax()
		return
	}
	o := &u.c.owner
	first := o.lastID
	tx := &Tx{Now: ptx.Now, base: o.get, nextID: o.nextID}
	u.err = tx.call(u.fn)
	if u.err == nil {
		u.c.apply(ptx, tx.changes, o.lastID != first)
	}
}

// Done implements partition.Command.
func (u *update) Done(err error) {
	if err == nil {
		err = u.err
	}
	u.end <- err
}

// apply makes changes on the owner's side: in the working state, the batch and, when
// that is durable, in the committed state. ids tells whether some were taken. It
// reports whether there was anything to do.
func (c *Catalog) apply(ptx *partition.Tx, changes []change, ids bool) bool {
	if len(changes) == 0 && !ids {
		return false
	}
	o := &c.owner
	o.version++
	c.number(ptx, versionKey, o.version)
	if ids {
		c.number(ptx, lastIDKey, o.lastID)
	}
	for _, ch := range changes {
		ch.applyTo(o.working)
		o.modify(recordID{ch.kind, ch.key})
		key := appendKey(store.AppendKey(nil, ptx.Partition(), store.SpaceCatalog), ch.kind, ch.key)
		if ch.value == nil {
			ptx.Batch.Delete(key)
		} else {
			ptx.Batch.Set(key, ch.value)
		}
	}
	at := o.counters
	ptx.OnCommit(func(err error) {
		if err == nil {
			c.publish(changes, at)
		}
	})
	return true
}

// number writes one of the two numbers.
func (c *Catalog) number(ptx *partition.Tx, key []byte, n uint64) {
	key = append(store.AppendKey(nil, ptx.Partition(), store.SpaceCatalog), key...)
	ptx.Batch.Set(key, binary.BigEndian.AppendUint64(nil, n))
}

// appendKey appends the part of a key after the space.
func appendKey(dst []byte, kind, key string) []byte {
	dst = append(dst, byte(len(kind)))
	dst = append(dst, kind...)
	return append(dst, key...)
}

func splitKey(rest []byte) (kind, key string, ok bool) {
	if len(rest) == 0 || rest[0] == 0 || len(rest) < 1+int(rest[0]) {
		return "", "", false
	}
	n := 1 + int(rest[0])
	return string(rest[1:n]), string(rest[n:]), true
}

func validKey(kind, key string) bool {
	return kind != "" && len(kind) <= maxKind && len(key) <= maxKey
}

func checkKey(kind, key string) {
	if !validKey(kind, key) {
		panic(fmt.Sprintf("catalog: bad record key (%q, %d bytes)", kind, len(key)))
	}
}

// Check reports what is wrong with the catalog's records; for store.Check.
func Check(r store.Reader, report func(problem string)) error {
	const catalogPartition = 0
	lo, hi := store.Bounds(catalogPartition, store.SpaceCatalog)
	return r.Scan(lo, hi, func(key, value []byte) bool {
		rest := key[len(lo):]
		_, _, ok := splitKey(rest)
		if !ok && !new(counters).set(rest, value) {
			report(fmt.Sprintf("catalog: key %x is not one of a record", key))
		}
		return true
	})
}
