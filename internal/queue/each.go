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

// EnqueueEach stores messages in many queues, all at the same time: those of queues in
// one partition share an fsync. It returns when each is durable or has failed. Those of
// one queue stay in order, and are stored all or none; one queue does not depend on
// another.
func EnqueueEach(targets []*Target) {
	groups := groupTargets(targets)
	for _, g := range groups {
		g.submit()
	}
	var forwarded sync.WaitGroup
	for _, g := range groups {
		if g.wait(); g.queue.elsewhere(g.err) {
			forwarded.Go(g.forward)
		}
	}
	forwarded.Wait()
	for _, g := range groups {
		for i, t := range g.targets {
			if t.Err = g.err; g.err == nil {
				t.Result = g.out[i]
			}
		}
	}
}

// targetGroup is the messages for one queue.
type targetGroup struct {
	queue   *Queue
	targets []*Target
	in      []Enqueue
	out     []Enqueued
	command *enqueueCommand // nil if it was not submitted
	err     error
}

// manyTargets is from where on a map finds the group of a queue faster.
const manyTargets = 16

func groupTargets(targets []*Target) []*targetGroup {
	groups := make([]*targetGroup, 0, len(targets))
	var byQueue map[*Queue]*targetGroup
	if len(targets) > manyTargets {
		byQueue = make(map[*Queue]*targetGroup, len(targets))
	}
	find := func(q *Queue) *targetGroup {
		if byQueue != nil {
			return byQueue[q]
		}
		for _, g := range groups {
			if g.queue == q {
				return g
			}
		}
		return nil
	}
	for _, t := range targets {
		g := find(t.Queue)
		if g == nil {
			g = &targetGroup{queue: t.Queue}
			groups = append(groups, g)
			if byQueue != nil {
				byQueue[t.Queue] = g
			}
		}
		g.targets = append(g.targets, t)
		g.in = append(g.in, t.Message)
	}
	return groups
}

// submit is the first half of enqueueHere.
func (g *targetGroup) submit() {
	e, p := g.queue.m.engine, g.queue.m.p
	if p.Full() && (!e.clustered() || p.Owned()) {
		g.err = partition.ErrDiskFull
		return
	}
	c := e.enqueues.get()
	c.q, c.in, c.out = g.queue, g.in, make([]Enqueued, 0, len(g.in))
	g.command = c
	p.Submit(c)
}

// wait is the second half.
func (g *targetGroup) wait() {
	c := g.command
	if c == nil {
		return
	}
	g.err = c.Wait()
	g.out = c.out
	c.q, c.in, c.out = nil, nil, nil
	g.queue.m.engine.enqueues.put(c)
}

func (g *targetGroup) forward() {
	g.out, g.err = g.queue.enqueueElsewhere(g.in, make([]Enqueued, 0, len(g.in)))
}
