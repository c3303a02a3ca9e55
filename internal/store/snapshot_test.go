package store_test

import (
	"testing"

	"github.com/spillway/spillway/internal/store"
	"github.com/spillway/spillway/internal/store/storetest"
)

// TestSnapshot: a snapshot is the store as it was, whatever is written since.
func TestSnapshot(t *testing.T) {
	t.Parallel()
	st := storetest.Open(t, storetest.NewFS(1))
	key := store.AppendKey(nil, 1, store.SpaceMessage, 1)
	set := func(value string) {
		b := st.NewBatch()
		b.Set(key, []byte(value))
		if err := b.Commit(true); err != nil {
			t.Fatal(err)
		}
	}
	set("old")
	view, err := st.NewSnapshot()
	if err != nil {
		t.Fatal(err)
	}
	set("new")
	if v, ok, err := view.Get(key); string(v) != "old" || !ok || err != nil {
		t.Errorf("%q %v %v", v, ok, err)
	}
	lo, hi := store.PartitionBounds(1)
	n := 0
	if err := view.Scan(lo, hi, func(_, value []byte) bool { n++; return string(value) == "old" }); err != nil || n != 1 {
		t.Errorf("%d records, %v", n, err)
	}
	if err := view.Close(); err != nil {
		t.Error(err)
	}
	if err := view.Close(); err != nil {
		t.Error("closed twice:", err)
	}
}

// TestReplicatedStore: without a log of its own, what was flushed survives a power
// cut, and what is lost is a suffix of what was applied.
func TestReplicatedStore(t *testing.T) {
	t.Parallel()
	fs := storetest.NewFS(1)
	open := func(fs *storetest.FS) *store.Store {
		st, err := store.Open(store.Options{Dir: "data", FS: fs, Replicated: true, MinFreeBytes: -1})
		if err != nil {
			t.Fatal(err)
		}
		return st
	}
	st := open(fs)
	write := func(from, to uint64) {
		for n := from; n < to; n++ {
			b := st.NewBatch()
			b.Set(store.AppendKey(nil, 1, store.SpaceMessage, n), []byte("x"))
			if err := b.Commit(true); err != nil {
				t.Fatal(err)
			}
		}
	}
	write(0, 50)
	if err := st.Flush(); err != nil {
		t.Fatal(err)
	}
	write(50, 100)
	crashed := open(fs.Crash())
	defer crashed.Close()
	lo, hi := store.PartitionBounds(1)
	n := uint64(0)
	err := crashed.Scan(lo, hi, func(key, _ []byte) bool {
		if want := store.AppendKey(nil, 1, store.SpaceMessage, n); string(key) != string(want) {
			t.Errorf("record %x where %x should be", key, want)
		}
		n++
		return true
	})
	if err != nil || n < 50 {
		t.Errorf("%d of 50 flushed records after a power cut, %v", n, err)
	}
	if err := st.Close(); err != nil {
		t.Error(err)
	}
}

// TestOps: a batch says what it would do.
func TestOps(t *testing.T) {
	t.Parallel()
	st := storetest.Open(t, storetest.NewFS(1))
	b := st.NewBatch()
	defer b.Discard()
	b.Set([]byte("a"), []byte("1"))
	b.Delete([]byte("b"))
	b.DeleteSized([]byte("c"), 9)
	b.DeleteRange([]byte("d"), []byte("e"))
	b.Set([]byte("f"), nil)
	ops, err := b.Ops()
	if err != nil || len(ops) != 5 {
		t.Fatalf("%v %v", ops, err)
	}
	for i, want := range []struct {
		key, value, end string
		set             bool
	}{{"a", "1", "", true}, {"b", "", "", false}, {"c", "", "", false}, {"d", "", "e", false}, {"f", "", "", true}} {
		op := ops[i]
		if string(op.Key) != want.key || string(op.Value) != want.value || string(op.End) != want.end || (op.Value != nil) != want.set {
			t.Errorf("op %d: %+v", i, op)
		}
	}
}
