package stream

import (
	"context"
	"errors"
	"time"

	"github.com/spillway/spillway/internal/partition"
)

// Closed is how a shard ended.
type Closed struct {
	Last uint64 // sequence of its last record ever, 0 if it never had one
	Time int64  // when it was closed, unix ms: not before its last record
}

// Close has the shard take no more records, for ever: every append that is not yet
// acknowledged may still be stored before that, each later one gets ErrClosed, on
// every node. The result is final, and durable on return; closing again returns it
// again. Records can be read until they expire. Waits at the end get ErrClosed.
//
// So who replaces a shard by others closes it first, and lets the others take records
// when Close has returned.
func (s *Shard) Close(ctx context.Context) (Closed, error) {
	out, err := s.closeHere()
	if s.elsewhere(err) {
		return s.closeElsewhere(ctx)
	}
	return out, err
}

func (s *Shard) closeHere() (Closed, error) {
	c := &closeCommand{Call: partition.NewCall(), s: s}
	s.m.p.Submit(c)
	err := c.Wait()
	return c.out, err
}

type closeCommand struct {
	partition.Call
	s   *Shard
	out Closed
}

// Run implements partition.Command.
func (c *closeCommand) Run(tx *partition.Tx) {
	m := c.s.m
	l := m.local(c.s)
	if l == nil {
		c.Err = ErrNoShard
		return
	}
	l.core.Close(m.begin(tx, l))
	c.out = Closed{Last: l.core.Next - 1, Time: l.core.ClosedAt}
}

// hideCommand hides what the retention before a change, or after it, does not show, so
// that it stays hidden when the retention grows before it is trimmed.
type hideCommand struct {
	s         *Shard
	retention int64
}

// Run implements partition.Command.
func (c *hideCommand) Run(tx *partition.Tx) {
	tx.Relax()
	m := c.s.m
	if l := m.locals[c.s.id]; l != nil {
		m.begin(tx, l)
		l.core.Hide(tx.NowMillis - c.retention)
		m.schedule(l)
	}
}

// Done implements partition.Command. Where nothing is loaded, the new spec will be.
func (c *hideCommand) Done(err error) { c.s.m.again(c, err) }

// dropCommand deletes a shard that the engine does not know any more.
type dropCommand struct{ s *Shard }

// Run implements partition.Command.
func (c *dropCommand) Run(tx *partition.Tx) { c.s.m.drop(tx, c.s.id) }

// Done implements partition.Command. If it failed, the next start finds the rest.
func (c *dropCommand) Done(err error) { c.s.m.again(c, err) }

// again submits a command that nobody waits for once more, in a while, if the partition
// was too busy for it.
func (m *machine) again(c partition.Command, err error) {
	if !errors.Is(err, partition.ErrBusy) {
		return
	}
	m.engine.spawn(func() {
		select {
		case <-m.engine.quit:
		case <-time.After(busyRetry):
			m.p.Submit(c)
		}
	})
}

// busyRetry is the pause before a command that the partition was too busy for.
const busyRetry = time.Second
