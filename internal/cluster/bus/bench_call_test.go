//go:build unix

package bus

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// BenchmarkCall is a round trip to another node and back, by one and by many. cpu-us is
// the processor time of a call on both nodes, messages those that a call sent.
func BenchmarkCall(b *testing.B) {
	for _, callers := range []int{1, 64, 256} {
		b.Run(fmt.Sprint(callers), func(b *testing.B) { benchmarkCall(b, callers) })
	}
}

func benchmarkCall(b *testing.B, callers int) {
	c := newTrio(b, 3)
	err := c.buses[1].Handle("echo", func(_ context.Context, request []byte) []byte { return request })
	if err != nil {
		b.Fatal(err)
	}
	request := make([]byte, 300)
	eventually(b, "the other node", func() error {
		_, err := c.buses[0].Call(b.Context(), "n1", "echo", request)
		return err
	})
	sent, busy := c.buses[0].conn.Stats().OutMsgs, processorTime(b)
	var left atomic.Int64
	left.Store(int64(b.N))
	b.ReportAllocs()
	b.ResetTimer()
	var calling sync.WaitGroup
	for range callers {
		calling.Go(func() {
			for left.Add(-1) >= 0 {
				ctx, cancel := context.WithTimeout(b.Context(), 10*time.Second)
				if _, err := c.buses[0].Call(ctx, "n1", "echo", request); err != nil {
					b.Error(err)
				}
				cancel()
			}
		})
	}
	calling.Wait()
	b.StopTimer()
	b.ReportMetric(float64((processorTime(b)-busy).Nanoseconds())/1000/float64(b.N), "cpu-us/op")
	b.ReportMetric(float64(c.buses[0].conn.Stats().OutMsgs-sent)/float64(b.N), "messages/op")
}

// processorTime is this process's, so far.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
