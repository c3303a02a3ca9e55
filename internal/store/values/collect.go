package values

import (
	"fmt"
	"math/bits"
)

const (
	// minHole is the shortest dead stretch that is made a hole, in blocks: each costs
	// the file system an entry.
	minHole = 64 << 10 / blockBytes
	// maxHole is what is made a hole at once. Where free space is discarded on the
	// device (mount option discard), syncs of other files wait 0.3 ms for a MB.
	maxHole = 8 << 20 / blockBytes
)

// Marks are what is alive in the files that can be collected.
type Marks struct {
	files *Files
	live  map[*file]blocks
}

// blocks is a set of a file's blocks.
type blocks []uint64

// newBlocks returns an empty set for a file of so many bytes.
func newBlocks(bytes int64) blocks { return make(blocks, bytes/blockBytes/64+1) }

func (b blocks) add(from, to int64) {
	for i := from; i < to && i < int64(len(b))*64; i++ {
		b[i/64] |= 1 << (i % 64)
	}
}

func (b blocks) has(i int64) bool { return b[i/64]&(1<<(i%64)) != 0 }

func (b blocks) count() (n int64) {
	for _, word := range b {
		n += int64(bits.OnesCount64(word))
	}
	return n
}

// Mark begins a collection: of all files that nobody writes to, nor will. The pointers that
// are stored are to be read after it.
func (f *Files) Mark() *Marks {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := &Marks{files: f, live: make(map[*file]blocks)}
	for _, x := range f.files {
		if x != f.active && x.writers == 0 {
			m.live[x] = newBlocks(x.end)
		}
	}
	return m
}

// Empty tells whether there is nothing to collect.
func (m *Marks) Empty() bool { return len(m.live) == 0 }

// Live notes that there is a pointer.
func (m *Marks) Live(p Pointer) {
	m.files.mu.Lock()
	x := m.files.files[p.File]
	m.files.mu.Unlock()
	if b := m.live[x]; b != nil && p.Length > 0 {
		b.add(int64(p.Offset)/blockBytes, (int64(p.Offset)+int64(p.Length)-1)/blockBytes+1)
	}
}

// Dead is space of one file that can be taken back.
type Dead struct {
	file *file
	hole stretch // empty: the file itself
}

// stretch is a part of a file, in bytes.
type stretch struct{ offset, length int64 }

// Bytes is about how much it is: not more.
func (d Dead) Bytes() int64 { return d.hole.length }

// Dead ends the marking, and returns what can be taken back, in the order in which that is
// to be done: in small pieces, because others wait for the file system meanwhile.
func (m *Marks) Dead() (all []Dead) {
	for x, live := range m.live {
		whole := live.count() == 0
		end := x.end / blockBytes
		for i := int64(0); i < end; i++ {
			from := i
			for i < end && i-from < maxHole && !live.has(i) && !x.isHole(i) {
				i++
			}
			if i-from >= minHole {
				all = append(all, Dead{x, stretch{from * blockBytes, (i - from) * blockBytes}})
			}
		}
		if whole {
			all = append(all, Dead{file: x})
		}
	}
	return all
}

// Reclaim takes back space: it makes a hole, where that is possible, or removes a file. It
// returns how many bytes that won. The deletion of what pointed there must be durable.
func (f *Files) Reclaim(d Dead) (won int64, err error) {
	if d.hole.length == 0 {
		return f.remove(d.file)
	}
	done, err := punchHole(f.fs, d.file.path, d.hole)
	if err != nil {
		return 0, fmt.Errorf("values: make a hole in %s: %w", d.file.path, err)
	}
	if !done {
		return 0, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	x := d.file
	if x.holes == nil {
		x.holes = newBlocks(x.end)
	}
	x.holes.add(d.hole.offset/blockBytes, (d.hole.offset+d.hole.length)/blockBytes)
	return d.hole.length, nil
}

func (f *Files) remove(x *file) (won int64, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.files, x.number)
	if x.r != nil && x.readers == 0 {
		f.closeRead(x)
	}
	return x.bytes(), f.fs.Remove(x.path)
}
