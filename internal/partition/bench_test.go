package partition_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/store"
)

// writer is a command that allocates nothing, so that the benchmark counts the
// partition's own allocations.
type writer struct {
	key   []byte
	value []byte
	done  chan error
}

func (w *writer) Run(tx *partition.Tx) { tx.Batch.Set(w.key, w.value) }
func (w *writer) Done(err error)       { w.done <- err }

// BenchmarkDurable measures small durable writes, one per command, on the real
// disk of the temporary folder: us/command is the time that all callers together
// need for one, and with a single caller the latency of an fsync.
func BenchmarkDurable(b *testing.B) {
	for _, callers := range []int{1, 64, 256} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			st, err := store.Open(store.Options{Dir: b.TempDir()})
			if err != nil {
				b.Fatal(err)
			}
			defer st.Close()
			s := start(b, st, partition.Options{}, nil)
			defer s.Close(b.Context())
			var next atomic.Uint64
			var running sync.WaitGroup
			b.ReportAllocs()
			b.ResetTimer()
			for caller := range callers {
				running.Go(func() {
					p := s.All()[caller%4]
					w := &writer{value: make([]byte, 256), done: make(chan error, 1)}
					for {
						n := next.Add(1)
						if n > uint64(b.N) {
							return
						}
						w.key = store.AppendKey(w.key[:0], p.ID(), store.SpaceMessage, 1, n)
						binary.BigEndian.PutUint64(w.value, n)
						p.Submit(w)
						if err := <-w.done; err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			running.Wait()
			b.StopTimer()
			b.ReportMetric(float64(residentBytes())/(1<<20), "MiB-resident")
		})
	}
}

// residentBytes is the process's resident memory, 0 where it is not known.
func residentBytes() int64 {
	text, _ := os.ReadFile("/proc/self/status")
	_, after, _ := strings.Cut(string(text), "VmRSS:")
	var kilobytes int64
	fmt.Sscan(after, &kilobytes)
	return kilobytes << 10
}
