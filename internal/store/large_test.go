package store_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/spillway/spillway/internal/store"
	"github.com/spillway/spillway/internal/store/storetest"
)

// smallFiles are value files that a few batches fill: a batch reserves a MiB.
const smallFiles = 1<<20 + 64<<10

func openLarge(t *testing.T, fs vfs.FS, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(store.Options{Dir: dir, FS: fs}.WithValueFiles(smallFiles))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func largeKey(partition uint16, n uint64) []byte {
	return store.AppendKey(nil, partition, store.SpaceRecord, 1, n)
}

// largeValue is what belongs at a key: its first byte is not 0.
func largeValue(partition uint16, n uint64) []byte {
	rng := rand.New(rand.NewPCG(uint64(partition), n))
	v := make([]byte, 1+rng.IntN(20<<10))
	for i := 0; i+8 <= len(v); i += 8 {
		v[i] = byte(rng.Uint64())
	}
	v[0] = 1
	return v
}

// putLarge stores values in one batch.
func putLarge(t *testing.T, s *store.Store, partition uint16, keys ...uint64) {
	t.Helper()
	b := s.NewBatch()
	for _, n := range keys {
		b.SetLarge(largeKey(partition, n), largeValue(partition, n))
	}
	if err := b.Commit(true); err != nil {
		t.Fatal(err)
	}
}

// largeKeys returns the keys there are, after looking at their values.
func largeKeys(t *testing.T, r store.Reader, partition uint16) (found []uint64) {
	t.Helper()
	lo, hi := store.Bounds(partition, store.SpaceRecord)
	if err := r.Scan(lo, hi, func(key, value []byte) bool {
		n := uint64(key[len(key)-1])
		if !bytes.Equal(value, largeValue(partition, n)) {
			t.Errorf("%d has another value", n)
		}
		found = append(found, n)
		return true
	}); err != nil {
		t.Fatal(err)
	}
	return found
}

func wantKeys(t *testing.T, r store.Reader, partition uint16, want ...uint64) {
	t.Helper()
	if got := largeKeys(t, r, partition); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("partition %d has %v, want %v", partition, got, want)
	}
}

func deleteLarge(t *testing.T, s *store.Store, sync bool, partition uint16, from, to uint64) {
	t.Helper()
	b := s.NewBatch()
	b.DeleteRange(largeKey(partition, from), largeKey(partition, to))
	if err := b.Commit(sync); err != nil {
		t.Fatal(err)
	}
}

// valueFiles is how many there are.
func valueFiles(t *testing.T, fs vfs.FS, dir string) int {
	t.Helper()
	names, err := fs.List(fs.PathJoin(dir, "values"))
	if err != nil {
		t.Fatal(err)
	}
	return len(names)
}

