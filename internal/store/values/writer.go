package values

import (
	"errors"
	"fmt"
	"hash/crc32"
)

// Writer writes some values that become durable together. It is used by one goroutine:
// Add, any number of times; Sync; and when the pointers are stored where Mark's caller
// finds them, or will never be, Release, which ends it.
type Writer struct {
	files *Files
	// The extent that is being filled: the first n bytes of buffer belong at offset
	// of the last of the files. None if buffer is nil.
	buffer []byte
	n      int
	offset int64
	used   []*file // one for each extent
	synced int     // the first of used that may need a sync
}

// NewWriter returns a Writer. It costs nothing until something is added.
func (f *Files) NewWriter() Writer { return Writer{files: f} }

// Add copies a value and says where it will be. After an error nothing of the writer can
// be relied on.
func (w *Writer) Add(value []byte) (Pointer, error) {
	if len(value) > len(w.buffer)-w.n {
		if err := w.flush(); err != nil {
			return Pointer{}, err
		}
		if err := w.reserve(max(len(value), extentBytes)); err != nil {
			return Pointer{}, fmt.Errorf("values: %w", err)
		}
	}
	p := Pointer{
		File:   w.used[len(w.used)-1].number,
		Offset: uint32(w.offset) + uint32(w.n), Length: uint32(len(value)),
	}
	for len(value) > 0 { // in pieces that the processor's cache holds
		n := copy(w.buffer[w.n:], value[:min(len(value), cacheBytes)])
		p.Sum = crc32.Update(p.Sum, castagnoli, value[:n])
		value, w.n = value[n:], w.n+n
	}
	return p, nil
}

// cacheBytes is well below what is nearest to the processor.
const cacheBytes = 8 << 10

// reserve takes an extent with room for n bytes.
func (w *Writer) reserve(n int) error {
	f := w.files
	n = roundUp(n)
	f.mu.Lock()
	defer f.mu.Unlock()
	if x := f.active; x != nil && x.end > 0 && x.end+int64(n) > f.max {
		if err := f.seal(); err != nil {
			return err
		}
	}
	if f.active == nil {
		if err := f.create(); err != nil {
			return err
		}
	}
	x := f.active
	w.buffer, w.n, w.offset = f.buffer(n), 0, x.end
	x.end += int64(n)
	x.writers++
	w.used = append(w.used, x)
	return nil
}

// flush writes the extent, to the end of a block, and gives back what is left of it.
func (w *Writer) flush() error {
	if w.buffer == nil {
		return nil
	}
	f, x := w.files, w.used[len(w.used)-1]
	n := roundUp(w.n)
	clear(w.buffer[w.n:n])
	err := f.write(x, w.buffer[:n], w.offset)
	f.mu.Lock()
	if x.end == w.offset+int64(len(w.buffer)) {
		x.end = w.offset + int64(n)
	}
	f.mu.Unlock()
	f.recycle(w.buffer)
	w.buffer, w.n = nil, 0
	return err
}

// write writes to a file, past the page cache if that is possible.
func (f *Files) write(x *file, b []byte, at int64) error {
	f.mu.Lock()
	file, direct := x.w, x.direct
	f.mu.Unlock()
	_, err := file.WriteAt(b, at)
	if err != nil && direct && refusesDirect(err) {
		f.mu.Lock()
		x.direct = false
		setDirect(file, false)
		f.mu.Unlock()
		_, err = file.WriteAt(b, at)
	}
	if err != nil {
		return fmt.Errorf("values: %w", err)
	}
	return nil
}

// Sync makes what was added durable.
func (w *Writer) Sync() error {
	if err := w.flush(); err != nil {
		return err
	}
	for i, x := range w.used[w.synced:] {
		if i > 0 && x == w.used[w.synced+i-1] {
			continue
		}
		if err := x.w.SyncData(); err != nil {
			return fmt.Errorf("values: %w", err)
		}
	}
	w.synced = len(w.used)
	return nil
}

// Release ends the writer: from now on what it wrote is garbage, unless there is a
// pointer to it.
func (w *Writer) Release() (err error) {
	f := w.files
	f.mu.Lock()
	defer f.mu.Unlock()
	if w.buffer != nil {
		f.recycle(w.buffer)
	}
	for _, x := range w.used {
		x.writers--
		err = errors.Join(err, f.closeWritten(x))
	}
	*w = Writer{files: f}
	return err
}

// buffer returns an aligned buffer of a whole number of blocks.
func (f *Files) buffer(n int) []byte {
	if n == extentBytes {
		return *f.buffers.Get().(*[]byte)
	}
	return alignedBuffer(n)
}

func (f *Files) recycle(b []byte) {
	if len(b) == extentBytes {
		f.buffers.Put(&b)
	}
}

func roundUp(n int) int { return (n + blockBytes - 1) &^ (blockBytes - 1) }
