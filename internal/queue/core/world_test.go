package core

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// chooser decides what a test does next: at random, or drawn by rapid.
type chooser func(n int) int

// kind is what a world is about.
type kind struct {
	fifo       bool
	groups     int
	replicated bool
	delays     bool
	old        bool // arrivals bring their age with them
	lim        limits
}

// world drives a queue and a model of it through the same operations.
type world struct {
	kind
	choose  chooser
	now     int64
	queue   *Queue
	cache   *Cache
	model   *model
	disk    *disk
	batch   *batch
	tx      Tx
	number  uint64
	ids     uint64
	handles []handle
	leaving []underway // transfers under way, oldest first
	emitted []Transfer
	history []string
	fail    func(format string, args ...any)
	steps   int
}

type handle struct {
	seq        uint64
	generation uint32
	batch      uint64 // the handle is known only once it is durable; 0 for at once
}

type underway struct {
	seq   uint64
	batch uint64
}

const second0 = 1_700_000_000_000

func newWorld(k kind, choose chooser, fail func(string, ...any)) *world {
	w := &world{kind: k, choose: choose, fail: fail, now: second0 + int64(choose(1000)), cache: NewCache(4000)}
	spec := Spec{FIFO: k.fifo, Lease: 30_000, Retention: 3_000_000, MaxInFlight: 1000}
	if k.delays && k.fifo {
		spec.Delay = 2500
	}
	w.model = newModel(spec)
	w.queue = newQueue(&spec, w.cache, k.lim)
	w.disk = &disk{all: newTables(), done: newTables(), safe: newTables(), model: w.model.clone(), replicated: k.replicated}
	w.tx.Transfer = func(t Transfer) {
		w.emitted = append(w.emitted, t)
		w.leaving = append(w.leaving, underway{t.Seq, w.number})
		w.batch.sync = true
	}
	return w
}

func (w *world) note(format string, args ...any) {
	w.history = append(w.history, fmt.Sprintf(format, args...))
	if len(w.history) > 300 {
		w.history = slices.Delete(w.history, 0, 200)
	}
}

func (w *world) check(ok bool, format string, args ...any) {
	if !ok {
		q := w.queue
		for n, g := range q.groups {
			w.note("group %q: listed %v, %d out, %d fresh, %d refs, pos %d", n, g.listed, len(g.out), g.fresh.len(), g.refs, g.pos)
			for _, e := range g.out {
				w.note("  out %d %d", short(e.seq), e.status)
			}
		}
		w.fail("%s\nafter:\n%s\nwaiting %d order %d young %d tracked %d pending %d loadedTo %d of %d ripe %d items %d partial %v next %d sweep %d now %d", fmt.Sprintf(format, args...), strings.Join(w.history, "\n"),
			q.waiting, q.order.len(), q.young.len(), len(q.tracked), len(q.pending), short(q.loadedTo), short(q.next), q.delayed.ripe, q.delayed.items.len(), q.delayed.partial, q.Next()-second0, q.nextSweep-second0, w.now-second0)
		panic("fail returned")
	}
}

// begin starts a batch; it is called by the operations.
func (w *world) begin() {
	if w.batch == nil {
		w.number++
		w.batch = &batch{number: w.number}
		w.tx.Journal = w.batch
		w.note("batch %d at %d", w.number, w.now-second0)
	}
	w.tx.Now, w.tx.Batch, w.tx.Completed = w.now, w.number, w.disk.completed
	w.tx.Source = w.disk.source()
}

// end closes the batch as the shell does.
func (w *world) end() {
	w.begin()
	w.queue.Advance(&w.tx)
	w.queue.Record(&w.tx)
	w.disk.commit(w.batch)
	w.batch = nil
	// What has expired may be dropped at any time from now on.
	for _, s := range slices.Clone(w.model.msgs) {
		if _, ok := w.disk.all.messages[s.seq]; !ok && w.model.expired(s, w.now) {
			w.note("expired %d", s.seq-firstSequence)
			w.model.drop(s)
		}
	}
	w.disk.risky[len(w.disk.risky)-1].model = w.model.clone()
}

