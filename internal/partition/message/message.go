// Package message is how nodes write what they say to each other: numbers as uvarints,
// signed ones zigzag, bytes with their length before them. There is one encoding for
// everything: what is longer than needed, or left over, is malformed.
package message

import (
	"encoding/binary"
	"errors"
	"math"
)

// Writer is a message being built.
type Writer []byte

// Byte appends one byte.
func (w *Writer) Byte(b byte) { *w = append(*w, b) }

// Raw appends bytes whose number the reader knows.
func (w *Writer) Raw(b []byte) { *w = append(*w, b...) }

// Number appends a number.
func (w *Writer) Number(n uint64) { *w = binary.AppendUvarint(*w, n) }

// Signed appends a number that may be negative.
func (w *Writer) Signed(n int64) { *w = binary.AppendVarint(*w, n) }

// Bytes appends bytes and their number.
func (w *Writer) Bytes(b []byte) { *w = append(binary.AppendUvarint(*w, uint64(len(b))), b...) }

// Text is Bytes for a string.
func (w *Writer) Text(s string) { *w = append(binary.AppendUvarint(*w, uint64(len(s))), s...) }

// Flag appends whether something is so.
func (w *Writer) Flag(set bool) {
	if set {
		w.Byte(1)
	} else {
		w.Byte(0)
	}
}

// Error appends the place of an error among those that both sides know, of which the first
// is nil. One that is not among them makes the message malformed.
func (w *Writer) Error(err error, known []error) {
	for i, k := range known {
		if i == 0 && err == nil || i > 0 && errors.Is(err, k) {
			w.Byte(byte(i))
			return
		}
	}
	w.Byte(math.MaxUint8)
}

// Reader takes a message apart. After the first mistake it returns zeros.
type Reader struct {
	rest []byte
	bad  bool
}

// NewReader reads b, which what it returns aliases.
func NewReader(b []byte) Reader { return Reader{rest: b} }

// Fail makes the message malformed.
func (r *Reader) Fail() { r.bad, r.rest = true, nil }

// Bad reports whether there was a mistake.
func (r *Reader) Bad() bool { return r.bad }

// Whole reports whether the message was well formed, to its last byte.
func (r *Reader) Whole() bool { return !r.bad && len(r.rest) == 0 }

// Byte reads one byte.
func (r *Reader) Byte() byte {
	if b := r.Take(1); b != nil {
		return b[0]
	}
	return 0
}

// Take reads the next n bytes: nil if there are not as many.
func (r *Reader) Take(n uint64) []byte {
	if n > uint64(len(r.rest)) {
		r.Fail()
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}

// Bytes reads bytes with their number.
func (r *Reader) Bytes() []byte { return r.Take(r.Number()) }

// Number reads a number.
func (r *Reader) Number() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 || n > 1 && r.rest[n-1] == 0 {
		r.Fail()
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

// UpTo is a Number that is not greater than most.
func (r *Reader) UpTo(most uint64) uint64 {
	n := r.Number()
	if n > most {
		r.Fail()
		return 0
	}
	return n
}

// Short is a Number of 32 bits.
func (r *Reader) Short() uint32 { return uint32(r.UpTo(math.MaxUint32)) }

// Signed reads a number that may be negative.
func (r *Reader) Signed() int64 {
	n := r.Number() // zigzag, as encoding/binary has it
	return int64(n>>1) ^ -int64(n&1)
}

// Flag reads whether something is so.
func (r *Reader) Flag() bool {
	b := r.Byte()
	if b > 1 {
		r.Fail()
	}
	return b == 1
}

// Error reads one of the errors that both sides know. It is nil where it is malformed, too.
func (r *Reader) Error(known []error) error {
	if i := r.Byte(); int(i) < len(known) {
		return known[i]
	}
	r.Fail()
	return nil
}

// Count reads the number of things, at most so many, that have at least size bytes each.
func (r *Reader) Count(size, most int) int {
	n := r.Number()
	if n > uint64(min(len(r.rest)/size, most)) {
		r.Fail()
		return 0
	}
	return int(n)
}

// counter is a Reader, or what embeds one.
type counter interface {
	Count(size, most int) int
	Bad() bool
}

// Several reads things, at most so many, that have at least size bytes each.
func Several[R counter, T any](r R, size, most int, each func(R) T) []T {
	n := r.Count(size, most)
	if n == 0 {
		return nil
	}
	out := make([]T, 0, n)
	for ; n > 0 && !r.Bad(); n-- {
		out = append(out, each(r))
	}
	return out
}
