package store

import (
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Op is one write of a batch.
type Op struct {
	Key   []byte
	Value []byte // nil for a deletion
	// End, if not nil, makes it the deletion of all keys in [Key, End).
	End []byte
}

// Ops returns the batch's writes, in order, as copies.
func (b *Batch) Ops() ([]Op, error) {
	var ops []Op
	r := b.b.Reader()
	for {
		kind, key, value, ok, err := r.Next()
		if err != nil {
			return nil, fmt.Errorf("store: read a batch: %w", err)
		}
		if !ok {
			return ops, nil
		}
		op := Op{Key: append([]byte{}, key...)}
		switch kind {
		case pebble.InternalKeyKindSet:
			op.Value = append([]byte{}, value...)
		case pebble.InternalKeyKindDelete, pebble.InternalKeyKindDeleteSized:
		case pebble.InternalKeyKindRangeDelete:
			op.End = append([]byte{}, value...)
		default:
			return nil, fmt.Errorf("store: a batch with a write of kind %d", kind)
		}
		ops = append(ops, op)
	}
}
