package values

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

func open(t *testing.T, fs vfs.FS, dir string, fileBytes int64) *Files {
	t.Helper()
	f, err := Open(fs, dir, fileBytes)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func random(rng *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

// write stores values as one writer.
func write(t *testing.T, f *Files, values ...[]byte) (out []Pointer) {
	t.Helper()
	w := f.NewWriter()
	for _, v := range values {
		p, err := w.Add(v)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, p)
	}
	if err := errors.Join(w.Sync(), w.Release()); err != nil {
		t.Fatal(err)
	}
	return out
}

func sweep(f *Files, m *Marks) error {
	for _, dead := range m.Dead() {
		if _, err := f.Reclaim(dead); err != nil {
			return err
		}
	}
	return nil
}

// TestWriters has several write to the same files at once, values of all sizes, while others
// give up, and reads everything back, also after the folder was opened again.
func TestWriters(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "values")
	f := open(t, vfs.Default, dir, 3<<20)
	var mu sync.Mutex
	stored := map[Pointer][]byte{}
	var running sync.WaitGroup
	for n := range uint64(4) {
		running.Go(func() {
			rng := rand.New(rand.NewPCG(n, 1))
			for range 15 {
				w := f.NewWriter()
				written := map[Pointer][]byte{}
				for range rng.IntN(12) {
					v := random(rng, [...]int{rng.IntN(100), rng.IntN(70_000), rng.IntN(3 << 20)}[rng.IntN(3)])
					p, err := w.Add(v)
					if err != nil {
						t.Error(err)
						return
					}
					written[p] = v
				}
				if rng.IntN(4) == 0 {
					written = nil
				} else if err := w.Sync(); err != nil {
					t.Error(err)
				}
				if err := w.Release(); err != nil {
					t.Error(err)
				}
				mu.Lock()
				for p, v := range written {
					stored[p] = v
				}
				mu.Unlock()
			}
		})
	}
	running.Wait()
	check := func(f *Files) {
		t.Helper()
		var buffer []byte
		for p, v := range stored {
			got, err := f.Read(p, buffer)
			if err != nil || !bytes.Equal(got, v) {
				t.Fatalf("%+v: %v", p, err)
			}
			buffer = got
		}
	}
	check(f)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, vfs.Default, dir, 3<<20)
	if again.Bytes() == 0 {
		t.Error("no files were found")
	}
	check(again)
	fresh := write(t, again, []byte("more"))[0]
	for p := range stored {
		if p.File == fresh.File {
			t.Fatal("a file of an earlier time was written to")
		}
	}
}

// TestManyOpenFiles reads more files than are kept open, at the same time.
func TestManyOpenFiles(t *testing.T) {
	f := open(t, vfs.NewMem(), "values", 1)
	var pointers []Pointer
	for i := range maxOpen + 50 {
		pointers = append(pointers, write(t, f, []byte(fmt.Sprint(i)))...)
	}
	var running sync.WaitGroup
	for range 4 {
		running.Go(func() {
			for i, p := range pointers {
				if v, err := f.Read(p, nil); err != nil || string(v) != fmt.Sprint(i) {
					t.Errorf("%d: %q, %v", i, v, err)
				}
			}
		})
	}
	running.Wait()
	if f.open > maxOpen+4 {
		t.Errorf("%d files are open", f.open)
	}
}

// TestReclaimWhileReading removes a file that is being read.
func TestReclaimWhileReading(t *testing.T) {
	f := open(t, vfs.NewMem(), "values", 1)
	p := write(t, f, []byte("gone"))[0]
	write(t, f, []byte("here"))
	x, err := f.acquire(p)
	if err != nil {
		t.Fatal(err)
	}
	if err := sweep(f, f.Mark()); err != nil {
		t.Fatal(err)
	}
	if _, err := x.r.ReadAt(make([]byte, 4), 0); err != nil {
		t.Errorf("who reads already: %v", err)
	}
	f.letGo(x)
	if _, err := f.Read(p, nil); !errors.Is(err, ErrGone) {
		t.Errorf("who comes later: %v", err)
	}
	if f.open != 0 {
		t.Errorf("%d files are open", f.open)
	}
}

func TestPointer(t *testing.T) {
	p := Pointer{File: 1<<40 + 2, Offset: 3 << 24, Length: 5, Sum: 0xcafe}
	b := p.Encode()
	if want := "\x00\x00\x00\x01\x00\x00\x00\x00\x02\x03\x00\x00\x00\x00\x00\x00\x05\x00\x00\xca\xfe"; string(b[:]) != want {
		t.Errorf("%x", b) // it is on disks: it must not change
	}
	if got, ok := Parse(b[:]); !ok || got != p {
		t.Errorf("%+v, %v", got, ok)
	}
	for _, other := range [][]byte{nil, b[:20], append(b[:], 0), append([]byte{1}, b[1:]...)} {
		if _, ok := Parse(other); ok {
			t.Errorf("%x is a pointer", other)
		}
	}
}

// TestBadPointers: whatever a damaged pointer says is an error.
func TestBadPointers(t *testing.T) {
	f := open(t, vfs.NewMem(), "values", 0)
	p := write(t, f, []byte("value"))[0]
	for _, bad := range []Pointer{
		{File: p.File + 1, Length: 5, Sum: p.Sum},
		{File: p.File, Length: 4, Sum: p.Sum},
		{File: p.File, Length: 1 << 31, Sum: p.Sum},
		{File: p.File, Offset: 1 << 31, Length: 5, Sum: p.Sum},
	} {
		if _, err := f.Read(bad, nil); err == nil {
			t.Errorf("%+v was read", bad)
		}
	}
}
