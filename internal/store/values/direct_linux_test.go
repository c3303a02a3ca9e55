package values

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// used is how many bytes a file takes on disk.
func used(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t).Blocks * 512
}

// TestHoles: dead stretches of a file leave the disk, but not those of a file that a backup
// shares.
func TestHoles(t *testing.T) {
	dir := t.TempDir()
	f := open(t, vfs.Default, filepath.Join(dir, "values"), 8<<20)
	rng := rand.New(rand.NewPCG(1, 1))
	var values [][]byte
	for range 60 {
		values = append(values, random(rng, 100_000))
	}
	pointers := write(t, f, values...)
	write(t, f, random(rng, 4<<20)) // into the next file
	path := filepath.Join(dir, "values", "000001.val")
	full := used(t, path)
	if full < 6_000_000 {
		t.Skipf("the file system stores 6 MB in %d bytes", full)
	}
	keep := func(from, to int) {
		t.Helper()
		m := f.Mark()
		for _, p := range pointers[from:to] {
			m.Live(p)
		}
		if err := sweep(f, m); err != nil {
			t.Fatal(err)
		}
		for i := from; i < to; i++ {
			if v, err := f.Read(pointers[i], nil); err != nil || !bytes.Equal(v, values[i]) {
				t.Fatalf("%d: %v", i, err)
			}
		}
	}
	if err := f.LinkTo(filepath.Join(dir, "backup")); err != nil {
		t.Fatal(err)
	}
	keep(20, 40)
	if got := used(t, path); got != full {
		t.Errorf("%d bytes of %d are left in a file that a backup shares", got, full)
	}
	if err := os.RemoveAll(filepath.Join(dir, "backup")); err != nil {
		t.Fatal(err)
	}
	before := f.Bytes()
	keep(20, 40)
	got := used(t, path)
	if got == full {
		t.Skip("the file system makes no holes")
	}
	if got < 2_000_000 || got > 2_000_000+4*blockBytes {
		t.Errorf("%d bytes are left of %d, %d of them alive", got, full, 2_000_000)
	}
	if won := before - f.Bytes(); won != full-got {
		t.Errorf("says that %d bytes were won, not %d", won, full-got)
	}
	keep(39, 40)
	if got := used(t, path); got > 100_000+2*blockBytes {
		t.Errorf("%d bytes are left, 100,000 of them alive", got)
	}
	if _, err := f.Read(pointers[0], nil); err == nil {
		t.Error("a hole was read as a value")
	}
}

// TestDirect: values go past the page cache, where the file system lets them.
func TestDirect(t *testing.T) {
	f := open(t, vfs.Default, filepath.Join(t.TempDir(), "values"), 0)
	v := random(rand.New(rand.NewPCG(1, 1)), 1_234_567)
	p := write(t, f, v, v[:5])
	if !f.active.direct {
		t.Skip("the file system has no direct I/O")
	}
	for i, want := range [][]byte{v, v[:5]} {
		if got, err := f.Read(p[i], nil); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d: %v", i, err)
		}
	}
	// A write that the device refuses is made another way, and so are those after it. Some
	// file systems (tmpfs) do not mind.
	odd := v[:blockBytes-1]
	_, refused := f.active.w.WriteAt(odd, 4<<20+1)
	if refused != nil && !refusesDirect(refused) {
		t.Fatal(refused)
	}
	if err := f.write(f.active, odd, 4<<20+1); err != nil {
		t.Errorf("a write that is not aligned: %v", err)
	}
	if f.active.direct != (refused == nil) {
		t.Errorf("direct: %v after %v", f.active.direct, refused)
	}
	if refused == nil {
		return
	}
	got := make([]byte, len(odd))
	if _, err := f.active.w.ReadAt(got, 4<<20+1); err != nil || !bytes.Equal(got, odd) {
		t.Errorf("read back: %v", err)
	}
}
