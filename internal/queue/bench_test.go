//go:build unix

package queue

import (
	"context"
	"flag"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/store"
)

var depth = flag.Int("queue.depth", 0, "messages in the queue of TestDepth, e.g. 10000000; 0 skips it")

// opened is an engine on disk that can be closed and opened again.
type opened struct {
	*Engine
	close func()
}

func openDisk(t testing.TB, dir string, ids ...uint64) opened {
	t.Helper()
	st, err := store.Open(store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	set, err := partition.OpenSet(st, partition.Options{})
	if err != nil {
		t.Fatal(err)
	}
	e := New(set, st, Options{})
	for _, id := range ids {
		e.Declare(id, standardSpec)
	}
	if err := set.Start(); err != nil {
		t.Fatal(err)
	}
	e.Start()
	return opened{e, func() {
		e.Close()
		if err := set.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}}
}

// processor is the time that the process spent on processors.
func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// measure runs b.N calls and reports what they cost.
func measure(b *testing.B, n, messages int, f func(caller int)) {
	b.ReportAllocs()
	b.ResetTimer()
	before := processor()
	callers(n, b.N, f)
	b.ReportMetric(float64(b.N*messages)/b.Elapsed().Seconds(), "msg/s")
	b.ReportMetric(float64((processor()-before).Nanoseconds())/float64(b.N)/1000, "cpu-us/op")
}

// callers has n goroutines call f total times in all.
func callers(n, total int, f func(caller int)) {
	var calls atomic.Int64
	var running sync.WaitGroup
	for i := range n {
		running.Go(func() {
			for calls.Add(1) <= int64(total) {
				f(i)
			}
		})
	}
	running.Wait()
}

func body256(n int) []Enqueue {
	in := make([]Enqueue, n)
	for i := range in {
		in[i] = Enqueue{Message: Message{ID: ID{1}, Header: make([]byte, 40), Body: make([]byte, 256)}, Delay: -1}
	}
	return in
}

func refresh(in []Enqueue) {
	for i := range in {
		in[i].ID, in[i].SentAt = NewID(), 0
	}
}

func BenchmarkEnqueue(b *testing.B) {
	for _, messages := range []int{1, 10} {
		for _, n := range []int{1, 64, 256} {
			b.Run(fmt.Sprintf("messages=%d/callers=%d", messages, n), func(b *testing.B) {
				e := openDisk(b, b.TempDir(), 7)
				defer e.close()
				q := e.Queue(7)
				batches := make([][]Enqueue, n)
				outs := make([][]Enqueued, n)
				for i := range batches {
					batches[i] = body256(messages)
				}
				measure(b, n, messages, func(i int) {
					refresh(batches[i])
					var err error
					if outs[i], err = q.Enqueue(batches[i], outs[i][:0]); err != nil {
						b.Error(err)
					}
				})
			})
		}
	}
}

// BenchmarkLifecycle sends, receives and deletes, in the same calls.
func BenchmarkLifecycle(b *testing.B) {
	for _, messages := range []int{1, 10} {
		for _, fifo := range []bool{false, true} {
			b.Run(fmt.Sprintf("messages=%d/fifo=%v/callers=64", messages, fifo), func(b *testing.B) {
				e := openDisk(b, b.TempDir())
				defer e.close()
				spec := standardSpec
				spec.FIFO = fifo
				q := e.Declare(7, spec)
				batches := make([][]Enqueue, 64)
				for i := range batches {
					batches[i] = body256(messages)
					if fifo {
						for k := range batches[i] {
							batches[i][k].Group = fmt.Sprint(i, k)
						}
					}
				}
				measure(b, 64, messages, func(i int) {
					refresh(batches[i])
					cycle(b, q, batches[i])
				})
			})
		}
	}
}

func cycle(t testing.TB, q *Queue, in []Enqueue) {
	if _, err := q.Enqueue(in, nil); err != nil {
		t.Error(err)
	}
	out, err := q.Lease(context.Background(), LeaseRequest{Max: len(in), Time: -1})
	if err != nil {
		t.Error(err)
	}
	settle := make([]Settlement, len(out))
	for i, d := range out {
		settle[i] = Settlement{Seq: d.Seq, Generation: d.Generation}
	}
	if _, err := q.Settle(settle, nil); err != nil {
		t.Error(err)
	}
}

// TestDepth compares a deep queue with an empty one.
func TestDepth(t *testing.T) {
	if *depth == 0 {
		t.Skip("a measurement, not a test: give -queue.depth")
	}
	const deep, empty = 7, 8
	dir := t.TempDir()
	e := openDisk(t, dir, deep, empty)
	start := time.Now()
	callers(64, *depth/10, func(int) {
		in := body256(10)
		refresh(in)
		send(t, e.Queue(deep), in...)
	})
	t.Logf("%d messages stored in %v", *depth, time.Since(start))
	logHeap(t, e.Engine, "after that")
	speeds := func() {
		for range 3 {
			for _, id := range []uint64{empty, deep} {
				name := "empty"
				if id == deep {
					name = "deep"
				}
				q := e.Queue(id)
				const calls = 20_000
				start := time.Now()
				callers(64, calls, func(int) {
					in := body256(1)
					refresh(in)
					send(t, q, in...)
				})
				sending := time.Since(start)
				start = time.Now()
				held := make([][]Delivery, 64)
				callers(64, calls, func(i int) {
					out, err := q.Lease(context.Background(), LeaseRequest{Max: 1, Time: -1})
					if err != nil {
						t.Error(err)
					}
					held[i] = append(held[i], out...)
				})
				receiving := time.Since(start)
				start = time.Now()
				n := 0
				var running sync.WaitGroup
				for _, in := range held {
					n += len(in)
					running.Go(func() { accept(t, q, in...) })
				}
				running.Wait()
				t.Logf("%-5s send %6.0f/s, receive %6.0f/s, delete %6.0f/s (%d)", name,
					calls/sending.Seconds(), float64(n)/receiving.Seconds(), float64(n)/time.Since(start).Seconds(), n)
			}
		}
	}
	speeds()
	logHeap(t, e.Engine, "after that")
	start = time.Now()
	e.close()
	t.Logf("closed in %v", time.Since(start))
	start = time.Now()
	e = openDisk(t, dir, deep, empty)
	t.Logf("opened in %v", time.Since(start))
	start = time.Now()
	lease(t, e.Queue(deep), LeaseRequest{Max: 10, Time: 0})
	t.Logf("first receive in %v", time.Since(start))
	logHeap(t, e.Engine, "reopened")
	speeds()
	e.close()
}

func logHeap(t *testing.T, e *Engine, when string) {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	t.Logf("%s: heap %d MiB, cache %d MiB", when, m.HeapAlloc>>20, e.CacheUsed()>>20)
}
