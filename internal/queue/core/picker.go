package core

// verdict is what became of a message that was offered for delivery.
type verdict uint8

const (
	hid     verdict = iota // delivered and leased
	shown                  // delivered, but still visible (a lease of no time)
	dropped                // gone: it had expired
	left                   // on its way to another queue, hidden until it is there
	sent                   // left, because that was asked for: counts as delivered
	kept                   // not delivered; still visible
)

// picker knows the order of the messages in memory that were not settled.
// Statuses of entries are the Queue's to change; a picker is told.
type picker interface {
	// add takes a never-delivered message; messages come in sequence order.
	add(e *entry)
	// giveBack takes a message that became visible out of sequence: its lease
	// ended, or its delay. The entry is visible already; wasHidden says that it
	// was leased or leaving.
	giveBack(e *entry, wasHidden bool)
	// hide is called before a returned message is leased outside of take.
	hide(e *entry)
	// remove is called before a message is deleted. Of fresh ones it forgets those
	// that were given back; the others are found to be gone when their turn comes.
	remove(e *entry)
	// take offers messages in order until n were delivered or none is left.
	take(n int, offer func(*entry) verdict)
	// ready reports whether take has something to offer.
	ready() bool
	// restore takes a message that was delivered before a restart. Its status says
	// whether it is visible.
	restore(e *entry)
}

// group is the messages in memory that share a group name; "" is one too.
type group struct {
	name  string
	refs  int // entries that point here
	fresh ring[*entry]

	// standard order only
	early    heap[*entry] // visible, go before fresh ones, by sequence
	inFlight int
	pos      int32 // in the heap of groups that have something to deliver, -1

	// FIFO order only
	out    []*entry // delivered and not settled, in sequence order
	listed bool     // in the list of groups that may have something to deliver
}

// skipGone drops deleted messages from the front of the fresh ones.
func (g *group) skipGone() {
	for g.fresh.len() > 0 && g.fresh.front().status != fresh {
		g.fresh.pop()
	}
}

// join puts e into the group of a name that may alias a record.
func (q *Queue) join(e *entry, name []byte) {
	g, ok := q.groups[string(name)]
	if !ok {
		g = q.newGroup(string(name))
	}
	g.refs++
	e.group = g
}

// joinName is join for a name that is a string already.
func (q *Queue) joinName(e *entry, name string) {
	g, ok := q.groups[name]
	if !ok {
		g = q.newGroup(name)
	}
	g.refs++
	e.group = g
}

func (q *Queue) newGroup(name string) *group {
	g := &group{name: name, pos: -1}
	g.early = heap[*entry]{
		less:  func(a, b *entry) bool { return a.seq < b.seq },
		place: func(e *entry, i int32) { e.pos = i },
	}
	q.groups[g.name] = g
	return g
}

// part is the end of an entry's life in memory.
func (q *Queue) part(e *entry) {
	e.status = gone
	q.cache.drop(e)
	if g := e.group; g != nil {
		if g.refs--; g.refs == 0 {
			delete(q.groups, g.name)
		}
	}
}
