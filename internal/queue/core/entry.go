package core

// status of a message that is in memory.
type status uint8

const (
	fresh    status = iota // never delivered
	leased                 // hidden until its deadline
	returned               // delivered before, visible again
	leaving                // on its way to another queue
	gone                   // deleted; still referenced by a ring
)

// lane is where a never-delivered message waits.
type lane uint8

const (
	mainLane  lane = iota // in sequence order
	delayLane             // in order of the time it is due
)

// entry is a message in memory. Its record is there only while it is likely to
// be delivered next and the cache has room.
type entry struct {
	seq    uint64
	since  int64 // when its retention period started, unix ms
	dueAt  int64 // in the delay lane, unix ms
	lane   lane
	state  State
	group  *group
	record []byte // nil when it must be read from the Source
	size   int32  // of the record
	prior  uint32
	origin uint64
	batch  uint64 // that stored it; durable once completed
	status status
	// refused is the queue that would not take it as a dead letter, so that it is
	// not offered there again and again.
	refused uint64

	pos int32 // in the heap it is in (deadlines, delayed, or its group's early), -1
	age int32 // in the heap of ages, -1
}

func newEntry(seq uint64, m *Message, size int) *entry {
	return &entry{seq: seq, since: m.retainFrom(), dueAt: m.DueAt, prior: m.Prior, origin: m.Origin, size: int32(size), pos: -1, age: -1}
}

// hidden reports whether the entry blocks the ones behind it in its group.
func (e *entry) hidden() bool { return e.status == leased || e.status == leaving }

// heap is a binary min-heap whose items know their position, so that any can be
// removed or moved in logarithmic time.
type heap[T any] struct {
	items []T
	less  func(a, b T) bool
	place func(x T, i int32)
}

func (h *heap[T]) len() int { return len(h.items) }

func (h *heap[T]) min() T { return h.items[0] }

func (h *heap[T]) push(x T) {
	h.items = append(h.items, x)
	h.place(x, int32(len(h.items)-1))
	h.up(len(h.items) - 1)
}

func (h *heap[T]) pop() T { return h.remove(0) }

// remove takes out the item at position i.
func (h *heap[T]) remove(i int32) T {
	x := h.items[i]
	last := len(h.items) - 1
	h.swap(int(i), last)
	var zero T
	h.items[last] = zero
	h.items = h.items[:last]
	h.place(x, -1)
	if int(i) < last {
		h.fix(i)
	}
	return x
}

// fix restores the order after the item at position i changed.
func (h *heap[T]) fix(i int32) {
	h.up(int(i))
	h.down(int(i))
}

func (h *heap[T]) swap(i, j int) {
	if i == j {
		return
	}
	h.items[i], h.items[j] = h.items[j], h.items[i]
	h.place(h.items[i], int32(i))
	h.place(h.items[j], int32(j))
}

func (h *heap[T]) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !h.less(h.items[i], h.items[parent]) {
			return
		}
		h.swap(i, parent)
		i = parent
	}
}

func (h *heap[T]) down(i int) {
	for {
		child := 2*i + 1
		if child >= len(h.items) {
			return
		}
		if r := child + 1; r < len(h.items) && h.less(h.items[r], h.items[child]) {
			child = r
		}
		if !h.less(h.items[child], h.items[i]) {
			return
		}
		h.swap(i, child)
		i = child
	}
}

// ring is a first-in first-out list.
type ring[T any] struct {
	buf  []T
	head int
	n    int
}

func (r *ring[T]) len() int { return r.n }

func (r *ring[T]) front() T { return r.at(0) }

func (r *ring[T]) at(i int) T { return r.buf[(r.head+i)&(len(r.buf)-1)] }

func (r *ring[T]) push(x T) {
	if r.n == len(r.buf) {
		r.grow(max(8, 2*r.n))
	}
	r.buf[(r.head+r.n)&(len(r.buf)-1)] = x
	r.n++
}

func (r *ring[T]) pop() T {
	var zero T
	x := r.buf[r.head]
	r.buf[r.head] = zero
	r.head = (r.head + 1) & (len(r.buf) - 1)
	r.n--
	if r.n == 0 && len(r.buf) > 4096 {
		r.buf, r.head = nil, 0 // a burst is over: give the memory back
	}
	return x
}

// grow makes the buffer size long, a power of two.
func (r *ring[T]) grow(size int) {
	buf := make([]T, size)
	for i := range r.n {
		buf[i] = r.buf[(r.head+i)&(len(r.buf)-1)]
	}
	r.buf, r.head = buf, 0
}
