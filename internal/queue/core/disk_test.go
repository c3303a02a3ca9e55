package core

import (
	"maps"
	"slices"
	"sort"
)

// tables is what a queue has on disk.
type tables struct {
	messages  map[uint64][]byte
	seqs      []uint64 // of messages, sorted
	states    map[uint64]State
	delayed   []Due // sorted
	counts    map[int64]uint64
	dedups    map[uint64]Dedup
	transfers map[TransferID]struct{}
	record    Record
	saved     bool // there is a record
}

func newTables() *tables {
	return &tables{
		messages: map[uint64][]byte{}, states: map[uint64]State{}, counts: map[int64]uint64{},
		dedups: map[uint64]Dedup{}, transfers: map[TransferID]struct{}{},
	}
}

func (t *tables) clone() *tables {
	c := *t
	c.messages, c.states, c.counts = maps.Clone(t.messages), maps.Clone(t.states), maps.Clone(t.counts)
	c.dedups, c.transfers = maps.Clone(t.dedups), maps.Clone(t.transfers)
	c.seqs, c.delayed = slices.Clone(t.seqs), slices.Clone(t.delayed)
	return &c
}

func (t *tables) put(seq uint64, record []byte) {
	if _, ok := t.messages[seq]; !ok {
		i, _ := slices.BinarySearch(t.seqs, seq)
		t.seqs = slices.Insert(t.seqs, i, seq)
	}
	t.messages[seq] = record
}

func (t *tables) drop(seq uint64) {
	if _, ok := t.messages[seq]; ok {
		i, _ := slices.BinarySearch(t.seqs, seq)
		t.seqs = slices.Delete(t.seqs, i, i+1)
		delete(t.messages, seq)
	}
}

func (t *tables) after(d Due) int {
	return sort.Search(len(t.delayed), func(i int) bool { return d.before(t.delayed[i]) })
}

// Messages implements Source, as do the methods below.
func (t *tables) Messages(from uint64, most, mostBytes int) (records []Stored, more bool) {
	i, _ := slices.BinarySearch(t.seqs, from)
	size := 0
	for _, seq := range t.seqs[i:] {
		if len(records) == most || size >= mostBytes {
			return records, true
		}
		size += len(t.messages[seq])
		records = append(records, Stored{seq, t.messages[seq]})
	}
	return records, false
}

func (t *tables) Message(seq uint64) ([]byte, bool) {
	record, ok := t.messages[seq]
	return record, ok
}

func (t *tables) Delayed(after Due, most int) (dues []Due, more bool) {
	i := t.after(after)
	end := min(len(t.delayed), i+most)
	return slices.Clone(t.delayed[i:end]), end < len(t.delayed)
}

// load is what a restart reads.
func (t *tables) load() *Saved {
	s := &Saved{Record: t.record, States: maps.Clone(t.states), DelayCounts: maps.Clone(t.counts)}
	for _, seq := range slices.Sorted(maps.Keys(t.dedups)) {
		s.Dedups = append(s.Dedups, SavedDedup{seq, t.dedups[seq]})
	}
	for id := range t.transfers {
		s.Transfers = append(s.Transfers, id)
	}
	return s
}

// batch is the writes of one batch; it implements Journal.
type batch struct {
	number uint64
	ops    []func(*tables)
	sync   bool
	model  *model // as it was after the batch
}

func (b *batch) add(op func(*tables)) { b.ops = append(b.ops, op) }

func (b *batch) apply(t *tables) {
	for _, op := range b.ops {
		op(t)
	}
}

func (b *batch) PutMessage(seq uint64, record []byte) {
	record = slices.Clone(record)
	b.add(func(t *tables) { t.put(seq, record) })
}

func (b *batch) DropMessage(seq uint64, size int) {
	b.add(func(t *tables) {
		if len(t.messages[seq]) != size {
			panic("drop of a message that is not there, or of another size")
		}
		t.drop(seq)
	})
}

