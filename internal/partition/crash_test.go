package partition_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/store"
	"github.com/spillway/spillway/internal/store/storetest"
)

// TestCrash runs callers against a partition and crashes the file system at random
// moments. What was acknowledged before the crash must be there; a command's two
// records must both be there or neither; and what is there must be a prefix of the
// order in which the commands ran.
func TestCrash(t *testing.T) {
	for seed := range int64(15) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			crash(t, seed)
		})
	}
}

func crash(t *testing.T, seed int64) {
	const callers, perCaller = 8, 60
	fs := storetest.NewFS(seed)
	st := storetest.Open(t, fs)
	o := partition.Options{Partitions: 1}
	if seed%2 == 0 {
		o.NewLog = newDeepLog
	}
	s := start(t, st, o, nil)
	p := s.All()[0]

	var mu sync.Mutex // guards acked
	acked := map[uint64]bool{}
	ran := uint64(0) // belongs to the partition
	rng := rand.New(rand.NewPCG(uint64(seed), 1))
	crashAt := map[int]bool{}
	for range 4 {
		crashAt[rng.IntN(callers*perCaller)] = true
	}
	type snapshot struct {
		fs    *storetest.FS
		acked []uint64
	}
	var snapshots []snapshot

	var running sync.WaitGroup
	for caller := range callers {
		rng := rand.New(rand.NewPCG(uint64(seed), uint64(caller)))
		running.Go(func() {
			for range perCaller {
				relaxed := rng.IntN(4) == 0
				var number uint64
				err := do(p, func(tx *partition.Tx) {
					ran++
					number = ran
					value := make([]byte, rng.IntN(2000))
					tx.Batch.Set(store.AppendKey(nil, tx.Partition(), store.SpaceMessage, number), value)
					tx.Batch.Set(store.AppendKey(nil, tx.Partition(), store.SpaceState, number), nil)
					if relaxed {
						tx.Relax()
					}
				})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				if !relaxed {
					acked[number] = true
				}
				if crashAt[len(acked)] {
					delete(crashAt, len(acked))
					known := make([]uint64, 0, len(acked))
					for n := range acked {
						known = append(known, n)
					}
					snapshots = append(snapshots, snapshot{fs.Crash(), known})
				}
				mu.Unlock()
			}
		})
	}
	running.Wait()
	for _, snap := range snapshots {
		after := storetest.Open(t, snap.fs)
		messages, states := numbers(t, after, store.SpaceMessage), numbers(t, after, store.SpaceState)
		if !slices.Equal(messages, states) {
			t.Error("half of a batch survived")
		}
		for i, n := range messages {
			if n != uint64(i)+1 {
				t.Fatalf("command %d survived, but one before it did not", n)
			}
		}
		for _, n := range snap.acked {
			if n > uint64(len(messages)) {
				t.Errorf("command %d was acknowledged and is lost (%d survived)", n, len(messages))
			}
		}
		after.Close()
	}
}

// numbers returns the numbers of the keys in a space of partition 1.
func numbers(t *testing.T, r store.Reader, space store.Space) (found []uint64) {
	t.Helper()
	lo, hi := store.Bounds(1, space)
	err := r.Scan(lo, hi, func(key, _ []byte) bool {
		_, _, rest, _ := store.SplitKey(key)
		n := uint64(0)
		for _, b := range rest {
			n = n<<8 | uint64(b)
		}
		found = append(found, n)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
