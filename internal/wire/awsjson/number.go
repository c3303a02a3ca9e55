package awsjson

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// isNumber reports whether c begins a JSON number.
func isNumber(c byte) bool { return c == '-' || '0' <= c && c <= '9' }

// number reads a number and returns its text, as raw does.
func (s *scanner) number() []byte {
	start, i := s.pos, s.pos
	digits := func() bool {
		from := i
		for i < len(s.src) && '0' <= s.src[i] && s.src[i] <= '9' {
			i++
		}
		return i > from
	}
	if s.src[i] == '-' {
		i++
	}
	var ok bool
	if i < len(s.src) && s.src[i] == '0' {
		i++ // no digit may follow: 01 is no number
		ok = i == len(s.src) || s.src[i] < '0' || s.src[i] > '9'
	} else {
		ok = digits()
	}
	if ok && i < len(s.src) && s.src[i] == '.' {
		i++
		ok = digits()
	}
	if ok && i < len(s.src) && s.src[i]|0x20 == 'e' {
		i++
		if i < len(s.src) && (s.src[i] == '+' || s.src[i] == '-') {
			i++
		}
		ok = digits()
	}
	s.pos = i
	if !ok {
		s.malformed()
		return nil
	}
	return s.src[start:i]
}

// parseInt reads an integer of so many bits, cutting off a fraction.
func parseInt(b []byte, bits int) (int64, bool) {
	if v, ok := plainInt(b); ok && bits == 64 || ok && v == int64(int32(v)) {
		return v, true
	}
	text := string(b)
	if v, err := strconv.ParseInt(text, 10, bits); err == nil {
		return v, true
	}
	if !strings.ContainsAny(text, ".eE") {
		return 0, false
	}
	// A plain fraction is cut as text, which is exact up to 64 bits.
	if whole, _, ok := strings.Cut(text, "."); ok && !strings.ContainsAny(text, "eE") {
		v, err := strconv.ParseInt(whole, 10, bits)
		return v, err == nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if limit := math.Ldexp(1, bits-1); err != nil || f >= limit || f <= -limit-1 {
		return 0, false
	}
	return int64(f), true
}

// plainInt reads the integers that are found in requests.
func plainInt(b []byte) (v int64, ok bool) {
	if len(b) == 0 || len(b) > 18 {
		return 0, false
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + int64(c-'0')
	}
	return v, true
}

// clampInt is the integer of so many bits that is nearest to a number which does not
// fit.
func clampInt(b []byte, bits int) int64 {
	if b[0] == '-' {
		return -1 << (bits - 1)
	}
	return 1<<(bits-1) - 1
}

// parseFloat reads a number, or if quoted one of the names of what numbers
// cannot express.
func parseFloat(text string, quoted bool) (float64, bool) {
	if quoted {
		switch text {
		case "NaN":
			return math.NaN(), true
		case "Infinity":
			return math.Inf(1), true
		case "-Infinity":
			return math.Inf(-1), true
		}
		return 0, false
	}
	v, err := strconv.ParseFloat(text, 64)
	return v, err == nil
}

// maxEpoch bounds timestamps to the years that time.Time formats, in seconds.
const maxEpoch = 253402300799 // 9999-12-31T23:59:59Z

// parseEpoch reads seconds since 1970, to the nanosecond where it is written
// without an exponent.
func parseEpoch(text string) (time.Time, bool) {
	if strings.ContainsAny(text, "eE") {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || math.Abs(f) > maxEpoch {
			return time.Time{}, false
		}
		return time.UnixMilli(int64(math.Round(f * 1000))).UTC(), true
	}
	whole, frac, _ := strings.Cut(text, ".")
	sec, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || sec > maxEpoch || sec < -maxEpoch {
		return time.Time{}, false
	}
	if len(frac) > 9 {
		frac = frac[:9]
	}
	var nsec int64
	for i := range 9 {
		nsec *= 10
		if i < len(frac) {
			nsec += int64(frac[i] - '0')
		}
	}
	if whole[0] == '-' {
		nsec = -nsec
	}
	return time.Unix(sec, nsec).UTC(), true
}
