package partitiontest

import (
	"errors"
	"sync"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/store"
)

// Log is the log of one partition: the batches that were agreed on.
type Log struct {
	members *[]*Member

	mu      sync.Mutex // guards the fields below
	epoch   int
	batches [][]byte
	applied map[*Member]int
	acks    int // until one is lost; 0 for never
}

// fence begins an epoch: nothing of an earlier one is taken any more. The member's
// store has everything afterwards.
func (l *Log) fence(m *Member) partition.Log {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.epoch++
	l.apply(m)
	return &tenure{l, l.epoch, m}
}

// apply brings a member's store up to date. mu is held.
func (l *Log) apply(m *Member) {
	for ; l.applied[m] < len(l.batches); l.applied[m]++ {
		b := m.Store.NewBatch()
		err := b.SetRepr(append([]byte(nil), l.batches[l.applied[m]]...))
		if err == nil {
			err = b.Commit(false)
		}
		if err != nil {
			panic(err)
		}
	}
}

// CatchUp brings every member's store up to date.
func (l *Log) CatchUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range *l.members {
		l.apply(m)
	}
}

// LoseAck has the acknowledgement of the n-th batch from now get lost: its owner does
// not know that it was taken, and has to give up.
func (l *Log) LoseAck(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acks = n
}

// tenure is the log for one owner.
type tenure struct {
	log   *Log
	epoch int
	m     *Member
}

// Fenced implements partition.Fencer.
func (*tenure) Fenced() {}

// Depth implements partition.Pipeliner.
func (*tenure) Depth() int { return 3 }

// Append implements partition.Log.
func (t *tenure) Append(b *store.Batch, _ bool) (partition.Commit, error) {
	return &agreement{t, b, append([]byte(nil), b.Repr()...)}, nil
}

type agreement struct {
	t     *tenure
	batch *store.Batch
	repr  []byte
}

var errAckLost = errors.New("the acknowledgement was lost")

// Wait implements partition.Commit.
func (a *agreement) Wait() error {
	l := a.t.log
	l.mu.Lock()
	defer l.mu.Unlock()
	a.batch.Discard()
	if a.t.epoch != l.epoch {
		return partition.ErrNotOwner
	}
	l.batches = append(l.batches, a.repr)
	if l.acks > 0 {
		if l.acks--; l.acks == 0 {
			l.epoch++ // whatever it has on its way is lost
			return errAckLost
		}
	}
	l.apply(a.t.m)
	return nil
}
