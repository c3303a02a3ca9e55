package store_test

import (
	"bytes"
	"math"
	"testing"

	"github.com/spillway/spillway/internal/store"
)

func TestKeysSortByTheirParts(t *testing.T) {
	var before []byte
	for _, k := range [][]byte{
		store.AppendKey(nil, 0, store.SpaceMessage, math.MaxUint64),
		store.AppendKey(nil, 1, store.SpaceMessage, 0),
		store.AppendKey(nil, 1, store.SpaceMessage, 1),
		store.AppendKey(nil, 1, store.SpaceMessage, 255, 9),
		store.AppendKey(nil, 1, store.SpaceMessage, 256),
		store.AppendKey(nil, 1, store.SpaceState, 0),
		store.AppendKey(nil, 256, store.SpaceMessage, 0),
	} {
		if bytes.Compare(before, k) >= 0 {
			t.Errorf("%x is not after %x", k, before)
		}
		before = k
	}
}

func TestBounds(t *testing.T) {
	lo, hi := store.Bounds(1, store.SpaceMessage, math.MaxUint64)
	in := store.AppendKey(nil, 1, store.SpaceMessage, math.MaxUint64, math.MaxUint64)
	if bytes.Compare(in, lo) < 0 || bytes.Compare(in, hi) >= 0 {
		t.Errorf("%x is outside %x to %x", in, lo, hi)
	}
	out := store.AppendKey(nil, 1, store.SpaceQueue)
	if bytes.Compare(out, hi) < 0 {
		t.Errorf("%x is below %x", out, hi)
	}
	lo, hi = store.PartitionBounds(math.MaxUint16)
	in = store.AppendKey(nil, math.MaxUint16, store.SpaceDelayed, math.MaxUint64)
	if bytes.Compare(in, lo) < 0 || bytes.Compare(in, hi) >= 0 {
		t.Errorf("%x is outside %x to %x", in, lo, hi)
	}
}

func TestSplitKey(t *testing.T) {
	p, space, rest, ok := store.SplitKey(append(store.AppendKey(nil, 513, store.SpaceDedup), "abc"...))
	if p != 513 || space != store.SpaceDedup || string(rest) != "abc" || !ok {
		t.Errorf("%d %q %q %v", p, space, rest, ok)
	}
	if _, _, _, ok := store.SplitKey([]byte{1, 2}); ok {
		t.Error("two bytes are a key")
	}
}

func TestAppendKeyDoesNotAllocate(t *testing.T) {
	dst := make([]byte, 0, 64)
	n := testing.AllocsPerRun(100, func() { dst = store.AppendKey(dst[:0], 1, store.SpaceMessage, 1, 2, 3) })
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}
