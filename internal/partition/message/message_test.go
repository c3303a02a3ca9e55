package message

import (
	"bytes"
	"errors"
	"math"
	"testing"
)

var known = []error{nil, errors.New("a"), errors.New("b")}

// write writes one of everything.
func write() Writer {
	var w Writer
	w.Byte(7)
	w.Number(math.MaxUint64)
	w.Number(math.MaxUint32)
	w.Signed(math.MinInt64)
	w.Flag(true)
	w.Flag(false)
	w.Bytes([]byte("bytes"))
	w.Text("")
	w.Raw([]byte{1, 2})
	w.Error(nil, known)
	w.Error(errors.Join(errors.New("more"), known[2]), known)
	w.Number(2)
	w.Number(10)
	w.Number(11)
	return w
}

type all struct {
	first       byte
	big         uint64
	short       uint32
	signed      int64
	yes, no     bool
	bytes, text string
	raw         string
	none, b     error
	several     []uint64
}

func read(b []byte) (a all, whole bool) {
	r := NewReader(b)
	a = all{
		first: r.Byte(), big: r.Number(), short: r.Short(), signed: r.Signed(), yes: r.Flag(), no: r.Flag(),
		bytes: string(r.Bytes()), text: string(r.Bytes()), raw: string(r.Take(2)), none: r.Error(known), b: r.Error(known),
	}
	a.several = Several(&r, 1, 2, (*Reader).Number)
	return a, r.Whole()
}

func TestRoundTrip(t *testing.T) {
	w := write()
	got, whole := read(w)
	if !whole || got.first != 7 || got.big != math.MaxUint64 || got.short != math.MaxUint32 || got.signed != math.MinInt64 ||
		!got.yes || got.no || got.bytes != "bytes" || got.text != "" || got.raw != "\x01\x02" || got.none != nil || !errors.Is(got.b, known[2]) ||
		len(got.several) != 2 || got.several[1] != 11 {
		t.Errorf("%+v, %v", got, whole)
	}
	for n := range w {
		if _, whole := read(w[:n]); whole {
			t.Errorf("%d of %d bytes are whole", n, len(w))
		}
	}
	if _, whole := read(append(bytes.Clone(w), 0)); whole {
		t.Error("a byte too much is whole")
	}
}

func TestMalformed(t *testing.T) {
	for name, c := range map[string]struct {
		b    []byte
		read func(r *Reader)
	}{
		"a number longer than needed":   {[]byte{0x80, 0}, func(r *Reader) { r.Number() }},
		"a number beyond 64 bits":       {bytes.Repeat([]byte{0xff}, 11), func(r *Reader) { r.Number() }},
		"a number above its bound":      {[]byte{9}, func(r *Reader) { r.UpTo(8) }},
		"a flag of two":                 {[]byte{2}, func(r *Reader) { r.Flag() }},
		"an unknown error":              {[]byte{3}, func(r *Reader) { _ = r.Error(known) }},
		"an error that nobody knows":    {[]byte{0xff}, func(r *Reader) { _ = r.Error(known) }},
		"more bytes than there are":     {[]byte{2, 0}, func(r *Reader) { r.Bytes() }},
		"more things than there can be": {[]byte{2, 0, 0, 0}, func(r *Reader) { r.Count(2, 10) }},
		"more things than may be":       {[]byte{2, 0, 0}, func(r *Reader) { r.Count(1, 1) }},
	} {
		r := NewReader(c.b)
		c.read(&r)
		if !r.Bad() || r.Whole() {
			t.Errorf("%s passes", name)
		}
		if r.Number() != 0 || r.Take(1) != nil || r.Flag() || r.Byte() != 0 {
			t.Errorf("%s: something is read after it", name)
		}
	}
	var w Writer
	w.Error(errors.New("unknown"), known)
	r := NewReader(w)
	if _ = r.Error(known); !r.Bad() {
		t.Error("an error that is not known passes for one that is")
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte(write()))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, whole := read(b)
		if len(a.several) > 2 || whole && len(b) < 10 {
			t.Errorf("%x: %+v", b, a)
		}
	})
}
