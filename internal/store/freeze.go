package store

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
)

var errFrozen = errors.New("store failed: its files are frozen")

// freezer is the file system that Pebble gets. It makes sure that after the first
// failure nothing more changes on disk, as if the machine had crashed at that
// moment: a state which every start knows how to recover.
//
// Without it Pebble would end the process. It panics when closing or replacing
// its log fails, in a way that cannot be recovered from, and retries failed
// flushes as fast as it can. So once frozen:
//
//   - the log's operations do nothing and report success, also the one that
//     failed. That lets waiting commits return; Batch.Wait then finds the store
//     failed and acknowledges nothing.
//   - everything else that would change a file waits until the store is closed,
//     and then fails. These are flushes and compactions, in the background and
//     without locks.
//   - reads work.
//
// Files outside dir (backups) are not touched by any of this.
type freezer struct {
	vfs.FS
	dir    string // Pebble's
	failed func(error)
	// armed is set when the store is open; until then errors are Open's.
	armed  atomic.Bool
	frozen atomic.Bool

	releaseOnce sync.Once
	released    chan struct{} // closed when the store is closed
}

func newFreezer(fs vfs.FS, dir string, failed func(error)) *freezer {
	return &freezer{FS: fs, dir: dir, failed: failed, released: make(chan struct{})}
}

// freeze is idempotent.
func (f *freezer) freeze() { f.frozen.Store(true) }

// release lets what waits go on, with an error.
func (f *freezer) release() { f.releaseOnce.Do(func() { close(f.released) }) }

// inside tells whether a path is one of Pebble's files.
func (f *freezer) inside(path string) bool {
	return path == f.dir || f.FS.PathDir(path) == f.dir
}

func isLog(path string) bool { return strings.HasSuffix(path, ".log") }

// change does something to a file other than the log.
func (f *freezer) change(do func() error) error {
	if f.frozen.Load() {
		<-f.released
		return errFrozen
	}
	err := do()
	if err != nil && f.armed.Load() {
		f.failed(err)
		<-f.released
	}
	return err
}

// changeLog does something to the log.
func (f *freezer) changeLog(do func() error) error {
	if f.frozen.Load() {
		return nil
	}
	err := do()
	if err != nil && f.armed.Load() {
		f.failed(err)
		return nil
	}
	return err
}

// create makes a file in one of two ways.
func (f *freezer) create(path string, do func() (vfs.File, error)) (file vfs.File, err error) {
	if !f.inside(path) {
		return do()
	}
	open := func() (err error) { file, err = do(); return err }
	if !isLog(path) {
		if err := f.change(open); err != nil {
			return nil, err
		}
		return &frozenFile{file, f, false}, nil
	}
	if err := f.changeLog(open); err != nil {
		return nil, err
	}
	if file == nil {
		file = vfs.NewMemFile(nil) // of a frozen log: nothing will be written to it
	}
	return &frozenFile{file, f, true}, nil
}

// Create implements vfs.FS.
func (f *freezer) Create(path string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return f.create(path, func() (vfs.File, error) { return f.FS.Create(path, c) })
}

// ReuseForWrite implements vfs.FS.
func (f *freezer) ReuseForWrite(old, path string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return f.create(path, func() (vfs.File, error) { return f.FS.ReuseForWrite(old, path, c) })
}

// OpenDir implements vfs.FS. The folder is synced for the log, among others.
func (f *freezer) OpenDir(path string) (vfs.File, error) {
	file, err := f.FS.OpenDir(path)
	if err != nil || !f.inside(path) {
		return file, err
	}
	return &frozenFile{file, f, true}, nil
}

// Rename implements vfs.FS.
func (f *freezer) Rename(old, path string) error {
	if !f.inside(path) {
		return f.FS.Rename(old, path)
	}
	return f.change(func() error { return f.FS.Rename(old, path) })
}

// Remove implements vfs.FS. Its errors cost space and nothing else.
func (f *freezer) Remove(path string) error {
	if f.inside(path) && f.frozen.Load() {
		<-f.released
		return errFrozen
	}
	return f.FS.Remove(path)
}

// frozenFile is a file of Pebble's that is open for writing, or a folder.
type frozenFile struct {
	vfs.File
	f   *freezer
	log bool
}

func (w *frozenFile) change(do func() error) error {
	if w.log {
		return w.f.changeLog(do)
	}
	return w.f.change(do)
}

// Write implements vfs.File.
func (w *frozenFile) Write(p []byte) (int, error) {
	err := w.change(func() error { _, err := w.File.Write(p); return err })
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

// WriteAt implements vfs.File.
func (w *frozenFile) WriteAt(p []byte, offset int64) (int, error) {
	err := w.change(func() error { _, err := w.File.WriteAt(p, offset); return err })
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

// Sync implements vfs.File.
func (w *frozenFile) Sync() error { return w.change(w.File.Sync) }

// SyncData implements vfs.File.
func (w *frozenFile) SyncData() error { return w.change(w.File.SyncData) }

// SyncTo implements vfs.File.
func (w *frozenFile) SyncTo(length int64) (full bool, err error) {
	err = w.change(func() error { full, err = w.File.SyncTo(length); return err })
	return full, err
}

// Preallocate implements vfs.File. Its errors are harmless.
func (w *frozenFile) Preallocate(offset, length int64) error {
	if w.f.frozen.Load() {
		return nil
	}
	return w.File.Preallocate(offset, length)
}

// Close implements vfs.File.
func (w *frozenFile) Close() error {
	err := w.File.Close()
	if w.log && w.f.frozen.Load() {
		return nil
	}
	return err
}
