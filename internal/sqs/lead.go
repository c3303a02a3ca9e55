package sqs

import (
	"context"
	"sync"
	"time"
)

// leading is the time in which this node runs the message move tasks: on a cluster
// it is the owner of the catalog, so that there is one. Two at once, while that
// changes hands, do no harm: each message is moved by its queue's partition, once, and
// what a mover decides on is in the catalog's records, by updates that see the latest:
// progress is added, and a task ends once. The rate may be exceeded for a moment.
type leading struct {
	ctx     context.Context
	end     context.CancelFunc
	movers  sync.WaitGroup
	running map[string]bool // by task id; guarded by Service.mu
}

// taskRetry is the pause after a task could not go on, as while a partition has no
// owner.
const taskRetry = time.Second

// Lead tells whether this node runs the message move tasks from now on. It is called
// once with true on a single machine, after Start. With false it returns when no task
// runs here any more. After Close nothing is led.
func (s *Service) Lead(leads bool) {
	s.mu.Lock()
	old := s.leading
	if leads == (old != nil) || leads && s.closed {
		s.mu.Unlock()
		return
	}
	s.leading = nil
	if leads {
		s.leading = &leading{running: make(map[string]bool)}
		s.leading.ctx, s.leading.end = context.WithCancel(context.Background())
		for _, t := range s.tasks {
			if t.active() {
				s.leading.run(s, t.id)
			}
		}
	}
	s.mu.Unlock()
	if old != nil {
		old.end()
		old.movers.Wait()
	}
}

// run carries a task out, unless that is under way or somebody else's business.
// s.mu is held.
func (l *leading) run(s *Service, id string) {
	if l == nil || l.running[id] || l.ctx.Err() != nil {
		return
	}
	l.running[id] = true
	l.movers.Go(func() {
		m := &mover{s: s, id: id}
		for {
			err := m.run(l.ctx)
			if err == nil || l.ctx.Err() != nil {
				break
			}
			s.logger.Warn("message move task: trying again", "task", id, "error", err)
			timer := time.NewTimer(taskRetry)
			select {
			case <-timer.C:
			case <-l.ctx.Done():
			}
			timer.Stop()
		}
		s.mu.Lock()
		delete(l.running, id)
		s.mu.Unlock()
	})
}
