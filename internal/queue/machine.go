package queue

import (
	"container/heap"
	"container/list"
	"context"
	"time"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/queue/core"
)

// machine is the queues of one partition, in memory. Only the partition's
// goroutine touches it.
type machine struct {
	engine *Engine
	p      *partition.Partition
	locals map[uint64]*local
	// orphans were found at Load without being declared: deleted just before a
	// crash.
	orphans []uint64
	timers  timers
	touched []*local // by commands of the present batch
	// arrivals and departures that were under way at Load.
	interrupted []interrupted
	loaded      bool // and not advanced since

	// As the source and target of transfers in a cluster, see mover.
	sender     *sender
	generation uint64
	announced  bool // the generation was written
	floors     map[uint16]ticket
	// tenure ends with the ownership.
	tenure    context.Context
	endTenure context.CancelFunc
}

// local is one queue in the partition's memory.
type local struct {
	handle  *Queue
	core    *core.Queue
	waiters list.List // of *leaseCommand, longest waiting first

	touched bool
	next    int64 // unix ms, 0 for never
	pos     int   // in timers, -1

	tx      core.Tx
	now     *partition.Tx // of the call under way
	journal journal
	moves   *moveWait // of the command that runs, if it waits for its transfers
}

func newMachine(e *Engine, p *partition.Partition) *machine {
	m := &machine{engine: e, p: p, locals: make(map[uint64]*local), endTenure: func() {}}
	m.sender = &sender{mover: e.mover, partition: p.ID()}
	e.machines[p.ID()] = m
	return m
}

// local returns the queue in memory; nil if it was deleted.
func (m *machine) local(q *Queue) *local {
	if l := m.locals[q.id]; l != nil {
		return l
	}
	if q.gone.Load() {
		return nil
	}
	l := m.newLocal(q)
	l.core = core.New(q.spec.Load(), m.engine.cache)
	return l
}

func (m *machine) newLocal(q *Queue) *local {
	l := &local{handle: q, pos: -1}
	l.journal = journal{partition: m.p.ID(), queue: q.id, reader: m.engine.store}
	l.tx.Journal, l.tx.Source = &l.journal, &l.journal
	l.tx.Transfer = l.depart
	m.locals[q.id] = l
	q.inUse.Store(true)
	return l
}

// begin prepares a call into core as part of tx, and notes that the queue may
// have changed.
func (m *machine) begin(tx *partition.Tx, l *local) *core.Tx {
	if !l.touched {
		l.touched = true
		m.touched = append(m.touched, l)
	}
	l.core.SetSpec(l.handle.spec.Load())
	l.journal.batch = tx.Batch
	l.tx.Now, l.tx.Batch, l.tx.Completed = tx.NowMillis, tx.Number(), tx.Completed()
	l.now = tx
	return &l.tx
}

// Advance implements partition.Machine: it completes the batch's commands, and
// does what time demands.
func (m *machine) Advance(tx *partition.Tx) time.Time {
	if m.loaded {
		m.loaded = false
		m.recover(tx)
	}
	for m.timers.Len() > 0 && m.timers[0].next <= tx.NowMillis {
		l := m.timers[0]
		m.schedule(l, 0)
		m.begin(tx, l)
	}
	for _, l := range m.touched {
		ctx := m.begin(tx, l)
		l.core.Advance(ctx)
		m.serve(tx, l)
		l.core.Record(ctx)
		m.publish(l)
		m.schedule(l, l.core.Next())
		l.touched = false
	}
	clear(m.touched)
	m.touched = m.touched[:0]
	if m.timers.Len() == 0 {
		return time.Time{}
	}
	return time.UnixMilli(m.timers[0].next)
}

// Unload implements partition.Machine: it ends the leases that wait.
func (m *machine) Unload(err error) {
	m.endTenure()
	m.sender.end()
	for _, l := range m.locals {
		for l.waiters.Len() > 0 {
			c := l.waiters.Remove(l.waiters.Front()).(*leaseCommand)
			c.waiting = nil
			c.finish(err)
		}
		l.core.Release()
		l.handle.inUse.Store(false)
		l.handle.publish(Counters{}) // some may never have become durable
	}
	m.locals = make(map[uint64]*local)
	m.timers, m.touched, m.orphans, m.interrupted, m.loaded = nil, nil, nil, nil, false
}

// publish makes the counters visible to other goroutines.
func (m *machine) publish(l *local) {
	l.handle.publish(l.core.Counters())
	l.handle.stats.expired.Store(l.core.Expired())
}

// schedule has Advance look at the queue at a time (unix ms), 0 for never.
func (m *machine) schedule(l *local, next int64) {
	switch {
	case next == l.next && (next == 0) == (l.pos < 0):
	case next == 0:
		heap.Remove(&m.timers, l.pos)
	case l.pos < 0:
		l.next = next
		heap.Push(&m.timers, l)
	default:
		l.next = next
		heap.Fix(&m.timers, l.pos)
	}
	l.next = next
}

// drop forgets a queue and deletes its records.
func (m *machine) drop(tx *partition.Tx, id uint64) {
	j := journal{partition: m.p.ID(), queue: id, batch: tx.Batch}
	j.dropQueue()
	l := m.locals[id]
	if l == nil {
		return
	}
	for l.waiters.Len() > 0 {
		c := l.waiters.Remove(l.waiters.Front()).(*leaseCommand)
		c.waiting = nil
		c.finish(ErrNoQueue)
	}
	m.schedule(l, 0)
	l.core.Release()
	delete(m.locals, id)
	for i, t := range m.touched {
		if t == l {
			m.touched = append(m.touched[:i], m.touched[i+1:]...)
			break
		}
	}
}

// timers is a heap of queues by the time they want to be looked at.
type timers []*local

func (t timers) Len() int           { return len(t) }
func (t timers) Less(i, j int) bool { return t[i].next < t[j].next }
func (t timers) Swap(i, j int) {
	t[i], t[j] = t[j], t[i]
	t[i].pos, t[j].pos = i, j
}

// Push implements heap.Interface.
func (t *timers) Push(x any) {
	l := x.(*local)
	l.pos = len(*t)
	*t = append(*t, l)
}

// Pop implements heap.Interface.
func (t *timers) Pop() any {
	old := *t
	l := old[len(old)-1]
	old[len(old)-1] = nil
	*t = old[:len(old)-1]
	l.pos = -1
	return l
}

var _ partition.Machine = (*machine)(nil)
