package queue

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/queue/core"
)

// NewID returns a random message id, a version 4 UUID.
func NewID() (id ID) {
	rand.Read(id[:]) // never fails: the process ends if the system has no randomness
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id
}

// Move starts to move up to n visible messages to another queue, waits until they
// have arrived (or ctx ends), and returns how many it started with. With to = 0 each
// goes back to the queue that it was dead-lettered from; one that was not, or whose
// queue was deleted, stays. A moved message gets a new id and time of sending, and
// no history.
func (q *Queue) Move(ctx context.Context, n int, to uint64) (int, error) {
	moved, err := q.moveHere(ctx, n, to)
	if q.elsewhere(err) {
		return q.moveElsewhere(ctx, n, to)
	}
	return moved, err
}

func (q *Queue) moveHere(ctx context.Context, n int, to uint64) (int, error) {
	c := &moveCommand{Call: partition.NewCall(), q: q, n: n, to: to}
	q.m.p.Submit(c)
	if err := c.Wait(); err != nil {
		return 0, err
	}
	select {
	case <-c.moves.finished():
	case <-ctx.Done():
	}
	return c.moved, nil
}

type moveCommand struct {
	partition.Call
	q     *Queue
	n     int
	to    uint64
	moves moveWait
	moved int
}

// Run implements partition.Command.
func (c *moveCommand) Run(tx *partition.Tx) {
	l := c.q.m.local(c.q)
	if l == nil {
		c.Err = ErrNoQueue
		return
	}
	l.moves = &c.moves
	c.moved = l.core.Move(c.q.m.begin(tx, l), c.n, c.route)
	l.moves = nil
}

// route is where a message goes that was dead-lettered from origin; 0 for nowhere.
func (c *moveCommand) route(origin uint64) uint64 {
	switch {
	case c.to != 0:
		return c.to
	case origin == 0 || c.q.m.engine.Queue(origin) == nil:
		return 0
	}
	return origin
}

// moveWait counts the transfers that a caller waits for.
type moveWait struct {
	mu    sync.Mutex
	open  int
	ended chan struct{} // made with the first, closed with the last
}

func (w *moveWait) add() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended == nil {
		w.ended = make(chan struct{})
	}
	w.open++
}

func (w *moveWait) done() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.open--; w.open == 0 {
		close(w.ended)
	}
}

func (w *moveWait) started() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ended != nil
}

// finished is closed when none is under way.
func (w *moveWait) finished() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended == nil {
		w.ended = make(chan struct{})
		close(w.ended)
	}
	return w.ended
}

func (w *moveWait) wait(limit time.Duration) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-w.finished():
	case <-timer.C:
	}
}

// depart is called by core for a message that leaves: when that is durable, the
// mover takes over.
func (l *local) depart(t core.Transfer) {
	m := l.handle.m
	mv := &move{source: l.handle, Transfer: t, wait: l.moves}
	if m.engine.clustered() {
		mv.generation = m.generation
	}
	if mv.wait != nil {
		mv.wait.add()
	}
	if !t.State.Fresh {
		l.handle.stats.deadLettered.Add(1)
	}
	// A lease may have brought this about, whose writes are not forced to the disk.
	// But the target must not have the message before the mark here is durable, or
	// a crash in between leaves two.
	l.now.Force()
	m.announce(l.now) // before the transfer is handed over
	mover := m.engine.mover
	l.now.OnCommit(func(err error) {
		if err == nil {
			mover.add(mv)
		}
	})
}
