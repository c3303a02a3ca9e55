package stream

import (
	"errors"
	"time"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/store"
	"github.com/spillway/spillway/internal/stream/core"
)

// Load implements partition.Machine: it reads the shards' states, in one pass, and no
// record.
func (m *machine) Load(r store.Reader, _ time.Time) error {
	m.locals = make(map[uint64]*local)
	m.timers, m.touched, m.orphans, m.loaded = nil, nil, nil, true
	lo, hi := store.Bounds(m.p.ID(), store.SpaceShard)
	var failed error
	err := r.Scan(lo, hi, func(key, value []byte) bool {
		_, _, parts, ok := store.SplitKey(key)
		if !ok || len(parts) != 8 {
			failed = core.ErrRecord
			return false
		}
		var state core.State
		if state, failed = core.ParseState(value); failed != nil {
			return false
		}
		s := m.engine.Shard(last(key))
		if s == nil {
			m.orphans = append(m.orphans, last(key))
			return true
		}
		m.schedule(m.newLocal(s, state))
		s.publish(&state, nil)
		return true
	})
	m.epoch.Add(1)
	return errors.Join(err, failed)
}

// recover finishes what the last owner, before a crash or a fail-over, did not. The
// catalog has been read up to a moment after this node became the owner, so a shard
// that is not declared was deleted.
func (m *machine) recover(tx *partition.Tx) {
	for _, id := range m.orphans {
		m.drop(tx, id)
	}
	for id, l := range m.locals {
		if l.handle.gone.Load() {
			m.drop(tx, id) // deleted during Load: the command for that was refused
		}
	}
	m.orphans = nil
}

// drop forgets a shard and deletes its records.
func (m *machine) drop(tx *partition.Tx, id uint64) {
	j := journal{partition: m.p.ID(), shard: id, batch: tx.Batch}
	j.dropShard()
	l := m.locals[id]
	if l == nil {
		return
	}
	l.trimmed = true
	m.schedule(l)
	delete(m.locals, id)
	for i, t := range m.touched {
		if t == l {
			m.touched = append(m.touched[:i], m.touched[i+1:]...)
			break
		}
	}
	tx.OnCommit(func(error) { m.engine.tails.drop(l.handle) })
}
