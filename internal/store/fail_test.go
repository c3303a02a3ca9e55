package store_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/spillway/spillway/internal/store"
	"github.com/spillway/spillway/internal/store/storetest"
)

// TestDiskFailsAtAnyMoment has the disk go away after every possible number of
// operations while writers fill several memtables, so that it hits commits, log
// rotation, flushes, the manifest and compactions. Whatever it hits: no writer
// hangs or is told something wrong, reads go on, Close returns, and a restart
// finds everything that was acknowledged.
func TestDiskFailsAtAnyMoment(t *testing.T) {
	step := 31
	if testing.Short() {
		step = 101
	}
	for after := 0; after < 500; after += step {
		synctest.Test(t, func(t *testing.T) { failAfter(t, after) })
		if t.Failed() {
			t.Fatalf("with a failure after %d operations", after)
		}
	}
}

func failAfter(t *testing.T, after int) {
	fs := storetest.NewFS(int64(after))
	s, err := store.Open(store.Options{Dir: "data", FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	fs.FailAfter(after)
	const writers = 3
	acked := [writers]uint64{}
	ended := make(chan int, writers)
	for w := range writers {
		go func() {
			value := make([]byte, 100<<10)
			for n := uint64(0); n < 25; n++ {
				b := s.NewBatch()
				b.Set(store.AppendKey(nil, uint16(w), store.SpaceMessage, n), value)
				if err := b.Commit(n%3 > 0); err != nil {
					break
				}
				if n%3 > 0 {
					acked[w] = n + 1
				}
			}
			ended <- w
		}()
	}
	for range writers {
		<-ended
	}
	if s.Err() == nil {
		s.Backup("copy") // something else that may fail
	}
	if _, _, err := s.Get(key(0)); err != nil {
		t.Errorf("reading: %v", err)
	}
	s.Close()
	fs.Heal()
	for name, fs := range map[string]*storetest.FS{"process": fs, "machine": fs.Crash()} {
		again, err := store.Open(store.Options{Dir: "data", FS: fs})
		if err != nil {
			t.Fatalf("restart of the %s: %v", name, err)
		}
		for w, count := range acked {
			for n := range count {
				_, ok, err := again.Get(store.AppendKey(nil, uint16(w), store.SpaceMessage, n))
				if !ok || err != nil {
					t.Errorf("restart of the %s: %s is lost (%v)", name, fmt.Sprint(w, n), err)
				}
			}
		}
		if err := again.Close(); err != nil {
			t.Errorf("restart of the %s: close: %v", name, err)
		}
	}
}