// settle lets time do what it demands now, as the partition's timers would.
func (w *world) settle() {
	for range len(w.model.msgs) + 100 {
		w.end()
		if next := w.queue.Next(); next == 0 || next > w.now {
			return
		}
	}
	w.check(false, "busy: Next is %d at %d", w.queue.Next()-second0, w.now-second0)
}

func (w *world) step() {
	w.steps++
	switch n := w.choose(100); {
	case n < 27:
		w.enqueue()
	case n < 54:
		w.lease()
	case n < 70:
		w.accept()
	case n < 78:
		w.extend()
	case n < 80:
		w.move()
	case n < 84:
		w.arrive()
	case n < 89:
		w.resolve()
	case n < 90:
		if w.choose(8) == 0 {
			w.purge()
		}
	case n < 92:
		w.respec()
	case n < 98:
		w.pass()
		return
	default:
		if w.choose(4) == 0 {
			w.restart(w.choose(3) > 0)
			return
		}
	}
	if w.batch != nil && w.choose(3) == 0 {
		w.end()
		w.compare()
	}
	for len(w.disk.open) > w.choose(5) {
		w.disk.complete()
	}
}

// pass lets some time go by.
func (w *world) pass() {
	if w.batch != nil {
		w.end()
	}
	w.now += [...]int64{1, 10, 100, 999, 1000, 3000, 31_000, 31_000, 200_000, 301_000}[w.choose(10)]
	if w.choose(60) == 0 {
		w.now += 1_600_000
	}
	w.settle()
	w.compare()
	if w.old {
		return
	}
	for _, s := range w.model.msgs {
		if w.queue.delayed.ripe >= w.lim.delayWindow {
			break // some of the delay lane are not looked at yet
		}
		w.check(!w.model.expired(s, w.now) || w.model.delayed(s, w.now), "%d has expired and is still there", s.seq-firstSequence)
	}
}

// restart rebuilds the queue from the disk, after a crash or not.
func (w *world) restart(crash bool) {
	if w.batch != nil {
		w.end()
	}
	n := len(w.disk.risky)
	if crash {
		n = w.choose(n + 1)
	}
	last, m := w.disk.crash(n)
	w.note("restart: %d batches lost of %d, last is %d", len(w.disk.risky), w.number, last)
	w.model = m.clone()
	w.handles = slices.DeleteFunc(w.handles, func(h handle) bool { return h.batch > last })
	w.queue.Release()
	w.check(w.cache.Used() == 0, "the cache leaks %d bytes", w.cache.Used())
	// Numbers start again.
	w.number, w.disk.completed = 0, 0
	for i := range w.handles {
		w.handles[i].batch = 0
	}
	for _, s := range w.model.msgs {
		s.batch = 0
	}
	spec := w.model.spec
	if !w.disk.all.saved {
		w.queue = newQueue(&spec, w.cache, w.lim)
	} else {
		w.begin()
		w.queue = load(&spec, w.cache, w.disk.all.load(), &w.tx, w.lim)
	}
	w.leaving = nil
	for _, t := range w.queue.Leaving() {
		s := w.model.find(t.Seq)
		w.check(s != nil && s.leaving == t.Target, "%d leaves after the restart", t.Seq-firstSequence)
		w.leaving = append(w.leaving, underway{t.Seq, 0})
	}
	for _, s := range w.model.msgs {
		w.check(s.leaving == 0 || slices.ContainsFunc(w.leaving, func(l underway) bool { return l.seq == s.seq }), "transfer of %d forgotten", s.seq-firstSequence)
	}
	w.settle()
	w.compare()
}

