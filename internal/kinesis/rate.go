package kinesis

import (
	"sync"
	"time"
)

// AWS's rates of a shard: Kinesis quotas.
const (
	writesPerSecond     = 1000
	writeBytesPerSecond = 1 << 20
	readsPerSecond      = 5
)

// rates refuse what is above a shard's rate, if that is asked for.
type rates struct {
	mu      sync.Mutex
	byShard map[uint64]*rate
}

// rate are the tokens of one shard: they grow with time, to at most those of a second.
type rate struct {
	at                   time.Time
	writes, bytes, reads float64
}

func (r *rates) at(shard uint64, now time.Time) *rate {
	x := r.byShard[shard]
	if x == nil {
		x = &rate{at: now, writes: writesPerSecond, bytes: writeBytesPerSecond, reads: readsPerSecond}
		r.byShard[shard] = x
	}
	elapsed := max(0, now.Sub(x.at).Seconds())
	x.at = now
	x.writes = min(writesPerSecond, x.writes+elapsed*writesPerSecond)
	x.bytes = min(writeBytesPerSecond, x.bytes+elapsed*writeBytesPerSecond)
	x.reads = min(readsPerSecond, x.reads+elapsed*readsPerSecond)
	return x
}

// write takes what one record costs. A large record may take more bytes than there are,
// if there are any: the next ones wait for them.
func (r *rates) write(shard uint64, size int, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	x := r.at(shard, now)
	if x.writes < 1 || x.bytes <= 0 {
		return false
	}
	x.writes--
	x.bytes -= float64(size)
	return true
}

func (r *rates) read(shard uint64, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	x := r.at(shard, now)
	if x.reads < 1 {
		return false
	}
	x.reads--
	return true
}
