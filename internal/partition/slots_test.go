package partition_test

import (
	"testing"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/store"
	"github.com/spillway/spillway/internal/store/storetest"
)

func TestPartitionsAreDecidedOnce(t *testing.T) {
	fs := storetest.NewFS(1)
	where := map[uint64]uint16{}
	counts := map[uint16]int{}
	st := storetest.Open(t, fs)
	s, err := partition.OpenSet(st, partition.Options{Partitions: 3})
	if err != nil {
		t.Fatal(err)
	}
	for id := range uint64(3000) {
		where[id] = s.For(id).ID()
		counts[where[id]]++
	}
	if len(s.All()) != 3 || s.Catalog().ID() != 0 || counts[0] != 0 {
		t.Errorf("%d partitions, catalog %d, %d resources in it", len(s.All()), s.Catalog().ID(), counts[0])
	}
	for id, n := range counts {
		if n < 800 || n > 1200 {
			t.Errorf("partition %d has %d of 3000", id, n)
		}
	}
	if problems := st.Check(partition.Check); len(problems) > 0 {
		t.Errorf("%q", problems)
	}
	st.Close()

	st = storetest.Open(t, fs.Crash())
	s, err = partition.OpenSet(st, partition.Options{Partitions: 8})
	if err != nil {
		t.Fatal(err)
	}
	for id, p := range where {
		if got := s.For(id).ID(); got != p {
			t.Fatalf("resource %d moved from partition %d to %d", id, p, got)
		}
	}
}

func TestDamagedSlotMap(t *testing.T) {
	st := storetest.Open(t, storetest.NewFS(1))
	b := st.NewBatch()
	b.Set(store.AppendKey(nil, 0, store.SpaceMeta, 1), []byte("x"))
	if err := b.Commit(true); err != nil {
		t.Fatal(err)
	}
	if _, err := partition.OpenSet(st, partition.Options{}); err == nil {
		t.Error("opened")
	}
	if problems := st.Check(partition.Check); len(problems) != 1 {
		t.Errorf("%q", problems)
	}
}

// TestSlot holds the hash function fast: a change would lose every resource.
func TestSlot(t *testing.T) {
	for id, want := range map[uint64]int{0: 0, 1: 485, 2: 138, 1 << 40: 1016} {
		if got := partition.Slot(id); got != want {
			t.Errorf("slot of %d is %d, want %d", id, got, want)
		}
	}
}
