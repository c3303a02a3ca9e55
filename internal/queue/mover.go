package queue

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/queue/core"
	"github.com/spillway/spillway/internal/store"
)

// moveRetry is the pause before a busy partition, or a full disk, is tried again.
const moveRetry = 100 * time.Millisecond

// mover takes transfers through their steps. The steps themselves are commands of
// the two partitions; the mover's goroutine only reads records and submits. On a
// cluster the source's owner drives: it does its own steps here, and the target's at
// the target's owner.
//
// # Once and only once
//
// The target remembers a transfer's id from its arrival until it is told to forget
// it, so an arrival may be sent any number of times before that. The source's owner
// has it forgotten after the departure is durable; from then on no owner of the
// source sends it again, since the message that it would send is gone there. What is
// left is an arrival that was sent before and is late: from a call that ended without
// an answer, or from an owner that died. So on a cluster nothing is forgotten before
// forgetAfter, which is longer than a message between two nodes can be on its way:
// both ends of a connection give it up long before.
//
// A step whose partition moved to another node is dropped here. The new owner of a
// source sends what is marked as leaving again, and that of a target asks the sources
// of what it remembers.
type mover struct {
	engine *Engine
	notify chan struct{}   // 1 slot: there are moves
	busy   chan struct{}   // 1 slot: there are moves to be tried again after a pause
	ctx    context.Context // ends with close
	quit   context.CancelFunc
	ended  sync.WaitGroup
	calls  chan struct{} // as many slots as calls to other nodes may be under way

	mu     sync.Mutex // guards the fields below
	moves  []*move
	later  []later // in the order in which they are due
	closed bool
}

// forgetAfter is how long a target on a cluster remembers a transfer that is over.
const forgetAfter = time.Minute

// maxMoveCalls bounds the transfers that are on their way to other nodes.
const maxMoveCalls = 64

// later is something to be done at a time.
type later struct {
	at time.Time
	do func()
}

// move is one transfer on its way.
type move struct {
	source *Queue
	core.Transfer
	wait *moveWait // nil when nobody waits
}

func newMover(e *Engine) *mover {
	v := &mover{engine: e, notify: make(chan struct{}, 1), busy: make(chan struct{}, 1), calls: make(chan struct{}, maxMoveCalls)}
	v.ctx, v.quit = context.WithCancel(context.Background())
	return v
}

func (v *mover) start() { v.ended.Go(v.run) }

func (v *mover) close() {
	v.quit()
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
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-v.ctx.Done():
			return
		case now := <-tick.C:
			v.doLater(now)
			continue
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

// after has something done when what may be on its way now has come: at once on a
// single machine.
func (v *mover) after(do func()) {
	if v.engine.remote.peers == nil {
		do()
		return
	}
	v.mu.Lock()
	v.later = append(v.later, later{time.Now().Add(forgetAfter), do})
	v.mu.Unlock()
}

func (v *mover) doLater(now time.Time) {
	v.mu.Lock()
	n := 0
	for n < len(v.later) && !v.later[n].at.After(now) {
		n++
	}
	due := v.later[:n:n]
	v.later = v.later[n:]
	v.mu.Unlock()
	for _, l := range due {
		l.do()
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
	if !target.m.p.Owned() && v.engine.remote.peers != nil {
		v.sendElsewhere(mv, target, mv.arrival(m, target))
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
func (c *arriveCommand) Run(tx *partition.Tx) { c.refused = !c.target.arrive(tx, &c.in) }

// arrive stores a message that comes from another queue, unless it has; it reports
// whether the queue still exists.
func (q *Queue) arrive(tx *partition.Tx, in *Enqueue) bool {
	l := q.m.local(q)
	if l == nil {
		return false
	}
	l.core.Enqueue(q.m.begin(tx, l), in)
	return true
}

// Done implements partition.Command. When the target's partition has stopped,
// the transfer is taken up again after the restart.
func (c *arriveCommand) Done(err error) {
	switch {
	case errors.Is(err, partition.ErrBusy), c.v.engine.remote.peers != nil && err != nil:
		c.v.again(c.mv) // the target knows it, if it has arrived
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
		id := core.TransferID{Source: c.mv.source.id, Seq: c.mv.Seq}
		c.v.after(func() { c.v.forget(target, id) })
	}
}

// forget has the target forget a transfer that is over. If that fails, the target's
// next owner asks.
func (v *mover) forget(target *Queue, id core.TransferID) {
	if v.engine.remote.peers != nil && !target.m.p.Owned() {
		v.forgetElsewhere(target, id)
		return
	}
	target.m.p.Submit(&forgetCommand{target: target, id: id})
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

// resolve finds out, after a restart or a fail-over, whether a transfer that arrived
// at target is over, and has it forgotten then.
func (v *mover) resolve(target *Queue, id core.TransferID) {
	source := v.engine.Queue(id.Source)
	switch {
	case source == nil:
		v.after(func() { v.forget(target, id) })
	case v.engine.remote.peers != nil && !source.m.p.Owned():
		v.resolveElsewhere(target, source, id)
	default:
		source.m.p.Submit(&resolveCommand{source: source, id: id, done: func(over bool) {
			if over {
				v.after(func() { v.forget(target, id) })
			}
		}})
	}
}

// resolveCommand asks a source whether a message is still on its way.
type resolveCommand struct {
	source *Queue
	id     core.TransferID
	over   bool
	done   func(over bool)
}

// Run implements partition.Command.
func (c *resolveCommand) Run(tx *partition.Tx) {
	l := c.source.m.local(c.source)
	c.over = l == nil || !l.core.IsLeaving(c.id.Seq)
}

// Done implements partition.Command.
func (c *resolveCommand) Done(err error) { c.done(err == nil && c.over) }
