// Package storetest helps tests of what is built on package store: file systems
// in memory that crash and fail on command.
package storetest

import (
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/spillway/spillway/internal/store"
)

// ErrInjected is what operations fail with after FailSyncs or FailWrites.
var ErrInjected = errors.New("storetest: injected failure")

// FS is a file system in memory that forgets, in a crash, what was not synced. It
// goes into store.Options.FS. Its methods may be called from any goroutine.
type FS struct {
	vfs.FS // with injected failures
	mem    *vfs.MemFS

	mu   sync.Mutex // guards the fields below
	rng  *rand.Rand
	fail func(errorfs.Op) bool // nil: nothing fails
}

// NewFS returns an empty file system. The seed decides what crashes keep.
func NewFS(seed int64) *FS { return newFS(vfs.NewCrashableMem(), seed) }

func newFS(mem *vfs.MemFS, seed int64) *FS {
	f := &FS{mem: mem, rng: rand.New(rand.NewPCG(uint64(seed), 0))}
	f.FS = errorfs.Wrap(mem, errorfs.InjectorFunc(f.inject))
	return f
}

// Crash returns what a power failure now would leave: everything synced, and a
// random part of the rest (of its blocks and names; sometimes none, sometimes
// all). The file system itself goes on, so a running store need not be stopped.
func (f *FS) Crash() *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	percent := [...]int{0, 5, 50, 95, 100}[f.rng.IntN(5)]
	clone := f.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: f.rng})
	return newFS(clone, f.rng.Int64())
}

// FailSyncs has every later fsync of the write-ahead log fail.
func (f *FS) FailSyncs() {
	f.setFail(func(op errorfs.Op) bool {
		switch op.Kind {
		case errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo:
			return strings.HasSuffix(op.Path, ".log")
		}
		return false
	})
}

// FailWrites has everything that changes a file or a folder fail from now on, as
// on a disk that has gone.
func (f *FS) FailWrites() {
	f.setFail(changes)
}

// FailAfter lets n more operations that change a file or a folder succeed, and has
// all later ones fail.
func (f *FS) FailAfter(n int) {
	f.setFail(func(op errorfs.Op) bool { // called with mu held
		if !changes(op) {
			return false
		}
		n--
		return n < 0
	})
}

func changes(op errorfs.Op) bool {
	return op.Kind.ReadOrWrite() == errorfs.OpIsWrite && op.Kind != errorfs.OpFileClose
}

// FailFiles has every write and sync of files whose name ends so fail from now on.
func (f *FS) FailFiles(suffix string) {
	f.setFail(func(op errorfs.Op) bool {
		return changes(op) && strings.HasSuffix(op.Path, suffix)
	})
}

// Heal ends the failures.
func (f *FS) Heal() { f.setFail(nil) }

func (f *FS) setFail(fail func(errorfs.Op) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = fail
}

func (f *FS) inject(op errorfs.Op) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail != nil && f.fail(op) {
		return ErrInjected
	}
	return nil
}

// SetFree sets what the file system says is free, in bytes; before the first call
// it does not say, and the store is never full.
func (f *FS) SetFree(bytes uint64) {
	f.mem.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: bytes, TotalBytes: 1 << 40, UsedBytes: 1<<40 - bytes})
}

// Open opens a store on the file system, in the folder "data". It is closed with
// the test if it has not been before; an error of that Close is not an error of
// the test, since the file system may have been made to fail.
func Open(t testing.TB, f *FS) *store.Store {
	t.Helper()
	s, err := store.Open(store.Options{Dir: "data", FS: f})
	if err != nil {
		t.Fatalf("open store: %v", err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}
