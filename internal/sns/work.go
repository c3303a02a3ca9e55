package sns

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/spillway/spillway/internal/queue"
)

// work is what goes on in the background on this node: pumps that deliver, dispatchers
// of FIFO topics, replays. Each is bound to a queue of the engine and runs on the node
// that owns it.
type work struct {
	s          *Service
	dispatched arrivals
	news       chan struct{} // 1 slot: look again at what should run

	ctx     context.Context
	stop    context.CancelFunc
	running sync.WaitGroup
	tasks   map[string]*task // owned by run
}

// task is one of them.
type task struct {
	cancel context.CancelFunc
	ended  chan struct{}
}

const (
	// pollTime is how long a task waits for messages at a time.
	pollTime = 20 * time.Second
	// lookEvery is how often ownership is looked at; newsPause is the least time
	// between two looks.
	lookEvery = time.Second
	newsPause = 20 * time.Millisecond
)

func newWork(s *Service) *work {
	w := &work{s: s, news: make(chan struct{}, 1), tasks: make(map[string]*task)}
	w.dispatched.waiting = make(map[queue.ID]chan struct{})
	w.ctx, w.stop = context.WithCancel(context.Background())
	return w
}

func (w *work) start() { w.running.Go(w.run) }

// close ends all tasks and waits for them.
func (w *work) close() {
	w.stop()
	w.running.Wait()
}

// kick has what should run looked at soon.
func (s *Service) kick() {
	select {
	case s.work.news <- struct{}{}:
	default:
	}
}

// wake is kick for a subscription that has something to deliver now, unless it is
// delivered to all the time.
func (w *work) wake(sub *subscription) {
	if sub.Protocol == "sqs" {
		w.s.kick()
	}
}

func (w *work) run() {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		w.look()
		select {
		case <-w.ctx.Done():
			for _, t := range w.tasks {
				<-t.ended
			}
			return
		case <-tick.C:
		case <-w.news:
			// Many changes come together.
			timer := time.NewTimer(newsPause)
			select {
			case <-timer.C:
			case <-w.ctx.Done():
				timer.Stop()
			}
		}
	}
}

// look starts what should run here and does not, and ends what should not.
func (w *work) look() {
	wanted := w.s.wanted()
	for key, t := range w.tasks {
		select {
		case <-t.ended:
			delete(w.tasks, key)
		default:
			if wanted[key] == nil {
				t.cancel()
			}
		}
	}
	for key, f := range wanted {
		if w.tasks[key] != nil || w.ctx.Err() != nil {
			continue
		}
		ctx, cancel := context.WithCancel(w.ctx)
		t := &task{cancel: cancel, ended: make(chan struct{})}
		w.tasks[key] = t
		go func() { // run waits for it
			defer close(t.ended)
			defer cancel()
			f(ctx)
		}()
	}
}

// wanted are the tasks that should run on this node.
func (s *Service) wanted() map[string]func(context.Context) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make(map[string]func(context.Context))
	for n, t := range s.topics {
		if t.log != nil && t.log.Local() {
			out["topic "+strconv.FormatUint(t.ID, 10)] = func(ctx context.Context) { s.dispatch(ctx, n) }
		}
	}
	for n, sub := range s.subs {
		if sub.queue.Local() && (sub.Protocol != "sqs" || sub.queue.LocalCounters() != (queue.Counters{})) {
			out["subscription "+strconv.FormatUint(sub.ID, 10)] = func(ctx context.Context) {
				s.pump(ctx, sub.queue, func() *subscription { return s.lookupSubscription(n) })
			}
		}
		if sub.Replay.replaying() {
			if t := s.topics[n.name]; t != nil && t.log != nil && t.replaysHere() {
				out["replay "+strconv.FormatUint(sub.ID, 10)] = func(ctx context.Context) { s.replay(ctx, n) }
			}
		}
	}
	if d := s.direct; d != nil && d.Local() {
		out["direct"] = func(ctx context.Context) { s.pump(ctx, d, s.directSubscription) }
	}
	return out
}
