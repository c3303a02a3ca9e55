package store_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/spillway/spillway/internal/store"
	"github.com/spillway/spillway/internal/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func key(n uint64) []byte { return store.AppendKey(nil, 1, store.SpaceMessage, n) }

func put(t *testing.T, s *store.Store, sync bool, keys ...uint64) {
	t.Helper()
	b := s.NewBatch()
	for _, k := range keys {
		b.Set(key(k), fmt.Appendf(nil, "value %d", k))
	}
	if err := b.Commit(sync); err != nil {
		t.Fatal(err)
	}
}

// keys returns the numbers of the message keys in the store.
func keys(t *testing.T, r store.Reader) (found []uint64) {
	t.Helper()
	lo, hi := store.Bounds(1, store.SpaceMessage)
	err := r.Scan(lo, hi, func(k, _ []byte) bool {
		found = append(found, uint64(k[len(k)-1]))
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestReadWrite(t *testing.T) {
	for name, o := range map[string]store.Options{
		"disk":   {Dir: filepath.Join(t.TempDir(), "new", "data")},
		"memory": {Memory: true},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := store.Open(o)
			if err != nil {
				t.Fatal(err)
			}
			put(t, s, true, 1, 2, 3, 4, 5, 6)
			b := s.NewBatch()
			b.Delete(key(1))
			b.DeleteSized(key(2), uint32(len("value 2")))
			b.DeleteRange(key(4), key(6))
			if b.Empty() || b.Len() != len(b.Repr()) {
				t.Errorf("batch: empty %v, length %d of %d", b.Empty(), b.Len(), len(b.Repr()))
			}
			if err := b.Commit(false); err != nil {
				t.Fatal(err)
			}
			if got := keys(t, s); !slices.Equal(got, []uint64{3, 6}) {
				t.Errorf("keys %v", got)
			}
			value, ok, err := s.Get(key(3))
			if string(value) != "value 3" || !ok || err != nil {
				t.Errorf("get: %q %v %v", value, ok, err)
			}
			if _, ok, err := s.Get(key(4)); ok || err != nil {
				t.Errorf("get of a deleted key: %v %v", ok, err)
			}
			if err := s.Scan(nil, key(1), nil); err == nil {
				t.Error("a scan without a bound")
			}
			if problems := s.Check(); len(problems) > 0 {
				t.Errorf("check: %q", problems)
			}
			if err := errors.Join(s.Close(), s.Close()); err != nil {
				t.Error(err)
			}
			if _, _, err := s.Get(key(3)); !errors.Is(err, store.ErrClosed) {
				t.Errorf("get after close: %v", err)
			}
		})
	}
}

func TestReadWhileScanning(t *testing.T) {
	s := storetest.Open(t, storetest.NewFS(1))
	put(t, s, true, 1)
	lo, hi := store.Bounds(1, store.SpaceMessage)
	found := false
	err := s.Scan(lo, hi, func(k, _ []byte) (more bool) {
		_, found, _ = s.Get(k)
		return true
	})
	if err != nil || !found {
		t.Errorf("found %v, %v", found, err)
	}
}

func TestSyncedBatchesSurviveACrash(t *testing.T) {
	for seed := range int64(20) {
		fs := storetest.NewFS(seed)
		s := storetest.Open(t, fs)
		put(t, s, true, 1, 2)
		put(t, s, false, 3, 4)
		after := storetest.Open(t, fs.Crash())
		got := keys(t, after)
		if !slices.Equal(got, []uint64{1, 2}) && !slices.Equal(got, []uint64{1, 2, 3, 4}) {
			t.Errorf("seed %d: %v after the crash", seed, got)
		}
	}
}

func TestEverythingSurvivesClose(t *testing.T) {
	fs := storetest.NewFS(1)
	s := storetest.Open(t, fs)
	put(t, s, false, 1, 2)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := keys(t, storetest.Open(t, fs.Crash())); !slices.Equal(got, []uint64{1, 2}) {
		t.Errorf("%v", got)
	}
}

func TestReplicatedBatch(t *testing.T) {
	s := storetest.Open(t, storetest.NewFS(1))
	b := s.NewBatch()
	b.Set(key(7), []byte("x"))
	repr := slices.Clone(b.Repr())
	b.Discard()
	b = s.NewBatch()
	if err := b.SetRepr(repr); err != nil {
		t.Fatal(err)
	}
	if err := b.Commit(true); err != nil {
		t.Fatal(err)
	}
	if got := keys(t, s); !slices.Equal(got, []uint64{7}) {
		t.Errorf("%v", got)
	}
}

func TestLocked(t *testing.T) {
	dir := t.TempDir()
	s, err := store.Open(store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	_, err = store.Open(store.Options{Dir: dir})
	if !errors.Is(err, store.ErrLocked) || !strings.Contains(err.Error(), filepath.Join(dir, "LOCK")) {
		t.Errorf("second open: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, err = store.Open(store.Options{Dir: dir})
	if err != nil {
		t.Fatalf("after close: %v", err)
	}
	s.Close()
}

func TestVersions(t *testing.T) {
	dir := t.TempDir()
	open := func() error {
		s, err := store.Open(store.Options{Dir: dir})
		if err == nil {
			err = s.Close()
		}
		return err
	}
	if err := open(); err != nil {
		t.Fatal(err)
	}
	version := filepath.Join(dir, "VERSION")
	text, err := os.ReadFile(version)
	if err != nil || string(text) != fmt.Sprintf("spillway %d\n", store.Format) {
		t.Fatalf("VERSION is %q (%v)", text, err)
	}
	for content, want := range map[string]string{
		"spillway 999\n":    fmt.Sprintf("has format 999, this version opens formats up to %d", store.Format),
		"somebody else's\n": "not a spillway version file",
		"spillway 0\n":      "not a spillway version file",
		"":                  "not a spillway version file",
		fmt.Sprintf("spillway %d\n", store.Format): "",
		"spillway 1\n": "",
	} {
		if err := os.WriteFile(version, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		err := open()
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("VERSION %q: %v", content, err)
		}
		if got := errors.Is(err, store.ErrNewer); got != (content == "spillway 999\n") {
			t.Errorf("VERSION %q is ErrNewer: %v", content, got)
		}
	}
	if err := os.WriteFile(version, []byte("spillway 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := open(); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(version); err != nil || string(text) != fmt.Sprintf("spillway %d\n", store.Format) {
		t.Errorf("a folder of format 1 was opened and has %q (%v): older versions would open it", text, err)
	}
	os.Remove(version)
	if err := open(); err == nil || !strings.Contains(err.Error(), "no VERSION") {
		t.Errorf("without VERSION: %v", err)
	}
}

func TestReadOnly(t *testing.T) {
	dir := t.TempDir()
	if _, err := store.Open(store.Options{Dir: dir, ReadOnly: true}); err == nil {
		t.Error("an empty folder was opened for reading")
	}
	s, err := store.Open(store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, true, 1)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, err = store.Open(store.Options{Dir: dir, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got := keys(t, s); !slices.Equal(got, []uint64{1}) {
		t.Errorf("%v", got)
	}
	b := s.NewBatch()
	b.Set(key(2), nil)
	if err := b.Commit(true); err == nil {
		t.Error("a write was accepted")
	}
}

func TestFailureIsFinal(t *testing.T) {
	for name, fail := range map[string]func(*storetest.FS){
		"sync":  (*storetest.FS).FailSyncs,
		"write": (*storetest.FS).FailWrites,
	} {
		t.Run(name, func(t *testing.T) {
			fs := storetest.NewFS(1)
			s := storetest.Open(t, fs)
			put(t, s, true, 1)
			fail(fs)
			b := s.NewBatch()
			b.Set(key(2), []byte("x"))
			if err := b.Commit(true); !errors.Is(err, storetest.ErrInjected) {
				t.Fatalf("commit: %v", err)
			}
			<-s.Failed()
			fs.Heal()
			b = s.NewBatch()
			b.Set(key(3), []byte("x"))
			if err := b.Commit(true); !errors.Is(err, storetest.ErrInjected) {
				t.Errorf("a later commit: %v", err)
			}
			if _, ok, err := s.Get(key(1)); !ok || err != nil {
				t.Errorf("reading: %v %v", ok, err)
			}
			if err := s.Close(); !errors.Is(err, storetest.ErrInjected) {
				t.Errorf("close: %v", err)
			}
			got := keys(t, storetest.Open(t, fs))
			if !slices.Equal(got, []uint64{1}) && !slices.Equal(got, []uint64{1, 2}) {
				t.Errorf("after a restart: %v", got)
			}
		})
	}
}

// TestFailureUnderLoad has many writers meet a failing log, some of them inside
// the engine: all must get an error, and none may hang.
func TestFailureUnderLoad(t *testing.T) {
	fs := storetest.NewFS(1)
	s := storetest.Open(t, fs)
	ends := make(chan error)
	const writers = 8
	for w := range uint64(writers) {
		go func() {
			value := make([]byte, 40<<10) // to fill the log's blocks
			for n := uint64(0); ; n++ {
				b := s.NewBatch()
				b.Set(store.AppendKey(nil, 1, store.SpaceMessage, w, n), value)
				err := b.Begin(true)
				if err == nil {
					err = b.Wait()
				}
				if err != nil {
					ends <- err
					return
				}
				if w == 0 && n == 50 {
					fs.FailSyncs()
				}
			}
		}()
	}
	for range writers {
		if err := <-ends; !errors.Is(err, s.Err()) && !strings.Contains(err.Error(), "store failed") {
			t.Errorf("a writer ended with: %v", err)
		}
	}
	if err := s.Close(); err == nil {
		t.Error("close says nothing")
	}
}

func TestFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := storetest.NewFS(1)
		fs.SetFree(1000)
		s, err := store.Open(store.Options{Dir: "data", FS: fs, MinFreeBytes: 800})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		for _, step := range []struct {
			free uint64
			full bool
		}{{1000, false}, {799, true}, {801, true}, {999, true}, {1000, false}, {801, false}, {0, true}} {
			fs.SetFree(step.free)
			time.Sleep(2 * time.Second) // of the bubble's time
			if s.Full() != step.full {
				t.Errorf("%d bytes free: full is %v", step.free, s.Full())
			}
		}
	})
}
