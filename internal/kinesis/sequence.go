package kinesis

import (
	"fmt"
	"math/big"
	"math/bits"
	"strconv"
)

// sequence is a sequence number of version 2 taken apart: 47 hexadecimal digits, written
// in decimal. A larger one is a later one, within a shard and from parent to child.
//
//	2 | created 9 | shard's low digit 1 | index 16 | 00 | time 9 | shard 8 | 2
type sequence struct {
	created int64  // of the shard, unix s
	index   uint64 // of the record in the shard, from 1; 0 is the shard's beginning
	time    int64  // of the record, unix s
	shard   uint32
}

// lastIndex is that of the end of a closed shard.
const lastIndex = 1<<63 - 1

// words are the number's bits, from the highest.
func (s sequence) words() [3]uint64 {
	var w [3]uint64
	shift := func(bitCount uint, v uint64) {
		w[0] = w[0]<<bitCount | w[1]>>(64-bitCount)
		w[1] = w[1]<<bitCount | w[2]>>(64-bitCount)
		w[2] = w[2]<<bitCount | v
	}
	shift(4, 2)
	shift(36, uint64(s.created))
	shift(4, uint64(s.shard&15))
	shift(32, s.index>>32)
	shift(32, s.index&(1<<32-1))
	shift(8, 0)
	shift(36, uint64(s.time))
	shift(32, uint64(s.shard))
	shift(4, 2)
	return w
}

// String writes the number in decimal.
func (s sequence) String() string { return string(s.append(nil)) }

const (
	chunkDigits = 19
	chunk       = 10_000_000_000_000_000_000 // 10^19
)

func (s sequence) append(b []byte) []byte {
	w := s.words()
	var parts [3]uint64
	for i := range parts { // the remainders by 10^19, lowest first
		var rest uint64
		w[0], rest = bits.Div64(0, w[0], chunk)
		w[1], rest = bits.Div64(rest, w[1], chunk)
		w[2], rest = bits.Div64(rest, w[2], chunk)
		parts[i] = rest
	}
	b = strconv.AppendUint(b, parts[2], 10)
	for _, part := range [...]uint64{parts[1], parts[0]} {
		var digits [chunkDigits]byte
		for i := chunkDigits - 1; i >= 0; i-- {
			digits[i] = '0' + byte(part%10)
			part /= 10
		}
		b = append(b, digits[:]...)
	}
	return b
}

// parseSequence reads a number. Those of the versions before 2 are of no stream here:
// foreign says that it is one of them.
func parseSequence(text string) (s sequence, foreign, ok bool) {
	if text == "" || len(text) > 129 {
		return s, false, false
	}
	n, ok := new(big.Int).SetString(text, 10)
	if !ok || n.Sign() < 0 || text[0] == '+' || text[0] == '-' {
		return s, false, false
	}
	digits := n.Text(16)
	if len(digits) != 47 || digits[0] != '2' || digits[46] != '2' {
		return s, true, n.BitLen() <= 188
	}
	field := func(from, to int) (v uint64) {
		if v, err := strconv.ParseUint(digits[from:to], 16, 64); err == nil {
			return v
		}
		return 0 // cannot be: they are hexadecimal digits
	}
	s = sequence{created: int64(field(1, 10)), index: field(11, 27), time: int64(field(29, 38)), shard: uint32(field(38, 46))}
	ok = digits[27:29] == "00" && field(10, 11) == uint64(s.shard&15) && s.index <= lastIndex
	return s, false, ok
}

// shardID is a shard's id as it is shown.
func shardID(index int) string { return fmt.Sprintf("shardId-%012d", index) }

// parseShardID reads an id as Kinesis does: what follows the first hyphen, or all of it,
// is a number.
func parseShardID(s string) (index int, ok bool) {
	for i := range len(s) {
		if s[i] == '-' {
			s = s[i+1:]
			break
		}
	}
	n, err := strconv.ParseUint(s, 10, 31)
	return int(n), err == nil
}
