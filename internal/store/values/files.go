package values

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/spillway/spillway/internal/store/folder"
)

const (
	// defaultFileBytes is a compromise: space of what was deleted comes back by the
	// file where holes cannot be made, and each file costs a sync of the folder.
	defaultFileBytes = 256 << 20
	// extentBytes is what a Writer reserves and keeps in memory; more for a larger
	// value.
	extentBytes = 1 << 20
	// blockBytes is what writes past the page cache, and holes, are aligned to.
	blockBytes = 4 << 10

	suffix = ".val"
)

// Files is a folder of value files. Its methods may be called from any goroutine.
type Files struct {
	fs  vfs.FS
	dir string
	max int64 // where a file ends

	buffers sync.Pool // of *[]byte, extentBytes long, aligned

	mu     sync.Mutex // guards the fields below, and those of files
	files  map[uint64]*file
	active *file // takes extents; nil before the first
	last   uint64
	open   int // handles for reading
}

// file is one file. Its fields are guarded by Files.mu.
type file struct {
	number uint64
	path   string
	end    int64  // of the last extent
	holes  blocks // that were given back to the system; nil when none

	w       vfs.File // nil when nothing is written any more
	direct  bool
	writers int // extents that are in use

	r       vfs.File // opened when it is first read
	readers int
}

func (x *file) isHole(i int64) bool { return x.holes != nil && x.holes.has(i) }

// bytes is how much the file holds.
func (x *file) bytes() int64 { return x.end - x.holes.count()*blockBytes }

// Open finds the files of a folder, which need not exist. Files end at so many bytes,
// unless their last extent is longer; 0 is a good default.
func Open(fsys vfs.FS, dir string, fileBytes int64) (*Files, error) {
	if fileBytes <= 0 {
		fileBytes = defaultFileBytes
	}
	f := &Files{fs: fsys, dir: dir, max: fileBytes, files: make(map[uint64]*file)}
	f.buffers.New = func() any { b := alignedBuffer(extentBytes); return &b }
	names, err := fsys.List(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err != nil {
		return nil, fmt.Errorf("values: %w", err)
	}
	for _, name := range names {
		number, err := strconv.ParseUint(strings.TrimSuffix(name, suffix), 10, 64)
		if err != nil || !strings.HasSuffix(name, suffix) {
			continue // not ours
		}
		path := fsys.PathJoin(dir, name)
		info, err := fsys.Stat(path)
		if err != nil {
			return nil, fmt.Errorf("values: %w", err)
		}
		f.files[number] = &file{number: number, path: path, end: info.Size()}
		f.last = max(f.last, number)
	}
	return f, nil
}

// Close closes the files. Nobody may be reading or writing.
func (f *Files) Close() (err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, x := range f.files {
		if x.r != nil {
			err = errors.Join(err, x.r.Close())
		}
		if x.w != nil {
			err = errors.Join(err, x.w.Close())
		}
		x.r, x.w = nil, nil
	}
	f.active = nil
	return err
}

// Bytes is how much the files hold, without the holes that were made in them.
func (f *Files) Bytes() (n int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, x := range f.files {
		n += x.bytes()
	}
	return n
}

// LinkTo makes the files those of another folder, too, with hard links, or copies on
// another file system, and makes that durable. What is written later is not in it, and
// until the links are removed no holes are made in these files. Reclaim must not run
// meanwhile.
func (f *Files) LinkTo(dir string) error {
	f.mu.Lock()
	err := f.seal()
	var paths []string
	for _, x := range f.files {
		paths = append(paths, x.path)
	}
	f.mu.Unlock()
	if err != nil || len(paths) == 0 {
		return err
	}
	if err := folder.Make(f.fs, dir); err != nil {
		return err
	}
	for _, path := range paths {
		if err := vfs.LinkOrCopy(f.fs, path, f.fs.PathJoin(dir, f.fs.PathBase(path))); err != nil {
			return err
		}
	}
	return folder.Sync(f.fs, dir)
}

// seal ends the active file. Called with mu held.
func (f *Files) seal() error {
	x := f.active
	f.active = nil
	if x == nil {
		return nil
	}
	return f.closeWritten(x)
}

// closeWritten closes a file for writing if nobody writes to it any more. Called with mu
// held.
func (f *Files) closeWritten(x *file) error {
	if x == f.active || x.writers > 0 || x.w == nil {
		return nil
	}
	err := x.w.Close()
	x.w = nil
	return err
}

// create makes a file the active one. Called with mu held.
func (f *Files) create() error {
	if err := folder.Make(f.fs, f.dir); err != nil {
		return err
	}
	number := f.last + 1
	path := f.fs.PathJoin(f.dir, fmt.Sprintf("%06d%s", number, suffix))
	w, err := f.fs.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	if err := folder.Sync(f.fs, f.dir); err != nil {
		return errors.Join(err, w.Close())
	}
	f.last = number
	f.active = &file{number: number, path: path, w: w, direct: setDirect(w, true)}
	f.files[number] = f.active
	return nil
}