func TestLargeValues(t *testing.T) {
	dir := t.TempDir()
	for name, o := range map[string]store.Options{
		"on disk":    {Dir: filepath.Join(dir, "disk")},
		"in memory":  {Memory: true},
		"replicated": {Dir: filepath.Join(dir, "replicated"), Replicated: true},
		"fake disk":  {Dir: "data", FS: storetest.NewFS(1)},
	} {
		t.Run(name, func(t *testing.T) {
			o = o.WithValueFiles(smallFiles)
			s, err := store.Open(o)
			if err != nil {
				t.Fatal(err)
			}
			putLarge(t, s, 1, 1, 2, 3)
			putLarge(t, s, 7, 4)
			b := s.NewBatch()
			b.SetLarge(largeKey(1, 9), largeValue(1, 9))
			b.Discard()
			b = s.NewBatch()
			b.SetLarge(largeKey(1, 5), largeValue(1, 5))
			b.SetLarge(largeKey(1, 6), largeValue(1, 6))
			if got, least := b.Size(), len(largeValue(1, 5))+len(largeValue(1, 6)); got < least || got > least+200 {
				t.Errorf("the batch has %d bytes, with values of %d", got, least)
			}
			b.DeleteRange(largeKey(1, 5), largeKey(1, 6))
			if err := b.Commit(true); err != nil {
				t.Fatal(err)
			}
			view, err := s.NewSnapshot()
			if err != nil {
				t.Fatal(err)
			}
			for n := range uint64(30) {
				putLarge(t, s, 2, n)
			}
			wantKeys(t, view, 1, 1, 2, 3, 6)
			wantKeys(t, view, 2)
			view.Close()
			if o.Memory {
				wantKeys(t, s, 1, 1, 2, 3, 6)
				s.Close()
				return
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s, err = store.Open(o)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			wantKeys(t, s, 1, 1, 2, 3, 6)
			wantKeys(t, s, 7, 4)
			if got := largeKeys(t, s, 2); len(got) != 30 {
				t.Errorf("%d of 30", len(got))
			}
			v, ok, err := s.Get(largeKey(7, 4))
			if !ok || err != nil || !bytes.Equal(v, largeValue(7, 4)) {
				t.Errorf("get: %v, %v", ok, err)
			}
			if problems := s.Check(); len(problems) > 0 {
				t.Errorf("%q", problems)
			}
		})
	}
}

// TestCollect: what was deleted leaves the disk, what was not stays, and readers that began
// before do not trip over the difference.
func TestCollect(t *testing.T) {
	fs := storetest.NewFS(1)
	s := openLarge(t, fs, "data")
	for n := range uint64(60) {
		putLarge(t, s, uint16(n%3), n)
	}
	before := valueFiles(t, fs, "data")
	deleteLarge(t, s, false, 1, 0, 99)
	deleteLarge(t, s, false, 2, 0, 99)
	if err := s.Collect(); err != nil {
		t.Fatal(err)
	}
	if got := valueFiles(t, fs, "data"); got != before {
		t.Errorf("%d files, there were %d, all of them partly alive", got, before)
	}
	var seen []uint64
	lo, hi := store.Bounds(0, store.SpaceRecord)
	if err := s.Scan(lo, hi, func(key, _ []byte) bool {
		if seen = append(seen, uint64(key[len(key)-1])); len(seen) == 1 {
			deleteLarge(t, s, false, 0, 3, 55)
			if err := s.Collect(); err != nil {
				t.Fatal(err)
			}
		}
		return true
	}); err != nil {
		t.Error(err)
	}
	if seen[0] != 0 || seen[len(seen)-1] != 57 || len(seen) > 15 {
		t.Errorf("a scan that collected on its way saw %v", seen)
	}
	wantKeys(t, s, 0, 0, 57)
	if got := valueFiles(t, fs, "data"); got > 4 {
		t.Errorf("%d files are left of %d", got, before)
	}
	putLarge(t, s, 0, 61)
	wantKeys(t, s, 0, 0, 57, 61)
	if problems := s.Check(); len(problems) > 0 {
		t.Errorf("%q", problems)
	}
}

// TestLargeValuesAfterCrash cuts the power at random moments while values are stored,
// deleted without waiting for the disk, and collected: what was acknowledged is there,
// whole, and there is nothing that cannot be read.
func TestLargeValuesAfterCrash(t *testing.T) {
	runs := 150
	if testing.Short() {
		runs = 30
	}
	for seed := range int64(runs) {
		fs := storetest.NewFS(seed)
		s := openLarge(t, fs, "data")
		rng := rand.New(rand.NewPCG(uint64(seed), 0))
		first, next := uint64(0), uint64(0)
		for range 5 + rng.IntN(25) {
			switch rng.IntN(5) {
			case 0:
				first += rng.Uint64N(next - first + 1)
				deleteLarge(t, s, false, 1, 0, first)
			case 1:
				if err := s.Collect(); err != nil {
					t.Fatal(err)
				}
			default:
				n := next + 1 + rng.Uint64N(4)
				var keys []uint64
				for ; next < n; next++ {
					keys = append(keys, next)
				}
				putLarge(t, s, 1, keys...)
			}
		}
		b := s.NewBatch() // of which nothing is known
		b.SetLarge(largeKey(1, next), largeValue(1, next))
		if err := b.Begin(false); err != nil {
			t.Fatal(err)
		}
		after := openLarge(t, fs.Crash(), "data")
		if err := b.Wait(); err != nil {
			t.Fatal(err)
		}
		found := map[uint64]bool{}
		for _, n := range largeKeys(t, after, 1) {
			found[n] = true
		}
		for n := first; n < next; n++ {
			if !found[n] {
				t.Errorf("seed %d: %d is missing of [%d, %d)", seed, n, first, next)
			}
		}
		for _, problem := range after.Check() {
			t.Errorf("seed %d: %s", seed, problem)
		}
		if err := after.Collect(); err != nil {
			t.Fatal(err)
		}
		putLarge(t, after, 1, next+1)
		for _, problem := range after.Check() {
			t.Errorf("seed %d: after more: %s", seed, problem)
		}
		s.Close()
		after.Close()
		if t.Failed() {
			return
		}
	}
}

// TestBackupOfLargeValues: a backup has what its keys point to, whatever becomes of the
// original.
func TestBackupOfLargeValues(t *testing.T) {
	for name, fs := range map[string]vfs.FS{"disk": vfs.Default, "fake disk": storetest.NewFS(1)} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			data, copied := filepath.Join(dir, "data"), filepath.Join(dir, "copy")
			s := openLarge(t, fs, data)
			for n := range uint64(20) {
				putLarge(t, s, 1, n)
			}
			if err := s.Backup(copied); err != nil {
				t.Fatal(err)
			}
			putLarge(t, s, 1, 21)
			deleteLarge(t, s, true, 1, 2, 19)
			if err := s.Collect(); err != nil {
				t.Fatal(err)
			}
			wantKeys(t, s, 1, 0, 1, 19, 21)
			c := openLarge(t, fs, copied)
			if got := largeKeys(t, c, 1); len(got) != 20 {
				t.Errorf("the backup has %v", got)
			}
			if problems := c.Check(); len(problems) > 0 {
				t.Errorf("%q", problems)
			}
		})
	}
}

