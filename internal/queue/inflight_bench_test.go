//go:build unix

package queue

import (
	"context"
	"testing"
)

// BenchmarkReopenInFlight opens a folder with a queue that has as many messages
// in flight as SQS allows: each of them is read.
func BenchmarkReopenInFlight(b *testing.B) {
	dir := b.TempDir()
	e := openDisk(b, dir, 7)
	q := e.Queue(7)
	callers(64, 12_000, func(int) {
		in := body256(10)
		refresh(in)
		send(b, q, in...)
		if _, err := q.Lease(context.Background(), LeaseRequest{Max: 10, Time: 43_200_000}); err != nil {
			b.Error(err)
		}
	})
	e.close()
	b.ResetTimer()
	for range b.N {
		e = openDisk(b, dir, 7)
		b.StopTimer()
		if c := e.Queue(7).LocalCounters(); c.InFlight != 120_000 {
			b.Errorf("counters %+v", c)
		}
		e.close()
		b.StartTimer()
	}
}
