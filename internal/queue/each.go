package queue

import (
	"sync"

	"github.com/spillway/spillway/internal/partition"
)

// Target is a message for a queue, and what became of it.
type Target struct {
	Queue   *Queue
	Message Enqueue
	Result  Enqueued
	Err     error // as Enqueue's
}

// EnqueueEach stores each message in its queue, all at the same time: those of queues
// in one partition share an fsync. It returns when each is durable or has failed; one
// does not depend on another.
func EnqueueEach(targets []*Target) {
	commands := make([]*enqueueCommand, len(targets))
	for i, t := range targets {
		e := t.Queue.m.engine
		if t.Queue.m.p.Full() && (!e.clustered() || t.Queue.m.p.Owned()) {
			t.Err = partition.ErrDiskFull
			continue
		}
		c := e.enqueues.get()
		c.q, c.in, c.out = t.Queue, []Enqueue{t.Message}, make([]Enqueued, 0, 1)
		commands[i] = c
		t.Queue.m.p.Submit(c)
	}
	var forwarded sync.WaitGroup
	for i, c := range commands {
		if c == nil {
			continue
		}
		t := targets[i]
		if t.Err = c.wait(); t.Err == nil {
			t.Result = c.out[0]
		}
		c.q, c.in, c.out = nil, nil, nil
		t.Queue.m.engine.enqueues.put(c)
		if t.Queue.elsewhere(t.Err) {
			forwarded.Go(t.forward)
		}
	}
	forwarded.Wait()
}

func (t *Target) forward() {
	out, err := t.Queue.enqueueElsewhere([]Enqueue{t.Message}, make([]Enqueued, 0, 1))
	if t.Err = err; err == nil {
		t.Result = out[0]
	}
}
