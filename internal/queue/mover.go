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
// the two partitions; the mover's goroutine only reads records and submits. In a
// cluster the source's owner drives: it does its own steps here, and the target's at
// the target's owner, from a bounded number of goroutines, so that a target that does
// not answer does not hold up the others.
//
// # Once and only once
//
// The source marks the message as leaving, durably; the target stores it with the
// transfer's id; the source deletes it, durably; the target forgets the id. Each step
// can be repeated, and none begins before the one before it is durable, so a crash in
// between loses nothing. An arrival that is repeated finds the id and does nothing.
//
// What could double a message is an arrival after the id was forgotten. On a single
// machine there is none: arrivals wait in a partition's inbox only, before the
// departure they lead to. In a cluster one can be late: its call was given up while it
// was under way, or the node that sends it was stopped before it did (for any length
// of time: waiting proves nothing), and another owner of the source has finished the
// transfer meanwhile. So every arrival has a ticket: the generation of the source
// partition's owner, a number that is in the partition's log before its first use and
// so belongs to one ownership only; and the number of the attempt within it. For each
// source partition the target's partition keeps, durably, a floor, and it refuses
// arrivals with tickets below. It raises the floor to the generation of every arrival
// that it takes; and to the ticket that comes with the request to forget, in the batch
// that forgets, unless the floor's generation is higher already: then it forgets
// nothing, as that request was the late one.
//
// An id is forgotten at the request of an owner of generation G, for whom the
// departure is durable, with a ticket (G, N) above all attempts that it made for this
// transfer, since it waits until those have ended or were given up. Then of all
// arrivals of the message there can ever be
//   - those of earlier generations and of G's earlier attempts are below the floor;
//   - G makes no further attempt: the message is not there any more;
//   - the owner of a later generation loaded the partition from a log with G's
//     departure in it, and makes none either. Had it loaded one without, G's departure
//     would never have become durable, nor the request been sent.
//
// A step whose partition moved to another node is dropped here. The new owner of a
// source sends what is marked as leaving again; the new owner of a target asks the
// sources' owners about what it remembers, who have it forgotten if it is over. If
// the source's owner changes after the departure, the id stays until the target is
// loaded again: some bytes, and no harm.
type mover struct {
	engine *Engine
	notify chan struct{}   // 1 slot: there are moves
	busy   chan struct{}   // 1 slot: there are moves to be tried again after a pause
	ctx    context.Context // ends with close
	quit   context.CancelFunc
	ended  sync.WaitGroup

	mu      sync.Mutex // guards the fields below
	moves   []*move
	far     []*arrival // to targets that other nodes own
	callers int        // goroutines that send them
	closed  bool
}

// maxMoveCalls bounds the transfers that are on their way to other nodes.
const maxMoveCalls = 64

// move is one transfer on its way.
type move struct {
	source *Queue
	core.Transfer
	wait       *moveWait // nil when nobody waits
	generation uint64    // of the source's ownership, 0 on a single machine
	ticket     ticket    // of the last attempt
}

func newMover(e *Engine) *mover {
	v := &mover{engine: e, notify: make(chan struct{}, 1), busy: make(chan struct{}, 1)}
	v.ctx, v.quit = context.WithCancel(context.Background())
	return v
}

func (v *mover) start() { v.spawn(v.run) }

// spawn runs f in a goroutine that close waits for; not after close.
func (v *mover) spawn(f func()) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.closed {
		v.ended.Go(f)
	}
	return !v.closed
}

func (v *mover) close() {
	v.quit()
	v.mu.Lock()
	v.closed = true
	v.mu.Unlock()
	v.ended.Wait()
	v.mu.Lock()
	moves, far := v.moves, v.far
	v.moves, v.far = nil, nil
	v.mu.Unlock()
	for _, mv := range moves {
		mv.end()
	}
	for _, c := range far {
		c.mv.end()
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
		case <-v.ctx.Done():
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
	here := !v.engine.clustered() || target.m.p.Owned()
	if here && target.m.p.Full() {
		return partition.ErrDiskFull
	}
	c := &arrival{mv: mv, target: target, in: mv.message(m, target)}
	if v.engine.clustered() {
		ok := false
		if c.ticket, ok = mv.source.m.sender.start(mv.generation); !ok {
			mv.end() // the source's new owner takes it up
			return nil
		}
		mv.ticket = c.ticket
	}
	if !here {
		v.sendElsewhere(c)
		return nil
	}
	target.m.p.Submit(&arriveCommand{arrival: c})
	return nil
}

// message is the message as the target stores it.
func (mv *move) message(m Message, target *Queue) Enqueue {
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

// arrival is an attempt to make a message arrive.
type arrival struct {
	mv     *move // nil at the owner of the target, if that is another node
	target *Queue
	in     Enqueue
	ticket ticket
	result outcome
}

// outcome is what became of an attempt. Values are sent between nodes: append only.
type outcome byte

const (
	stored  outcome = iota // now, or it was already
	refused                // there is no such queue
	late                   // the ticket is below the floor: nothing was done
)

// run stores the message in the target.
func (c *arrival) run(tx *partition.Tx) {
	m := c.target.m
	l := m.local(c.target)
	switch {
	case l == nil:
		c.result = refused
	case c.ticket != ticket{} && !m.admit(tx, c.ticket):
		c.result = late
	default:
		l.core.Enqueue(m.begin(tx, l), &c.in)
		c.result = stored
	}
}

// finish goes on after an attempt whose sender knows what became of it, if err is nil.
func (c *arrival) finish(err error) {
	mv, v := c.mv, c.target.m.engine.mover
	if c.ticket != (ticket{}) {
		mv.source.m.sender.finish(c.ticket)
	}
	switch {
	case err == nil && c.result != late:
		v.settle(mv, c.result == stored)
	case errors.Is(err, partition.ErrBusy), v.engine.clustered():
		v.again(mv) // the target knows it, if it has arrived
	default:
		mv.end() // the target's partition has stopped: after the restart it goes on
	}
}

// arriveCommand is an attempt at a target that this node owns.
type arriveCommand struct{ *arrival }

// Run implements partition.Command.
func (c *arriveCommand) Run(tx *partition.Tx) { c.run(tx) }

// Done implements partition.Command.
func (c *arriveCommand) Done(err error) { c.finish(err) }

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
	if err == nil && c.arrived {
		c.v.over(c.mv)
	}
	c.mv.end()
}

// over has the target forget a transfer that is over.
func (v *mover) over(mv *move) {
	id := core.TransferID{Source: mv.source.id, Seq: mv.Seq}
	if v.engine.clustered() {
		mv.source.m.sender.forget(arrived{mv.Target, id}, ticket{generation: mv.generation, number: mv.ticket.number})
	} else if target := v.engine.Queue(mv.Target); target != nil {
		target.m.p.Submit(&forgetCommand{target: target, id: id})
	}
}

// forgetCommand drops the target's memory of a transfer, on a single machine. If it
// is lost, the next start asks the source.
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

// resolve finds out, after a restart of a single machine, whether a transfer that
// arrived at target is over, and has it forgotten then.
func (v *mover) resolve(target *Queue, id core.TransferID) {
	forget := &forgetCommand{target: target, id: id}
	if source := v.engine.Queue(id.Source); source != nil {
		source.m.p.Submit(&resolveCommand{source: source, forget: forget})
	} else {
		target.m.p.Submit(forget)
	}
}

// resolveCommand asks a source whether a message is still on its way.
type resolveCommand struct {
	source *Queue
	forget *forgetCommand
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
		c.forget.target.m.p.Submit(c.forget)
	}
}
