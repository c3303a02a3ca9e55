package queue

import (
	"strings"
	"testing"

	"github.com/spillway/spillway/internal/queue/core"
	"github.com/spillway/spillway/internal/store"
)

// TestCheckSeesDamage damages one thing after the other in a sound store.
func TestCheckSeesDamage(t *testing.T) {
	t.Parallel()
	e := open(t, store.Options{Memory: true}, func(*Engine) {})
	q := e.Declare(7, standardSpec)
	const delay = 900_000
	for range 3 {
		send(t, q, text("plain"))
	}
	late := text("late")
	late.Delay = delay
	sent := send(t, q, late)
	got := lease(t, q, LeaseRequest{Max: 1, Time: -1})
	fifo := standardSpec
	fifo.FIFO = true
	f := e.Declare(7+1024*8, fifo)
	d := text("d")
	d.HasDedup = true
	send(t, f, d)
	send(t, q, text("flush")) // the lease is in the store when this is
	if problems := e.store.Check(Check); len(problems) > 0 {
		t.Fatalf("sound: %v", problems)
	}
	p := q.m.p.ID()
	key := func(space store.Space, parts ...uint64) []byte { return store.AppendKey(nil, p, space, parts...) }
	message := func(seq uint64) []byte { return key(store.SpaceMessage, 7, seq) }
	value := func(key []byte) []byte {
		v, ok, err := e.store.Get(key)
		if !ok || err != nil {
			t.Fatalf("key %x: %v %v", key, ok, err)
		}
		return v
	}
	record, err := core.ParseQueue(value(key(store.SpaceQueue, 7)))
	if err != nil {
		t.Fatal(err)
	}
	stored, err := core.ParseRecord(value(message(sent[0].Seq)))
	if err != nil {
		t.Fatal(err)
	}
	lane := key(store.SpaceDelayed, 7, uint64(stored.DueAt), sent[0].Seq)
	count := key(store.SpaceDelayCount, 7, uint64(core.DueSecond(stored.DueAt)))
	changed := func(change func(r *core.Record)) []byte {
		r := record
		change(&r)
		return r.Append(nil)
	}
	leaving := core.State{Acquired: 1, Deadline: 5, Leaving: 9}
	for _, tt := range []struct {
		name   string
		key    []byte
		value  []byte // nil: the key is deleted
		report string
	}{
		{"queue key", key(store.SpaceQueue, 7, 7), []byte{1}, "bytes of parts"},
		{"queue record", key(store.SpaceQueue, 7), []byte{99}, "record of queue 7 is unreadable"},
		{"no record", key(store.SpaceQueue, 7), nil, "which has no record"},
		{"contradiction", key(store.SpaceQueue, 7), changed(func(r *core.Record) { r.Cursor = r.Next + 1 }), "contradicts itself"},
		{"total", key(store.SpaceQueue, 7), changed(func(r *core.Record) { r.Total++ }), "its record says 6"},
		{"next", key(store.SpaceQueue, 7), changed(func(r *core.Record) { r.Next, r.Cursor = got[0].Seq, got[0].Seq }), "is outside"},
		{"cursor", key(store.SpaceQueue, 7), changed(func(r *core.Record) { r.Cursor = r.Next }), "below the cursor"},
		{"message", message(got[0].Seq), []byte{99}, "is unreadable"},
		{"message lost", message(got[0].Seq), nil, "which does not exist"},
		{"message key", append(message(got[0].Seq), 0), []byte{1}, "bytes of parts"},
		{"state", key(store.SpaceState, 7, got[0].Seq), []byte{99}, "the state of message"},
		{"state twice", key(store.SpaceState, 7, got[0].Seq), leaving.Append(nil), "leased and leaving"},
		{"lane lost", lane, nil, "is not in the delay lane"},
		{"lane extra", key(store.SpaceDelayed, 7, 5, 6), []byte{}, "where it is not"},
		{"lane value", lane, []byte{1}, "has 1 bytes, not 0"},
		{"count lost", count, nil, "its delay count is 0"},
		{"count wrong", count, []byte{0, 0, 0, 0, 0, 0, 0, 2}, "its delay count is 2"},
		{"count extra", key(store.SpaceDelayCount, 7, 5), []byte{0, 0, 0, 0, 0, 0, 0, 1}, "no message is due"},
		{"count value", count, []byte{1}, "has 1 bytes, not 8"},
		{"dedup range", key(store.SpaceDedup, 7, 1), (&core.Dedup{}).Append(nil), "is outside"},
		{"dedup", key(store.SpaceDedup, 7, got[0].Seq), []byte{9}, "is unreadable"},
		{"transfer", key(store.SpaceTransfer, 7, 1, 2), []byte{1}, "has 1 bytes, not 0"},
		{"transfer key", key(store.SpaceTransfer, 7, 1), []byte{}, "bytes of parts"},
	} {
		before, had, err := e.store.Get(tt.key)
		if err != nil {
			t.Fatal(err)
		}
		write(t, e.store, tt.key, tt.value, tt.value != nil)
		problems := strings.Join(e.store.Check(Check), "\n")
		if !strings.Contains(problems, tt.report) {
			t.Errorf("%s: %q is not in:\n%s", tt.name, tt.report, problems)
		}
		write(t, e.store, tt.key, before, had)
	}
	if problems := e.store.Check(Check); len(problems) > 0 {
		t.Errorf("not repaired: %v", problems)
	}
}

func write(t *testing.T, st *store.Store, key, value []byte, set bool) {
	t.Helper()
	b := st.NewBatch()
	if set {
		b.Set(key, value)
	} else {
		b.Delete(key)
	}
	if err := b.Commit(true); err != nil {
		t.Fatal(err)
	}
}