// compare checks what can be said at the end of a batch.
func (w *world) compare() {
	w.check(int(w.queue.total) == len(w.model.msgs), "total %d, want %d", w.queue.total, len(w.model.msgs))
	got, want := w.queue.Counters(), w.model.counters(w.now)
	got.Oldest = 0
	if w.queue.delayed.ripe >= w.lim.delayWindow || w.fifo && w.queue.loadedTo < w.queue.next { // then delays are not exact
		got.Visible, got.Delayed, want.Visible, want.Delayed = got.Visible+got.Delayed, 0, want.Visible+want.Delayed, 0
	}
	w.check(got == want, "counters %+v, want %+v", got, want)
	if at := w.model.nextEvent(w.now); at != 0 {
		next := w.queue.Next()
		w.check(next != 0 && next <= at || w.queue.delayed.ripe >= w.lim.delayWindow || w.queue.loadedTo < w.queue.next && w.fifo, "next event at %d, Next says %d", at-second0, next-second0)
	}
	w.check(w.cache.Used() >= 0 && w.cache.Used() <= 4000, "cache %d", w.cache.Used())
	if w.steps%16 == 0 {
		w.compareDisk()
	}
}

// compareDisk checks what a restart would find.
func (w *world) compareDisk() {
	t := w.disk.all
	w.check(len(t.seqs) == len(w.model.msgs), "%d messages on disk, want %d", len(t.seqs), len(w.model.msgs))
	counts := map[int64]uint64{}
	for i, s := range w.model.msgs {
		w.check(t.seqs[i] == s.seq, "message %d on disk, want %d", t.seqs[i]-firstSequence, s.seq-firstSequence)
		state, ok := t.states[s.seq]
		w.check(ok == !s.fresh, "message %d has a state: %v", s.seq-firstSequence, ok)
		if ok {
			w.check(state.Acquired == s.acquired && state.Generation == s.generation && state.Leaving == s.leaving &&
				(s.deadline <= w.now || state.Deadline == s.deadline), "state %+v of %+v", state, s)
		}
		if s.fresh && s.due != 0 {
			counts[DueSecond(s.due)]++
			_, found := slices.BinarySearchFunc(t.delayed, Due{s.due, s.seq}, func(a, b Due) int {
				if a.before(b) {
					return -1
				} else if b.before(a) {
					return 1
				}
				return 0
			})
			w.check(found, "delayed message %d is not in the lane", s.seq-firstSequence)
		}
	}
	n := uint64(0)
	for s, c := range counts {
		n += c
		w.check(t.counts[s] == c, "delay count %d, want %d", t.counts[s], c)
	}
	w.check(len(t.counts) == len(counts) && len(t.delayed) == int(n), "delay lane has others")
	w.check(!t.saved || t.record.Next == w.queue.next && t.record.Total == uint64(len(t.seqs)), "record %+v", t.record)
	for id := range w.model.transfers {
		_, ok := t.transfers[id]
		w.check(ok, "transfer %v is not remembered", id)
	}
	w.check(len(t.transfers) == len(w.model.transfers), "transfers")
}

// drain lets everything expire and looks for what is left.
func (w *world) drain() {
	for len(w.leaving) > 0 {
		w.resolve()
	}
	w.end()
	w.now += 10 * w.model.spec.Retention
	w.settle()
	w.now += 10 * w.model.spec.Retention
	w.settle()
	w.check(len(w.model.msgs) == 0, "%d messages never expire", len(w.model.msgs))
	w.compare()
	w.compareDisk()
	w.check(w.cache.Used() == 0, "the cache leaks %d bytes", w.cache.Used())
	for len(w.disk.open) > 0 {
		w.disk.complete()
	}
	w.settle()
	t := w.disk.all
	w.check(len(t.states)+len(t.delayed)+len(t.counts)+len(t.dedups) == 0, "tables are left: %d %d %d %d", len(t.states), len(t.delayed), len(t.counts), len(t.dedups))
	q := w.queue
	held := len(q.tracked) + q.waiting + q.ages.len() + q.deadlines.len() + q.delayed.items.len() + q.dedup.order.len()
	w.check(held == 0, "memory is held: %d tracked, %d waiting, %d ages", len(q.tracked), q.waiting, q.ages.len())
}

func (w *world) newID() (id ID) {
	w.ids++
	binary.BigEndian.PutUint64(id[:], w.ids)
	return id
}
