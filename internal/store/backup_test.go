package store_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spillway/spillway/internal/store"
	"github.com/spillway/spillway/internal/store/storetest"
)

func TestBackup(t *testing.T) {
	fs := storetest.NewFS(1)
	s := storetest.Open(t, fs)
	put(t, s, true, 1, 2)
	put(t, s, false, 3)
	if err := s.Backup("backups/one"); err != nil {
		t.Fatal(err)
	}
	put(t, s, true, 4)
	if err := s.Backup("backups/one"); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("a second backup to the same folder: %v", err)
	}
	// It must be on disk, and not depend on the original.
	copied, err := store.Open(store.Options{Dir: "backups/one", FS: fs.Crash()})
	if err != nil {
		t.Fatal(err)
	}
	defer copied.Close()
	if got := keys(t, copied); !slices.Equal(got, []uint64{1, 2, 3}) {
		t.Errorf("the backup has %v", got)
	}
	if problems := copied.Check(); len(problems) > 0 {
		t.Errorf("%q", problems)
	}
	put(t, copied, true, 9)
}

func TestBackupOnDisk(t *testing.T) {
	dir := t.TempDir()
	s, err := store.Open(store.Options{Dir: filepath.Join(dir, "data")})
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, true, 1)
	target := filepath.Join(dir, "copy")
	if err := os.Mkdir(target, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := s.Backup(target); err != nil {
		t.Fatalf("to an empty folder: %v", err)
	}
	put(t, s, true, 2)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	copied, err := store.Open(store.Options{Dir: target})
	if err != nil {
		t.Fatal(err)
	}
	defer copied.Close()
	if got := keys(t, copied); !slices.Equal(got, []uint64{1}) {
		t.Errorf("the backup has %v", got)
	}
}

func TestFailedBackupLeavesNothing(t *testing.T) {
	fs := storetest.NewFS(1)
	s := storetest.Open(t, fs)
	put(t, s, true, 1)
	fs.FailFiles("VERSION.new")
	if err := s.Backup("copy"); err == nil {
		t.Fatal("no error")
	}
	fs.Heal()
	if _, err := fs.Stat("copy"); err == nil {
		t.Error("something was left behind")
	}
	if err := s.Backup("copy"); err != nil {
		t.Errorf("the next: %v", err)
	}
	if err := s.Err(); err != nil {
		t.Errorf("the store: %v", err)
	}
}

// TestBackupHasLargeValues: they are in files of their own.
func TestBackupHasLargeValues(t *testing.T) {
	fs := storetest.NewFS(1)
	s := storetest.Open(t, fs)
	value := []byte(strings.Repeat("message ", 10_000))
	b := s.NewBatch()
	for i := range uint64(20) {
		b.Set(key(i), value)
	}
	if err := b.Commit(true); err != nil {
		t.Fatal(err)
	}
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := s.Backup("copy"); err != nil {
		t.Fatal(err)
	}
	b = s.NewBatch()
	b.DeleteRange(key(0), key(20))
	if err := b.Commit(true); err != nil {
		t.Fatal(err)
	}
	copied, err := store.Open(store.Options{Dir: "copy", FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	defer copied.Close()
	for _, problem := range copied.Check() {
		t.Error(problem)
	}
	for i := range uint64(20) {
		if got, ok, err := copied.Get(key(i)); !ok || err != nil || string(got) != string(value) {
			t.Errorf("value %d: %d bytes, %v", i, len(got), err)
		}
	}
}

func TestCheckFindsUnknownKeys(t *testing.T) {
	s := storetest.Open(t, storetest.NewFS(1))
	b := s.NewBatch()
	b.Set([]byte{0, 1}, nil)
	b.Set([]byte{0, 1, '%'}, nil)
	if err := b.Commit(true); err != nil {
		t.Fatal(err)
	}
	problems := s.Check(func(r store.Reader, report func(string)) error {
		_, _, err := r.Get(key(1))
		report("something of the caller's")
		return err
	})
	want := []string{"key 0001 is too short", "which this version does not know", "something of the caller's"}
	if len(problems) != len(want) {
		t.Fatalf("%q", problems)
	}
	for i := range want {
		if !strings.Contains(problems[i], want[i]) {
			t.Errorf("%q, want %q", problems[i], want[i])
		}
	}
}

func TestCheckFindsDamage(t *testing.T) {
	t.Parallel()
	for suffix, size := range map[string]int{".sst": 100, ".blob": 2000} { // large values have their own files
		t.Run(suffix, func(t *testing.T) {
			t.Parallel()
			checkFindsDamage(t, suffix, []byte(strings.Repeat("message ", size)))
		})
	}
}

func checkFindsDamage(t *testing.T, suffix string, value []byte) {
	dir := t.TempDir()
	s, err := store.Open(store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(200) {
		b := s.NewBatch()
		b.Set(key(i), value)
		if err := b.Commit(false); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil { // writes the table
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "db", "*"+suffix))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/3] ^= 1
	if err := os.WriteFile(files[0], text, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err = store.Open(store.Options{Dir: dir, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	problems := s.Check()
	number := strings.TrimSuffix(filepath.Base(files[0]), suffix)
	if len(problems) == 0 || !strings.Contains(strings.Join(problems, "\n"), number) {
		t.Errorf("%q", problems)
	}
	t.Log(strings.Join(problems, "\n"))
}
