package iam

import (
	"crypto/sha256"
	"encoding/base32"
	"strconv"

	"github.com/spillway/spillway/internal/arn"
)

const base32Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" // RFC 4648

const (
	uniqueIDLength    = 17 // after the prefix; AWS's ids have 21 characters
	accessKeyIDLength = 16 // after the prefix
	accountChars      = 8  // of an access key id
	accountOffset     = 1 << 39
)

// uniqueID is the id of a user ("AIDA") or role ("AROA"): always the same for
// the same account and name, so SenderIds survive restarts.
func uniqueID(prefix, account, name string) string {
	sum := sha256.Sum256([]byte(prefix + "\x00" + account + "\x00" + name))
	return prefix + base32.StdEncoding.EncodeToString(sum[:])[:uniqueIDLength]
}

// newAccessKeyID makes an access key id that tells its account the way AWS's
// do: eight characters are 2^39 plus half the account number, and the highest
// bit of the ninth is the other half. The rest is random.
func newAccessKeyID(prefix, account string, random []byte) string {
	n, _ := strconv.ParseUint(account, 10, 64)
	v := accountOffset + n>>1
	var out [accessKeyIDLength]byte
	for i := accountChars - 1; i >= 0; i-- {
		out[i] = base32Alphabet[v&31]
		v >>= 5
	}
	for i := accountChars; i < len(out); i++ {
		out[i] = base32Alphabet[random[i-accountChars]&31]
	}
	out[accountChars] = base32Alphabet[byte(n&1)<<4|random[0]&15]
	return prefix + string(out[:])
}

// accountOf is the account in an access key id; ok is false for ids that are
// not made that way.
func accountOf(accessKeyID string) (account string, ok bool) {
	const prefix = len("AKIA")
	if len(accessKeyID) < prefix+accessKeyIDLength {
		return "", false
	}
	var v uint64
	for i := range accountChars {
		d := base32Value(accessKeyID[prefix+i])
		if d < 0 {
			return "", false
		}
		v = v<<5 | uint64(d)
	}
	low := base32Value(accessKeyID[prefix+accountChars])
	if v < accountOffset || low < 0 {
		return "", false
	}
	s := strconv.FormatUint((v-accountOffset)<<1|uint64(low>>4), 10)
	const zeros = "000000000000"
	if len(s) > len(zeros) {
		return "", false
	}
	s = zeros[len(s):] + s
	return s, arn.ValidAccount(s)
}

func base32Value(c byte) int {
	switch {
	case 'A' <= c && c <= 'Z':
		return int(c - 'A')
	case '2' <= c && c <= '7':
		return int(c-'2') + 26
	}
	return -1
}
