package base64

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// naive is what encoding/base64 says.
func naive(src []byte) ([]byte, bool) {
	if bytes.ContainsAny(src, "\r\n") {
		return nil, false
	}
	out, err := strict.DecodeString(string(src))
	return out, err == nil
}

func check(t *testing.T, src []byte) {
	t.Helper()
	want, wantOK := naive(src)
	n := DecodedLen(src)
	if n < 0 {
		if wantOK {
			t.Errorf("%q has no length", src)
		}
		return
	}
	// What is behind dst is somebody else's.
	buf := bytes.Repeat([]byte{0xaa}, n+8)
	ok := Decode(buf[:n:n], src)
	if ok != wantOK || ok && !bytes.Equal(buf[:n], want) {
		t.Errorf("%q: %x, %v; want %x, %v", src, buf[:n], ok, want, wantOK)
	}
	if !bytes.Equal(buf[n:], bytes.Repeat([]byte{0xaa}, 8)) {
		t.Errorf("%q: wrote behind the end", src)
	}
}

func TestAgainstStandardLibrary(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for size := range 200 {
		raw := noise(random, size)
		text := AppendEncode([]byte("before"), raw)
		if want := "before" + base64.StdEncoding.EncodeToString(raw); string(text) != want {
			t.Fatalf("%x is %s, want %s", raw, text, want)
		}
		text = text[len("before"):]
		check(t, text)
		for range 50 { // damaged
			bad := bytes.Clone(text)
			if len(bad) == 0 {
				continue
			}
			switch at := random.IntN(len(bad)); random.IntN(4) {
			case 0:
				bad[at] = byte(random.Uint32())
			case 1:
				bad[at] = "=\n\r-_ "[random.IntN(6)]
			case 2:
				bad = bad[:at]
			case 3:
				bad[len(bad)-1] = alphabet[random.IntN(64)]
			}
			check(t, bad)
		}
	}
}

func noise(random *rand.Rand, size int) []byte {
	raw := make([]byte, size)
	for i := range raw {
		raw[i] = byte(random.Uint32())
	}
	return raw
}

func TestEveryByteAtEveryPlace(t *testing.T) {
	for place := range 16 {
		for c := range 256 {
			text := []byte(strings.Repeat("Zm9v", 4))
			text[place] = byte(c)
			check(t, text)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{"", "Zg==", "Zm8=", "Zm9vYmFyYmF6", "Zh==", "Zg=\n", "Zm9vYmFyYmF6Zg==", "Zm9v=mFyYmF6Zg=="} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) { check(t, src) })
}

func BenchmarkDecode(b *testing.B) {
	for _, size := range []int{16, 256, 10 << 10} {
		text := AppendEncode(nil, noise(rand.New(rand.NewPCG(1, 2)), size))
		out := make([]byte, size)
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				Decode(out, text)
			}
		})
		b.Run(fmt.Sprint(size, "/std"), func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				strict.Decode(out, text)
			}
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	for _, size := range []int{16, 256, 10 << 10} {
		raw := noise(rand.New(rand.NewPCG(1, 2)), size)
		out := make([]byte, 0, 2*size+10)
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			b.SetBytes(int64(size))
			for b.Loop() {
				AppendEncode(out, raw)
			}
		})
		b.Run(fmt.Sprint(size, "/std"), func(b *testing.B) {
			b.SetBytes(int64(size))
			for b.Loop() {
				base64.StdEncoding.AppendEncode(out, raw)
			}
		})
	}
}
