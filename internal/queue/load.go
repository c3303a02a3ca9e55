package queue

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/spillway/spillway/internal/queue/core"
	"github.com/spillway/spillway/internal/store"
)

// interrupted is what a restart found unfinished in a queue.
type interrupted struct {
	queue *Queue
	out   []core.Transfer   // to be sent again
	in    []core.TransferID // arrived, and perhaps not known to the source
}

// Load implements partition.Machine: it rebuilds the queues from the store, one
// pass over each small table. Messages are not read, except those in flight.
func (m *machine) Load(r store.Reader, now time.Time) error {
	saved, err := m.loadRecords(r)
	if err != nil {
		return err
	}
	if err := m.loadTables(r, saved); err != nil {
		return err
	}
	if err := m.loadTickets(r); err != nil {
		return err
	}
	m.tenure, m.endTenure = context.WithCancel(m.engine.mover.ctx)
	m.locals = make(map[uint64]*local, len(saved))
	m.timers, m.touched, m.orphans, m.interrupted, m.loaded = nil, nil, nil, nil, true
	for id, s := range saved {
		q := m.engine.Queue(id)
		if q == nil {
			m.orphans = append(m.orphans, id)
			continue
		}
		l := m.newLocal(q)
		l.journal.reader = r
		l.tx.Now = now.UnixMilli()
		l.core = core.Load(q.spec.Load(), m.engine.cache, s, &l.tx)
		if i := (interrupted{q, l.core.Leaving(), l.core.Transfers()}); len(i.out)+len(i.in) > 0 {
			m.interrupted = append(m.interrupted, i)
		}
		m.publish(l)
		m.schedule(l, now.UnixMilli())
	}
	return nil
}

func (m *machine) loadRecords(r store.Reader) (map[uint64]*core.Saved, error) {
	saved := make(map[uint64]*core.Saved)
	err := m.each(r, store.SpaceQueue, func(parts []byte, value []byte) error {
		record, err := core.ParseQueue(value)
		saved[part(parts, 0)] = &core.Saved{
			Record: record, States: make(map[uint64]core.State), DelayCounts: make(map[int64]uint64),
		}
		return err
	})
	return saved, err
}

// loadTables reads the tables of all queues. Records of queues without their own
// record do not exist: both are written and deleted together.
func (m *machine) loadTables(r store.Reader, saved map[uint64]*core.Saved) error {
	table := func(space store.Space, add func(s *core.Saved, parts, value []byte) error) error {
		return m.each(r, space, func(parts, value []byte) error {
			if s := saved[part(parts, 0)]; s != nil {
				return add(s, parts, value)
			}
			return nil
		})
	}
	if err := table(store.SpaceState, func(s *core.Saved, parts, value []byte) (err error) {
		s.States[part(parts, 1)], err = core.ParseState(value)
		return err
	}); err != nil {
		return err
	}
	if err := table(store.SpaceDelayCount, func(s *core.Saved, parts, value []byte) error {
		if len(value) != 8 {
			return core.ErrRecord
		}
		s.DelayCounts[int64(part(parts, 1))] = binary.BigEndian.Uint64(value)
		return nil
	}); err != nil {
		return err
	}
	if err := table(store.SpaceDedup, func(s *core.Saved, parts, value []byte) error {
		d, err := core.ParseDedup(value)
		s.Dedups = append(s.Dedups, core.SavedDedup{Seq: part(parts, 1), Dedup: d})
		return err
	}); err != nil {
		return err
	}
	return table(store.SpaceTransfer, func(s *core.Saved, parts, _ []byte) error {
		s.Transfers = append(s.Transfers, core.TransferID{Source: part(parts, 1), Seq: part(parts, 2)})
		return nil
	})
}

// each calls f for every record of a space; parts is the key without its header.
func (m *machine) each(r store.Reader, space store.Space, f func(parts, value []byte) error) error {
	lo, hi := store.Bounds(m.p.ID(), space)
	var failed error
	err := r.Scan(lo, hi, func(key, value []byte) bool {
		_, _, parts, ok := store.SplitKey(key)
		if !ok || len(parts) < 8 || len(parts)%8 != 0 {
			failed = core.ErrRecord
		} else {
			failed = f(parts, value)
		}
		return failed == nil
	})
	if failed != nil {
		return failed
	}
	return err
}

// part is the i-th number of a key.
func part(parts []byte, i int) uint64 {
	if len(parts) < 8*(i+1) {
		return 0
	}
	return binary.BigEndian.Uint64(parts[8*i:])
}
