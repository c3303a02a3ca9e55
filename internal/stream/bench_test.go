//go:build unix

package stream

import (
	"context"
	"flag"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/store"
)

var trimBytes = flag.Int64("stream.trim", 0, "bytes in the shard of TestTrimWhileAppending, e.g. 10000000000; 0 skips it")

// opened is an engine on disk that can be closed and opened again.
type opened struct {
	*Engine
	close func()
}

func openDisk(t testing.TB, dir string, declare func(e *Engine)) opened {
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
	declare(e)
	if err := set.Start(); err != nil {
		t.Fatal(err)
	}
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

func declareN(n int) func(e *Engine) {
	return func(e *Engine) {
		for id := range uint64(n) {
			e.Declare(id+1, daySpec)
		}
	}
}

// processor is the time that the process spent on processors.
func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// rest returns when compactions have ended.
func rest() {
	for before := processor(); ; before = processor() {
		if time.Sleep(300 * time.Millisecond); processor()-before < 20*time.Millisecond {
			return
		}
	}
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

func records(n, size int) []Record {
	in := make([]Record, n)
	for i := range in {
		in[i] = Record{Key: fmt.Sprintf("partition-key-%d", i), Data: make([]byte, size)}
		for k := range in[i].Data {
			in[i].Data[k] = byte(k*7+i) ^ byte(k>>3)
		}
	}
	return in
}

// BenchmarkAppend: records of one call go to so many shards, as those of a stream do.
func BenchmarkAppend(b *testing.B) {
	for _, c := range []struct{ records, size, shards, callers int }{
		{1, 256, 1, 1}, {1, 256, 1, 64}, {1, 256, 16, 64}, {1, 256, 16, 256},
		{500, 256, 1, 8}, {500, 256, 16, 8}, {500, 256, 1000, 8}, {100, 10 << 10, 1, 8}, {100, 10 << 10, 16, 8},
	} {
		b.Run(fmt.Sprintf("records=%dx%d/shards=%d/callers=%d", c.records, c.size, c.shards, c.callers), func(b *testing.B) {
			e := openDisk(b, b.TempDir(), declareN(c.shards))
			defer e.close()
			in := records(c.records, c.size)
			targets := make([][]*Target, c.callers)
			for i := range targets {
				for k := range c.records {
					shard := (k + i*7) % c.shards
					if k < c.shards {
						targets[i] = append(targets[i], &Target{Shard: e.Shard(uint64(shard) + 1)})
					}
					t := targets[i][k%c.shards]
					t.Records = append(t.Records, in[k])
				}
			}
			b.ReportAllocs()
			b.SetBytes(int64(c.records * c.size))
			b.ResetTimer()
			before := processor()
			callers(c.callers, b.N, func(i int) {
				AppendEach(targets[i])
				for _, t := range targets[i] {
					if t.Err != nil {
						b.Error(t.Err)
					}
				}
			})
			b.ReportMetric(float64(b.N*c.records)/b.Elapsed().Seconds(), "records/s")
			b.ReportMetric(float64((processor()-before).Nanoseconds())/float64(b.N)/1000, "cpu-us/op")
		})
	}
}

// BenchmarkRead reads a shard from its beginning, in pages as large as they get.
func BenchmarkRead(b *testing.B) {
	for _, c := range []struct {
		name                string
		perAppend, size     int
		total, page, warmup int
	}{
		{"appended 500 by 500", 500, 256, 256 << 20, 10 << 20, 0},
		{"appended one by one", 1, 256, 64 << 20, 10 << 20, 0},
		{"10 KiB", 100, 10 << 10, 512 << 20, 10 << 20, 0},
		{"pages of 100", 500, 256, 64 << 20, 100 * 256, 0},
	} {
		b.Run(c.name, func(b *testing.B) {
			dir := b.TempDir()
			e := openDisk(b, dir, declareN(1))
			in := records(c.perAppend, c.size)
			callers(32, c.total/c.size/c.perAppend, func(int) { put(b, e.Shard(1), in...) })
			e.close()
			e = openDisk(b, dir, declareN(1)) // nothing is in memory
			defer e.close()
			rest()
			s := e.Shard(1)
			next, n, bytes := uint64(1), 0, 0
			var out []Record
			b.ReportAllocs()
			b.ResetTimer()
			before := processor()
			for range b.N {
				p, err := s.Read(context.Background(), next, 10_000, c.page, out[:0])
				if err != nil {
					b.Fatal(err)
				}
				out = p.Records
				for i := range out {
					bytes += out[i].Size()
				}
				n += len(out)
				if next = p.Next; p.Tip() {
					next = 1
				}
			}
			b.ReportMetric(float64(bytes)/1e6/b.Elapsed().Seconds(), "MB/s")
			b.ReportMetric(float64((processor()-before).Nanoseconds())/float64(n), "cpu-ns/record")
		})
	}
}

// BenchmarkTail: from the acknowledgement of an append until the last of the waiting
// readers has it.
func BenchmarkTail(b *testing.B) {
	for _, readers := range []int{1, 20} {
		b.Run(fmt.Sprintf("readers=%d", readers), func(b *testing.B) {
			e := openDisk(b, b.TempDir(), declareN(1))
			defer e.close()
			s := e.Shard(1)
			got := make(chan struct{}, readers)
			var running sync.WaitGroup
			for range readers {
				running.Go(func() {
					for next := uint64(1); next <= uint64(b.N); {
						if err := s.Wait(context.Background(), next); err != nil {
							b.Error(err)
						}
						p, err := s.Read(context.Background(), next, 10, 1<<20, nil)
						if err != nil || len(p.Records) != 1 {
							b.Error(len(p.Records), err)
						}
						next = p.Next
						got <- struct{}{}
					}
				})
			}
			in := records(1, 256)
			late := make([]time.Duration, b.N)
			b.ResetTimer()
			for i := range late {
				put(b, s, in...)
				acked := time.Now()
				for range readers {
					<-got
				}
				late[i] = time.Since(acked)
			}
			b.StopTimer()
			running.Wait()
			slices.Sort(late)
			b.ReportMetric(float64(late[len(late)/2].Microseconds()), "us-p50")
			b.ReportMetric(float64(late[len(late)*99/100].Microseconds()), "us-p99")
		})
	}
}

// BenchmarkIdleShards: what 10,000 shards with a record each cost when nothing happens.
func BenchmarkIdleShards(b *testing.B) {
	const n = 10_000
	dir := b.TempDir()
	e := openDisk(b, dir, declareN(n))
	callers(64, n, func() func(int) {
		var next atomic.Uint64
		return func(int) { put(b, e.Shard(next.Add(1)), text("a")) }
	}())
	e.close()
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	var empty, full uint64
	b.ResetTimer()
	for range b.N {
		b.StopTimer()
		e := openDisk(b, b.TempDir(), declareN(0))
		empty = heap()
		e.close()
		b.StartTimer()
		e = openDisk(b, dir, declareN(n))
		b.StopTimer()
		full = heap()
		e.close()
		b.StartTimer()
	}
	b.ReportMetric(float64(full-empty)/n, "B/shard")
}

// TestTrimWhileAppending measures what writers notice of the retention of a large shard.
func TestTrimWhileAppending(t *testing.T) {
	if *trimBytes == 0 {
		t.Skip("a measurement, not a test: give -stream.trim")
	}
	e := openDisk(t, t.TempDir(), func(e *Engine) {
		e.Declare(1, daySpec)
		e.Declare(2, daySpec)
	})
	defer e.close()
	s := e.Shard(1)
	in := records(100, 10<<10)
	start := time.Now()
	callers(8, int(*trimBytes)/(100*10<<10), func(int) { put(t, s, in...) })
	t.Logf("%d MB appended in %v", *trimBytes/1e6, time.Since(start))
	small := records(1, 256)
	speed := func(when string) {
		took := make([]time.Duration, 100_000)
		var next atomic.Int64
		start := time.Now()
		callers(64, len(took), func(int) {
			began := time.Now()
			put(t, e.Shard(2), small...)
			took[next.Add(1)-1] = time.Since(began)
		})
		slices.Sort(took)
		t.Logf("%s: %.0f appends/s, p50 %v, p99 %v, longest %v", when, float64(len(took))/time.Since(start).Seconds(),
			took[len(took)/2], took[len(took)*99/100], took[len(took)-1])
	}
	speed("before")
	e.Declare(1, Spec{Retention: time.Since(start).Milliseconds() / 2})
	speed("while half expires")
	speed("after")
	e.Declare(1, Spec{Retention: 1})
	speed("while the rest expires")
	began := time.Now()
	eventually(t, "trimmed", func() bool { b, err := s.LocalBounds(); return err == nil && b.First == b.Next })
	t.Logf("trimmed after %v more", time.Since(began))
	speed("after")
	e.Declare(1, daySpec)
	began = time.Now()
	put(t, s, small...)
	if p := read(t, s, 0, 10, 1000); len(p.Records) != 1 {
		t.Errorf("%d records", len(p.Records))
	}
	t.Logf("append and read from the beginning: %v", time.Since(began))
}
