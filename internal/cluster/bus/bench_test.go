package bus

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"
)

// BenchmarkAppend is an owner's load: batches of 64 KiB, four on their way, on three
// nodes that share one machine and disk. The time is one batch's; p50 and p99 are of
// its acknowledgement, lag of its arrival at a follower that is another node.
func BenchmarkAppend(b *testing.B) {
	for _, depth := range []int{1, 4} {
		b.Run(fmt.Sprint("depth", depth), func(b *testing.B) { benchmarkAppend(b, depth, 64<<10) })
	}
}

func benchmarkAppend(b *testing.B, depth, size int) {
	c := newTrio(b, 3)
	c.log("log")
	leader := c.leader("log")
	log := c.buses[leader].OpenLog("log")
	ctx, cancel := context.WithCancel(b.Context())
	data, last := make([]byte, size), uint64(b.N)+1
	var mu sync.Mutex
	sent := make([]time.Time, last+1)
	var lags, acks []time.Duration
	begun, tailed := make(chan struct{}), make(chan struct{})
	var tailing sync.WaitGroup
	tailing.Go(func() {
		_ = c.buses[(leader+1)%3].OpenLog("log").Tail(ctx, 1, func(uint64) {}, func(seq uint64, _ []byte) error {
			if seq == 1 {
				close(begun)
				return nil
			}
			mu.Lock()
			lags = append(lags, time.Since(sent[seq]))
			mu.Unlock()
			if seq == last {
				close(tailed)
			}
			return nil
		})
	})
	type flight struct {
		p  Pending
		at time.Time
	}
	flights, room := make(chan flight, depth), make(chan struct{}, depth)
	var waiting sync.WaitGroup
	waiting.Go(func() {
		for f := range flights {
			if _, err := f.p.Wait(ctx); err != nil {
				b.Error(err)
			}
			acks = append(acks, time.Since(f.at))
			<-room
		}
	})
	b.SetBytes(int64(size))
	for seq := uint64(1); seq <= last; seq++ {
		room <- struct{}{}
		at := time.Now()
		mu.Lock()
		sent[seq] = at
		mu.Unlock()
		p, err := log.Append(seq-1, fmt.Sprint(seq), data)
		if err != nil {
			b.Fatal(err)
		}
		flights <- flight{p, at}
		if seq == 1 {
			<-begun // the follower is there: now it counts
			b.ResetTimer()
		}
	}
	close(flights)
	waiting.Wait()
	b.StopTimer()
	<-tailed
	cancel()
	tailing.Wait()
	report(b, "ack", acks)
	report(b, "lag", lags)
}

// BenchmarkTail reads a log that is there, as a node does that comes back.
func BenchmarkTail(b *testing.B) {
	for _, size := range []int{256, 64 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			c := newTrio(b, 3)
			c.log("log")
			log := c.buses[c.leader("log")].OpenLog("log")
			var all []Pending
			for i := range uint64(b.N) {
				p, err := log.Append(i, fmt.Sprint(i), make([]byte, size))
				if err != nil {
					b.Fatal(err)
				}
				if all = append(all, p); len(all) >= max(1, (4<<20)/size) || i == uint64(b.N)-1 {
					for _, p := range all {
						if _, err := p.Wait(b.Context()); err != nil {
							b.Fatal(err)
						}
					}
					all = all[:0]
				}
			}
			ctx, cancel := context.WithCancel(b.Context())
			b.SetBytes(int64(size))
			b.ResetTimer()
			_ = c.buses[0].OpenLog("log").Tail(ctx, 1, func(uint64) {}, func(seq uint64, _ []byte) error {
				if seq == uint64(b.N) {
					cancel()
				}
				return nil
			})
			b.StopTimer()
		})
	}
}

// BenchmarkLeads: it is asked every 50 ms for each log.
func BenchmarkLeads(b *testing.B) {
	c := newTrio(b, 3)
	c.log("log")
	log := c.buses[0].OpenLog("log")
	b.ResetTimer()
	b.ReportAllocs()
	for range b.N {
		log.Leads()
	}
}

func report(b *testing.B, what string, all []time.Duration) {
	b.Helper()
	slices.Sort(all)
	for _, p := range []int{50, 99} {
		b.ReportMetric(float64(all[(len(all)-1)*p/100].Microseconds())/1000, fmt.Sprintf("%s-p%d-ms", what, p))
	}
}
