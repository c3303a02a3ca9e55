package wire

import "unsafe"

// Kept is where decoders put strings and blobs that outlive a request. Short ones
// share blocks of memory, so that a request of many members needs few allocations; a
// block is small, so that none keeps much more alive than itself. The zero Kept is
// ready, and a new request begins with one.
type Kept struct{ block []byte }

const (
	keptBlock = 4 << 10
	keptShare = keptBlock / 2
)

// Bytes returns n bytes for the caller to fill. Ahead is how much of the request is
// still to come, at most: a small request gets a small block.
func (k *Kept) Bytes(n, ahead int) []byte {
	if n == 0 || n > keptShare {
		return make([]byte, n) // not nil: empty is not absent
	}
	if cap(k.block)-len(k.block) < n {
		k.block = make([]byte, 0, max(n, min(keptBlock, n+ahead)))
	}
	at := len(k.block)
	k.block = k.block[:at+n]
	return k.block[at : at+n : at+n]
}

// String returns a copy of b.
func (k *Kept) String(b []byte, ahead int) string {
	if len(b) == 0 {
		return ""
	}
	out := k.Bytes(len(b), ahead)
	copy(out, b)
	return unsafe.String(&out[0], len(out)) // nobody else writes there
}
