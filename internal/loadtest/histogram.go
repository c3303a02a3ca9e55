package loadtest

import (
	"math/bits"
	"time"
)

// histogram counts durations in buckets of about 3% width. The zero value is empty.
type histogram struct {
	counts [64 << subBits]uint64
	n      uint64
	max    time.Duration
}

// subBits splits each power of two into 32 buckets.
const subBits = 5

func bucket(d time.Duration) int {
	n := uint64(max(d, 0))
	if n < 1<<subBits {
		return int(n)
	}
	shift := bits.Len64(n) - subBits - 1
	return (shift+1)<<subBits + int(n>>shift&(1<<subBits-1))
}

// lowest is the least duration of a bucket.
func lowest(i int) time.Duration {
	if i < 1<<subBits {
		return time.Duration(i)
	}
	shift := i>>subBits - 1
	return time.Duration((1<<subBits | uint64(i)&(1<<subBits-1)) << shift)
}

func (h *histogram) add(d time.Duration) {
	h.counts[bucket(d)]++
	h.n++
	h.max = max(h.max, d)
}

func (h *histogram) merge(o *histogram) {
	for i, n := range o.counts {
		h.counts[i] += n
	}
	h.n += o.n
	h.max = max(h.max, o.max)
}

// quantile is a duration that the given share of all is not above.
func (h *histogram) quantile(q float64) time.Duration {
	rank := uint64(q * float64(h.n))
	for i, n := range h.counts {
		if n > rank {
			return min(lowest(i), h.max)
		}
		rank -= n
	}
	return h.max
}
