package queue

import (
	"errors"
	"sync"
	"time"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/queue/core"
	"github.com/spillway/spillway/internal/store"
)

// moveRetry is the pause before a busy partition, or a full disk, is tried again.
const moveRetry = 100 * time.Millisecond

// mover takes transfers through their steps. The steps themselves are commands
// of the two partitions; the mover's goroutine only reads records and submits.
type mover struct {
	engine *Engine
	notify chan struct{} // 1 slot: there are moves
	busy   chan struct{} // 1 slot: there are moves to be tried again after a pause
	quit   chan struct{}
	ended  sync.WaitGroup

	mu     sync.Mutex // guards the fields below
	moves  []*move
	closed bool
}

// move is one transfer on its way.
type move struct {
	source *Queue
	core.Transfer
	wait *moveWait // nil when nobody waits
}

func newMover(e *Engine) *mover {
	return &mover{engine: e, notify: make(chan struct{}, 1), busy: make(chan struct{}, 1), quit: make(chan struct{})}
}

func (v *mover) start() { v.ended.Go(v.run) }

func (v *mover) close() {
	close(v.quit)
	v.ended.Wait()
	v.mu.Lock()
	v.closed = true
	moves := v.moves
	v.moves = nil
	v.mu.Unlock()
	for _, mv := range moves {
		mv.end()
	}
}

// add hands a transfer over, durably marked at its source. It does not block.
func (v *mover) add(mv *move) { v.queue(v.notify, mv) }

// again is add for what a partition refused: it is tried after a pause.
func (v *mover) again(moves ...*move) { v.queue(v.busy, moves...) }

func (v *mover) queue(signal chan struct{}, moves ...*move) {
	v.mu.Lock()
	closed := v.closed
	if !closed {
		v.moves = append(v.moves, moves...)
	}
	v.mu.Unlock()
	if closed {
		for _, mv := range moves {
			mv.end() // the next start takes it up again
		}
		return
	}
	select {
	case signal <- struct{}{}:
	default:
	}
}

// end tells who waits for the transfer that it is over, one way or another.
func (mv *move) end() {
	if mv.wait != nil {
		mv.wait.done()
	}
}

func (v *mover) run() {
	retry := time.NewTimer(time.Hour)
	defer retry.Stop()
	for {
		select {
		case <-v.quit:
			return
		case <-v.busy:
			retry.Reset(moveRetry)
			continue
		case <-v.notify:
		case <-retry.C:
		}
		v.mu.Lock()
		moves := v.moves
		v.moves = nil
		v.mu.Unlock()
		var later []*move
		var reason error
		for _, mv := range moves {
			switch err := v.send(mv); {
			case errors.Is(err, core.ErrRecord):
				v.engine.logger.Error("a message cannot be moved: run a check of the data folder", "queue", mv.source.id, "sequence", mv.Seq, "error", err)
				mv.end()
			case err != nil:
				later, reason = append(later, mv), err
			}
		}
		if len(later) > 0 {
			v.engine.logger.Warn("messages cannot be moved yet", "messages", len(later), "error", reason)
			v.again(later...)
		}
	}
}

// send submits the transfer to its target.
func (v *mover) send(mv *move) error {
	if mv.Record == nil {
		key := store.AppendKey(nil, mv.source.m.p.ID(), store.SpaceMessage, mv.source.id, mv.Seq)
		record, ok, err := v.engine.store.Get(key)
		if err != nil {
			return err
		}
		if !ok {
			v.settle(mv, true) // purged on the way
			return nil
		}
		mv.Record = record
	}
	m, err := core.ParseRecord(mv.Record)
	if err != nil {
		return err
	}
	target := v.engine.Queue(mv.Target)
	if target == nil {
		v.settle(mv, false)
		return nil
	}
	if target.m.p.Full() {
		return partition.ErrDiskFull
	}
	target.m.p.Submit(&arriveCommand{v: v, mv: mv, target: target, in: mv.arrival(m, target)})
	return nil
}

