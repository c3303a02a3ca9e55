package values

import (
	"errors"
	"fmt"
)

var (
	// ErrGone: the file was removed, because nothing in it was alive.
	ErrGone = errors.New("values: no such file")
	// ErrDamaged: the bytes are not those that were written. They may have become a
	// hole, because the value was not alive.
	ErrDamaged = errors.New("values: wrong checksum")
)

// maxOpen is how many files are kept open for reading.
const maxOpen = 256

// Read reads a value into dst, which is replaced if it is too small. Whoever gets an error
// must look whether the pointer is still where it was found, for the value may have been
// deleted meanwhile.
func (f *Files) Read(p Pointer, dst []byte) ([]byte, error) {
	x, err := f.acquire(p)
	if err != nil {
		return nil, err
	}
	defer f.letGo(x)
	if cap(dst) < int(p.Length) {
		dst = make([]byte, p.Length)
	}
	dst = dst[:p.Length]
	if _, err := x.r.ReadAt(dst, int64(p.Offset)); err != nil {
		return nil, fmt.Errorf("values: read %s: %w", x.path, err)
	}
	if sum(dst) != p.Sum {
		return nil, fmt.Errorf("%w: %d bytes at %d of %s", ErrDamaged, p.Length, p.Offset, x.path)
	}
	return dst, nil
}

// acquire returns the file, open for reading until letGo.
func (f *Files) acquire(p Pointer) (*file, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	x := f.files[p.File]
	if x == nil {
		return nil, fmt.Errorf("%w: %d", ErrGone, p.File)
	}
	if int64(p.Offset)+int64(p.Length) > x.end {
		return nil, fmt.Errorf("%w: %d bytes at %d are beyond the end of %s", ErrDamaged, p.Length, p.Offset, x.path)
	}
	if x.r == nil {
		if err := f.openRead(x); err != nil {
			return nil, fmt.Errorf("values: %w", err)
		}
	}
	x.readers++
	return x, nil
}

// openRead opens a file for reading, and closes another if too many are open. Called with
// mu held.
func (f *Files) openRead(x *file) (err error) {
	if f.open >= maxOpen {
		for _, other := range f.files {
			if other.r != nil && other.readers == 0 {
				f.closeRead(other)
				break
			}
		}
	}
	if x.r, err = f.fs.Open(x.path); err == nil {
		f.open++
	}
	return err
}

// closeRead closes a file that nobody reads. Called with mu held.
func (f *Files) closeRead(x *file) {
	x.r.Close() // nothing was written with it
	x.r = nil
	f.open--
}

func (f *Files) letGo(x *file) {
	f.mu.Lock()
	defer f.mu.Unlock()
	x.readers--
	if x.readers == 0 && f.files[x.number] != x {
		f.closeRead(x)
	}
}
