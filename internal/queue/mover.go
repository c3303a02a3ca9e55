package queue

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/spillway/spillway/internal/queue/core"
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
// source sends what is marked as leaving again; the owner of a target asks the sources'
// owners about what it remembers, when it has loaded it and whatever is old from time
// to time, and they have it forgotten if it is over: an owner that is replaced between
// a departure and its request to forget leaves that behind.
type mover struct {
	engine *Engine
	notify chan struct{}   // 1 slot: there are moves
	busy   chan struct{}   // 1 slot: there are moves to be tried again after a pause
	ctx    context.Context // ends with close
	quit   context.CancelFunc
	ended  sync.WaitGroup
	every  time.Duration // between questions about old arrivals

	mu      sync.Mutex // guards the fields below
	moves   []*move
	far     []*arrival // to targets that other nodes own
	callers int        // goroutines that send them
	closed  bool
}

// resolveEvery is much longer than transfers take.
const resolveEvery = 30 * time.Second

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
	v := &mover{engine: e, notify: make(chan struct{}, 1), busy: make(chan struct{}, 1), every: resolveEvery}
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
	pausing := false
	for {
		select {
		case <-v.ctx.Done():
			return
		case <-v.busy:
			if !pausing { // else those that come in the pause would make it longer
				pausing = true
				retry.Reset(moveRetry)
			}
			continue
		case <-v.notify:
		case <-retry.C:
			pausing = false
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
