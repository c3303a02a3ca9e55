package stream

import (
	"container/heap"
	"math"
	"sync/atomic"
	"time"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/stream/core"
)

// machine is the shards of one partition, in memory. Only the partition's goroutine
// touches it, except for what says otherwise.
type machine struct {
	engine *Engine
	p      *partition.Partition
	locals map[uint64]*local
	// orphans were found at Load without being declared: deleted just before a crash.
	orphans []uint64
	timers  timers
	touched []*local // by commands of the present batch
	loaded  bool     // and not advanced since
	trims   trims

	// epoch changes whenever the shards' published states are not to be believed: at
	// the beginning and the end of an ownership. Any goroutine reads it.
	epoch atomic.Uint64

	journal journal
	tx      core.Tx
}

// local is a shard that something is stored of, in the partition's memory.
type local struct {
	handle  *Shard
	core    core.Shard
	due     int64 // when to look for what has expired, unix ms; 0 for never
	pos     int32 // in timers, -1
	touched bool
	trimmed bool // the search for what has expired is under way
}

func newMachine(e *Engine, p *partition.Partition) *machine {
	m := &machine{engine: e, p: p, locals: make(map[uint64]*local)}
	m.journal.partition = p.ID()
	m.tx.Journal = &m.journal
	e.machines[p.ID()] = m
	return m
}

// local returns the shard in memory; nil if it was deleted.
func (m *machine) local(s *Shard) *local {
	if l := m.locals[s.id]; l != nil {
		return l
	}
	if s.gone.Load() {
		return nil
	}
	return m.newLocal(s, core.NewState())
}

func (m *machine) newLocal(s *Shard, state core.State) *local {
	l := &local{handle: s, core: core.Shard{State: state}, pos: -1}
	m.locals[s.id] = l
	return l
}

// begin prepares a call into core as part of tx, and notes that the shard may have
// changed.
func (m *machine) begin(tx *partition.Tx, l *local) *core.Tx {
	if !l.touched {
		l.touched = true
		m.touched = append(m.touched, l)
	}
	m.journal.batch, m.journal.shard = tx.Batch, l.handle.id
	m.tx.Now = tx.NowMillis
	return &m.tx
}

// Advance implements partition.Machine: it stores what the batch changed, and has those looked at whose oldest records expire.
func (m *machine) Advance(tx *partition.Tx) time.Time {
	if m.loaded {
		m.loaded = false
		m.recover(tx)
	}
	if len(m.touched) > 0 {
		m.record(tx)
	}
	for len(m.timers) > 0 && m.timers[0].due <= tx.NowMillis {
		l := m.timers[0]
		l.trimmed = true
		m.schedule(l)
		m.trims.add(m, expiry{l.handle, l.core.Cutoff(tx.NowMillis, l.handle.retention.Load())})
	}
	if len(m.timers) == 0 {
		return time.Time{}
	}
	return time.UnixMilli(m.timers[0].due)
}

// record stores what changed, and has it published when it is durable.
func (m *machine) record(tx *partition.Tx) {
	p := newPublication(m.engine)
	m.journal.large = m.largeFrom()
	for i, l := range m.touched {
		ctx := m.begin(tx, l)
		if l.core.Record(ctx) {
			p.changes = append(p.changes, change{l.handle, l.core.State, m.journal.fresh})
			m.journal.fresh = nil
			m.schedule(l)
		}
		l.touched = false
		m.touched[i] = nil
	}
	m.touched = m.touched[:0]
	if len(p.changes) == 0 {
		p.free()
		return
	}
	tx.OnCommit(p.commit)
}

// largeFrom is the size from which on chunks of the batch are stored apart from their keys.
func (m *machine) largeFrom() int {
	n := 0
	for _, l := range m.touched {
		n += l.core.Pending()
	}
	if n < m.engine.largeBatch {
		return math.MaxInt
	}
	return min(largeChunk, m.engine.largeBatch)
}

// Unload implements partition.Machine.
func (m *machine) Unload(error) {
	m.epoch.Add(1)
	m.trims.forget()
	for _, l := range m.locals {
		l.handle.reset()
	}
	m.locals = make(map[uint64]*local)
	m.timers, m.touched, m.orphans, m.loaded = nil, nil, nil, false
}

// schedule has Advance look at the shard when something in it may have expired.
func (m *machine) schedule(l *local) {
	retention := l.handle.retention.Load()
	due := l.core.Due(retention)
	switch {
	case due == 0 || l.trimmed:
		due = 0
	default:
		due += trimSpacing(retention)
	}
	switch {
	case due == l.due:
	case due == 0:
		heap.Remove(&m.timers, int(l.pos))
	case l.due == 0:
		l.due = due
		heap.Push(&m.timers, l)
	default:
		l.due = due
		heap.Fix(&m.timers, int(l.pos))
	}
	l.due = due
}

// timers is a heap of shards by the time they want to be looked at.
type timers []*local

func (t timers) Len() int           { return len(t) }
func (t timers) Less(i, j int) bool { return t[i].due < t[j].due }
func (t timers) Swap(i, j int) {
	t[i], t[j] = t[j], t[i]
	t[i].pos, t[j].pos = int32(i), int32(j)
}

// Push implements heap.Interface.
func (t *timers) Push(x any) {
	l := x.(*local)
	l.pos = int32(len(*t))
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