// TestDamagedValue: it is found by reading it and by a check, and the rest can be read.
func TestDamagedValue(t *testing.T) {
	dir := t.TempDir()
	s := openLarge(t, vfs.Default, dir)
	putLarge(t, s, 1, 1, 2, 3)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "values", "000001.val")
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file[len(largeValue(1, 1))] ^= 1 // the first byte of the second
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	s = openLarge(t, vfs.Default, dir)
	if _, _, err := s.Get(largeKey(1, 2)); err == nil || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("get: %v", err)
	}
	if _, ok, err := s.Get(largeKey(1, 3)); !ok || err != nil {
		t.Errorf("its neighbour: %v, %v", ok, err)
	}
	problems := s.Check()
	if len(problems) != 1 || !strings.Contains(problems[0], fmt.Sprintf("%x", largeKey(1, 2))) {
		t.Errorf("%q", problems)
	}
}

// TestValueFilesFail: a batch whose values cannot be written is not stored, and the store
// has failed.
func TestValueFilesFail(t *testing.T) {
	fs := storetest.NewFS(1)
	s := openLarge(t, fs, "data")
	putLarge(t, s, 1, 1)
	fs.FailFiles(".val")
	b := s.NewBatch()
	b.SetLarge(largeKey(1, 2), largeValue(1, 2))
	b.Set(largeKey(1, 3), []byte{1})
	if err := b.Commit(true); err == nil || s.Err() == nil {
		t.Fatalf("%v, %v", err, s.Err())
	}
	wantKeys(t, s, 1, 1)
	s.Close()
	fs.Heal()
	s = openLarge(t, fs, "data")
	wantKeys(t, s, 1, 1)
	if err := s.Collect(); err != nil {
		t.Fatal(err)
	}
	putLarge(t, s, 1, 2)
	wantKeys(t, s, 1, 1, 2)
}
