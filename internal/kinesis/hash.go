package kinesis

import (
	"crypto/md5"
	"encoding/binary"
	"math/big"
	"math/bits"
)

// hash is a hash key: an unsigned number of 128 bits.
type hash struct{ hi, lo uint64 }

var maxHash = hash{1<<64 - 1, 1<<64 - 1}

// hashOf is where a partition key belongs: the MD5 of its bytes, big endian.
func hashOf(partitionKey string) hash {
	sum := md5.Sum([]byte(partitionKey))
	return hash{binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:])}
}

// parseHash reads a decimal number; false if it is none or has more than 128 bits.
func parseHash(s string) (h hash, ok bool) {
	if s == "" || len(s) > 39 {
		return hash{}, false
	}
	for i := range len(s) {
		digit := uint64(s[i]) - '0'
		if digit > 9 {
			return hash{}, false
		}
		over, lo := bits.Mul64(h.lo, 10)
		top, hi := bits.Mul64(h.hi, 10)
		var c1, c2, c3 uint64
		lo, c1 = bits.Add64(lo, digit, 0)
		hi, c2 = bits.Add64(hi, over, c1)
		if top, c3 = bits.Add64(top, 0, c2); top != 0 || c3 != 0 {
			return hash{}, false
		}
		h = hash{hi, lo}
	}
	return h, true
}

func (h hash) big() *big.Int {
	n := new(big.Int).SetUint64(h.hi)
	return n.Or(n.Lsh(n, 64), new(big.Int).SetUint64(h.lo))
}

// String is the number in decimal.
func (h hash) String() string { return h.big().String() }

func hashFrom(n *big.Int) hash {
	var b [16]byte
	n.FillBytes(b[:])
	return hash{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

// compare is negative, zero or positive as h is below, at or above o.
func (h hash) compare(o hash) int {
	switch {
	case h == o:
		return 0
	case h.hi < o.hi || h.hi == o.hi && h.lo < o.lo:
		return -1
	}
	return 1
}

// next and previous are the neighbours; they wrap around.
func (h hash) next() hash {
	lo, carry := bits.Add64(h.lo, 1, 0)
	return hash{h.hi + carry, lo}
}

func (h hash) previous() hash {
	lo, borrow := bits.Sub64(h.lo, 1, 0)
	return hash{h.hi - borrow, lo}
}

// hashRange is a range of hash keys, both ends in it.
type hashRange struct{ start, end hash }

// evenRanges cuts all hash keys into n ranges: each as long as 2^128 / n, rounded down,
// and the last with the rest.
func evenRanges(n int) []hashRange {
	step := new(big.Int).Lsh(big.NewInt(1), 128)
	step.Div(step, big.NewInt(int64(n)))
	out := make([]hashRange, n)
	for i := range out {
		start := new(big.Int).Mul(step, big.NewInt(int64(i)))
		out[i].start = hashFrom(start)
		out[i].end = hashFrom(start.Add(start, step).Sub(start, big.NewInt(1)))
	}
	out[n-1].end = maxHash
	return out
}
