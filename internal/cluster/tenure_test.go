package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/store"
)

// unreliable is a log in memory that loses messages and acknowledgements.
type unreliable struct {
	mu       sync.Mutex
	random   *rand.Rand
	messages [][]byte
	ids      map[string]uint64
	forgets  bool // ids are not remembered
	loses    int  // of ten messages
	silent   int  // of ten acknowledgements
	again    int  // messages that came twice
}

type result struct {
	seq uint64
	err error
}

func (u *unreliable) Append(expected uint64, id string, data []byte) (Pending, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.random.IntN(10) < u.loses {
		return result{err: context.DeadlineExceeded}, nil
	}
	out := result{}
	switch seq, known := u.ids[id]; {
	case known && !u.forgets:
		u.again++
		out.seq = seq
	case expected != uint64(len(u.messages)):
		out.err = ErrConflict
	default:
		u.messages = append(u.messages, bytes.Clone(data))
		out.seq = uint64(len(u.messages))
		u.ids[id] = out.seq
	}
	if u.random.IntN(10) < u.silent {
		out = result{err: context.DeadlineExceeded}
	}
	return out, nil
}

func (r result) Wait(context.Context) (uint64, error) { return r.seq, r.err }

func (u *unreliable) Read(_ context.Context, seq uint64) ([]byte, bool, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if seq > uint64(len(u.messages)) {
		return nil, false, nil
	}
	return u.messages[seq-1], true, nil
}

func (u *unreliable) Info(context.Context) (Info, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return Info{First: 1, Last: uint64(len(u.messages))}, nil
}

func (u *unreliable) Tail(context.Context, uint64, func(uint64), func(uint64, []byte) error) error {
	return nil
}
func (u *unreliable) Trim(context.Context, uint64) error     { return nil }
func (u *unreliable) Leads() bool                            { return true }
func (u *unreliable) StepDown(context.Context, string) error { return nil }

func memory(t *testing.T) *store.Store {
	t.Helper()
	st, err := store.Open(store.Options{Memory: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

func newUnreliable(seed uint64) *unreliable {
	return &unreliable{random: rand.New(rand.NewPCG(seed, 0)), ids: map[string]uint64{}}
}

// batchOf is a batch with one record of a size.
func batchOf(st *store.Store, n uint64, size int) *store.Batch {
	b := st.NewBatch()
	b.Set(store.AppendKey(nil, 1, store.SpaceMessage, n), bytes.Repeat([]byte{byte(n)}, size))
	return b
}

// TestLostAcknowledgements: whatever is lost, every batch is in the log once, in
// order, and what a follower makes of it is what the owner has.
func TestLostAcknowledgements(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			log, owner, follower := newUnreliable(seed), memory(t), memory(t)
			log.loses, log.silent, log.forgets = 3, 3, seed%2 == 1
			start := position{state: stateApplied, log: uuid{1}}
			tenure := newTenure(t.Context(), log, 1, start, func(position) {})
			if err := tenure.barrier(owner); err != nil {
				t.Fatal(err)
			}
			sizes := rand.New(rand.NewPCG(seed, 1))
			var waiting []partition.Commit
			const batches = 60
			for n := range uint64(batches) {
				size := 100
				if sizes.IntN(10) == 0 {
					size = 2*partSize + 17 // cut into parts
				}
				c, err := tenure.Append(batchOf(owner, n, size), true)
				if err != nil {
					t.Fatal(err)
				}
				if waiting = append(waiting, c); len(waiting) < 4 && n < batches-4 {
					continue // four in flight
				}
				if err := waiting[0].Wait(); err != nil {
					t.Fatalf("seed %d, batch %d: %v", seed, n, err)
				}
				waiting = waiting[1:]
			}
			for _, c := range waiting {
				if err := c.Wait(); err != nil {
					t.Fatal(err)
				}
			}
			follow(t, log, follower, start)
			same(t, owner, follower)
		})
	}
}

// follow applies the whole log to a store.
func follow(t *testing.T, log *unreliable, st *store.Store, start position) {
	t.Helper()
	set, err := partition.OpenSet(st, partition.Options{Partitions: 1, Replicated: true})
	if err != nil {
		t.Fatal(err)
	}
	a := &applier{store: st, p: set.Get(1), stored: func(position) {}, at: start}
	for i, m := range log.messages {
		if err := a.take(uint64(i)+1, m); err != nil {
			t.Fatal(err)
		}
	}
}