// arrival is the message as the target stores it.
func (mv *move) arrival(m Message, target *Queue) Enqueue {
	m.DueAt = 0
	if mv.State.Fresh {
		m.ID, m.SentAt, m.Prior, m.FirstAcquired, m.Origin, m.RetainFrom = NewID(), 0, 0, 0, 0, 0
	} else {
		m.Prior += mv.State.Acquired
		if m.FirstAcquired == 0 {
			m.FirstAcquired = mv.State.FirstAcquired
		}
		m.Origin = mv.source.id
		if target.spec.Load().FIFO {
			// AWS: a FIFO dead-letter queue starts the retention period anew.
			m.RetainFrom = time.Now().UnixMilli()
		}
	}
	return Enqueue{Message: m, From: core.TransferID{Source: mv.source.id, Seq: mv.Seq}}
}

// arriveCommand stores the message in the target.
type arriveCommand struct {
	v       *mover
	mv      *move
	target  *Queue
	in      Enqueue
	refused bool
}

// Run implements partition.Command.
func (c *arriveCommand) Run(tx *partition.Tx) {
	l := c.target.m.local(c.target)
	if l == nil {
		c.refused = true
		return
	}
	l.core.Enqueue(c.target.m.begin(tx, l), &c.in)
}

// Done implements partition.Command. When the target's partition has stopped,
// the transfer is taken up again after the restart.
func (c *arriveCommand) Done(err error) {
	switch {
	case errors.Is(err, partition.ErrBusy):
		c.v.again(c.mv)
	case err != nil:
		c.mv.end()
	default:
		c.v.settle(c.mv, !c.refused)
	}
}

// settle tells the source how a transfer ended.
func (v *mover) settle(mv *move, arrived bool) {
	mv.source.m.p.Submit(&departCommand{v: v, mv: mv, arrived: arrived})
}

// departCommand deletes the message from the source, or makes it visible again.
type departCommand struct {
	v       *mover
	mv      *move
	arrived bool
}

// Run implements partition.Command.
func (c *departCommand) Run(tx *partition.Tx) {
	l := c.mv.source.m.local(c.mv.source)
	if l == nil {
		return
	}
	ctx := c.mv.source.m.begin(tx, l)
	if c.arrived {
		l.core.Arrived(ctx, c.mv.Seq)
	} else {
		l.core.Refused(ctx, c.mv.Seq)
	}
}

// Done implements partition.Command.
func (c *departCommand) Done(err error) {
	if errors.Is(err, partition.ErrBusy) {
		c.v.again(c.mv) // from the start: the target knows it already
		return
	}
	c.mv.end()
	if target := c.v.engine.Queue(c.mv.Target); err == nil && c.arrived && target != nil {
		target.m.p.Submit(&forgetCommand{target: target, id: core.TransferID{Source: c.mv.source.id, Seq: c.mv.Seq}})
	}
}

// forgetCommand drops the target's memory of a transfer. If it is lost, the next
// start asks the source.
type forgetCommand struct {
	target *Queue
	id     core.TransferID
}

// Run implements partition.Command.
func (c *forgetCommand) Run(tx *partition.Tx) {
	tx.Relax()
	if l := c.target.m.local(c.target); l != nil {
		l.core.Forget(c.target.m.begin(tx, l), c.id)
	}
}

// Done implements partition.Command.
func (c *forgetCommand) Done(error) {}

// resolve finds out, after a restart, whether a transfer that arrived at target
// is over, and has it forgotten then.
func (v *mover) resolve(target *Queue, id core.TransferID) {
	source := v.engine.Queue(id.Source)
	if source == nil {
		target.m.p.Submit(&forgetCommand{target: target, id: id})
		return
	}
	source.m.p.Submit(&resolveCommand{source: source, forget: forgetCommand{target: target, id: id}})
}

type resolveCommand struct {
	source *Queue
	forget forgetCommand
	over   bool
}

// Run implements partition.Command.
func (c *resolveCommand) Run(tx *partition.Tx) {
	l := c.source.m.local(c.source)
	c.over = l == nil || !l.core.IsLeaving(c.forget.id.Seq)
}

// Done implements partition.Command.
func (c *resolveCommand) Done(err error) {
	if err == nil && c.over {
		c.forget.target.m.p.Submit(&c.forget)
	}
}