func (b *batch) DropMessages(from, to uint64) {
	b.add(func(t *tables) {
		for _, seq := range slices.Clone(t.seqs) {
			if seq >= from && seq < to {
				panic("range delete of a living message")
			}
		}
	})
}

func (b *batch) PutState(seq uint64, s *State) {
	state := *s
	b.add(func(t *tables) { t.states[seq] = state })
}

func (b *batch) DropState(seq uint64) { b.add(func(t *tables) { delete(t.states, seq) }) }

func (b *batch) PutDelayed(at int64, seq uint64) {
	b.add(func(t *tables) { t.delayed = slices.Insert(t.delayed, t.after(Due{at, seq}), Due{at, seq}) })
}

func (b *batch) DropDelayed(at int64, seq uint64) {
	b.add(func(t *tables) {
		i := slices.Index(t.delayed, Due{at, seq})
		t.delayed = slices.Delete(t.delayed, i, i+1)
	})
}

func (b *batch) SetDelayCount(second int64, n uint64) {
	b.add(func(t *tables) {
		if t.counts[second] = n; n == 0 {
			delete(t.counts, second)
		}
	})
}

func (b *batch) PutDedup(seq uint64, d *Dedup) {
	dedup := *d
	b.add(func(t *tables) { t.dedups[seq] = dedup })
}

func (b *batch) DropDedup(from, to uint64) {
	b.add(func(t *tables) {
		maps.DeleteFunc(t.dedups, func(seq uint64, _ Dedup) bool { return seq >= from && seq < to })
	})
}

func (b *batch) PutTransfer(source, seq uint64) {
	b.add(func(t *tables) { t.transfers[TransferID{source, seq}] = struct{}{} })
}

func (b *batch) DropTransfer(source, seq uint64) {
	b.add(func(t *tables) { delete(t.transfers, TransferID{source, seq}) })
}

func (b *batch) PutQueue(r *Record) {
	record := *r
	b.add(func(t *tables) { t.record, t.saved = record, true })
}

func (b *batch) Purge() {
	b.add(func(t *tables) {
		n := newTables()
		n.transfers, n.record, n.saved = t.transfers, t.record, t.saved
		*t = *n
	})
}

// disk is a log and a store in memory: batches are committed, later completed
// (durable and readable), and a crash keeps a prefix of them.
type disk struct {
	all  *tables // what was committed
	done *tables // what was completed
	safe *tables // what every crash keeps
	// open are the batches that are not completed, risky all that are not safe:
	// those, and the relaxed ones behind the last synced one.
	open, risky []*batch
	model       *model // of safe
	completed   uint64
	// replicated logs show completed batches only, the local one all.
	replicated bool
}

func (d *disk) source() *tables {
	if d.replicated {
		return d.done
	}
	return d.all
}

func (d *disk) commit(b *batch) {
	b.apply(d.all)
	d.open, d.risky = append(d.open, b), append(d.risky, b)
}

// complete makes the oldest open batch durable.
func (d *disk) complete() {
	b := d.open[0]
	d.open = d.open[1:]
	b.apply(d.done)
	d.completed = b.number
	for b.sync && len(d.risky) > 0 && d.risky[0].number <= b.number {
		d.keep()
	}
}

func (d *disk) keep() {
	d.risky[0].apply(d.safe)
	d.model = d.risky[0].model
	d.risky = d.risky[1:]
}

// crash loses all but n of the risky batches and returns the number of the last
// that was kept, and the model as it was then.
func (d *disk) crash(n int) (last uint64, m *model) {
	last = d.completed
	for _, b := range d.risky[n:] {
		last = min(last, b.number-1)
	}
	if n > 0 {
		last = max(last, d.risky[n-1].number)
	}
	for range n {
		d.keep()
	}
	d.open, d.risky = nil, nil
	d.all, d.done = d.safe.clone(), d.safe.clone()
	return last, d.model
}