// same compares what two stores have of partition 1, positions included.
func same(t *testing.T, a, b *store.Store) {
	t.Helper()
	lo, hi := store.PartitionBounds(1)
	dump := func(st *store.Store) (out []string) {
		err := st.Scan(lo, hi, func(key, value []byte) bool {
			out = append(out, fmt.Sprintf("%x %x", key, digestOf(value)))
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if x, y := dump(a), dump(b); fmt.Sprint(x) != fmt.Sprint(y) {
		t.Errorf("%d and %d records, and they differ", len(x), len(y))
	}
}

// TestRace: of two nodes that want to be the next owner at the same moment, one is.
func TestRace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, forgets := range []bool{false, true} {
			log := newUnreliable(1)
			log.forgets = forgets
			start := position{state: stateApplied, log: uuid{1}}
			one := newTenure(t.Context(), log, 1, start, func(position) {})
			two := newTenure(t.Context(), log, 1, start, func(position) {})
			first, second := one.barrier(memory(t)), two.barrier(memory(t))
			if first != nil || !errors.Is(second, partition.ErrNotOwner) {
				t.Errorf("%v and %v", first, second)
			}
		}
	})
}

// TestFencing: of two owners only the one with the later barrier can write, and the
// other notices with its next batch.
func TestFencing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, one, two := newUnreliable(1), memory(t), memory(t)
		start := position{state: stateApplied, log: uuid{1}}
		old := newTenure(t.Context(), log, 1, start, func(position) {})
		if err := old.barrier(one); err != nil {
			t.Fatal(err)
		}
		c, _ := old.Append(batchOf(one, 1, 10), true)
		if err := c.Wait(); err != nil {
			t.Fatal(err)
		}
		late := newTenure(t.Context(), log, 1, start, func(position) {})
		if err := late.barrier(two); !errors.Is(err, partition.ErrNotOwner) {
			t.Errorf("a barrier of a node that has not applied everything: %v", err)
		}
		new := newTenure(t.Context(), log, 1, old.head, func(position) {})
		if err := new.barrier(two); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		c, _ = old.Append(batchOf(one, 2, 10), true)
		if err := c.Wait(); !errors.Is(err, partition.ErrNotOwner) {
			t.Errorf("the old owner's batch: %v", err)
		}
		if took := time.Since(began); took > ackTime {
			t.Errorf("it noticed after %v", took)
		}
		if len(log.messages) != 3 {
			t.Errorf("the log has %d messages", len(log.messages))
		}
		c, _ = new.Append(batchOf(two, 3, 10), true)
		if err := c.Wait(); err != nil {
			t.Errorf("the new owner's batch: %v", err)
		}
	})
}

// TestDamageIsNoticed: a replica that is served a log with any message missing,
// doubled, swapped or changed stops.
func TestDamageIsNoticed(t *testing.T) {
	t.Parallel()
	log, owner := newUnreliable(1), memory(t)
	start := position{state: stateApplied, log: uuid{1}}
	tenure := newTenure(t.Context(), log, 1, start, func(position) {})
	if err := tenure.barrier(owner); err != nil {
		t.Fatal(err)
	}
	for n := range uint64(5) {
		c, _ := tenure.Append(batchOf(owner, n, 10), true)
		if err := c.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	take := func(messages [][]byte) error {
		set, err := partition.OpenSet(memory(t), partition.Options{Partitions: 1, Replicated: true})
		if err != nil {
			t.Fatal(err)
		}
		a := &applier{store: memory(t), p: set.Get(1), stored: func(position) {}, at: start}
		for i, m := range messages {
			if err := a.take(uint64(i)+1, m); err != nil {
				return err
			}
		}
		return nil
	}
	if err := take(log.messages); err != nil {
		t.Fatal(err)
	}
	for at := range len(log.messages) - 1 {
		missing := append(append([][]byte{}, log.messages[:at]...), log.messages[at+1:]...)
		doubled := append(append([][]byte{}, log.messages[:at+1]...), log.messages[at:]...)
		swapped := append([][]byte{}, log.messages...)
		swapped[at], swapped[at+1] = swapped[at+1], swapped[at]
		changed := append([][]byte{}, log.messages...)
		changed[at] = bytes.Clone(changed[at])
		changed[at][len(changed[at])/2] ^= 1
		for name, messages := range map[string][][]byte{"missing": missing, "doubled": doubled, "swapped": swapped, "changed": changed} {
			if err := take(messages); !errors.Is(err, errDamaged) {
				t.Errorf("message %d %s: %v", at, name, err)
			}
		}
	}
}
