package sns

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/spillway/spillway/internal/deliver"
	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/pause"
	"github.com/spillway/spillway/internal/queue"
)

const (
	// attemptsAtOnce bounds the deliveries to one endpoint that are under way.
	attemptsAtOnce = 16
	// attemptLease is how long a message is hidden while an attempt is made; it must be
	// longer than any attempt but those to functions, which extend it.
	attemptLease = time.Minute
)

// deliverySpec is the queue of what is still to be delivered to a subscription. The
// delay until the next attempt is the rest of a lease.
func deliverySpec() queue.Spec {
	return queue.Spec{Lease: attemptLease.Milliseconds(), Retention: 30 * day, MaxInFlight: 120_000}
}

// pump delivers what is in a queue, until ctx ends or, for a subscription that is
// delivered to directly, the queue is empty. A slow endpoint holds up its own only.
func (s *Service) pump(ctx context.Context, q *queue.Queue, current func() *subscription) {
	slots := make(chan struct{}, attemptsAtOnce)
	var attempts sync.WaitGroup
	defer attempts.Wait()
	for ctx.Err() == nil {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		sub := current()
		if sub == nil {
			return
		}
		got, err := q.Lease(ctx, queue.LeaseRequest{Max: 1, Time: -1, Wait: pollTime})
		if len(got) == 0 {
			<-slots
			switch {
			case errors.Is(err, queue.ErrNoQueue) || errors.Is(err, partition.ErrNotOwner):
				return // look starts another one where the queue is
			case err != nil:
				pause.For(ctx, dispatchRetry)
			case sub.Protocol == "sqs" && q.LocalCounters() == (queue.Counters{}):
				return
			}
			continue
		}
		if sub = current(); sub == nil { // it may have changed while there was nothing to do
			return
		}
		started := time.Now()
		attempts.Go(func() {
			defer func() { <-slots }()
			s.attempt(ctx, q, sub, &got[0])
		})
		s.throttle(ctx, sub, started)
	}
}

// throttle waits so that the endpoint gets no more than its policy allows.
func (s *Service) throttle(ctx context.Context, sub *subscription, started time.Time) {
	if sub.Protocol != "http" && sub.Protocol != "https" {
		return
	}
	if p := effectiveDelivery(s.lookup(sub.name), sub).Throttle; p != nil && p.MaxReceivesPerSecond > 0 {
		pause.For(ctx, time.Until(started.Add(time.Second/time.Duration(p.MaxReceivesPerSecond))))
	}
}

// attempt makes one attempt to deliver, and settles it.
func (s *Service) attempt(ctx context.Context, q *queue.Queue, sub *subscription, d *queue.Delivery) {
	var n notification
	if err := json.Unmarshal(d.Body, &n); err != nil {
		s.logger.Error("a delivery cannot be read: it is dropped", "subscription", sub.ARN, "error", err)
		s.settle(q, queue.Settlement{Seq: d.Seq, Generation: d.Generation})
		return
	}
	if long := s.config.Outbound.LambdaTimeout; sub.Protocol == "lambda" && long > attemptLease/2 {
		s.settle(q, queue.Settlement{Seq: d.Seq, Generation: d.Generation, Extend: true, Time: (long + attemptLease).Milliseconds()})
	}
	began := time.Now()
	out := s.guarded(ctx, q, sub, &n)
	if out.Err != nil && ctx.Err() != nil {
		// Interrupted: another attempt, soon, wherever the queue is then.
		s.settle(q, queue.Settlement{Seq: d.Seq, Generation: d.Generation, Extend: true})
		return
	}
	s.logDelivery(sub, &n, d.Acquired, time.Since(began), out.Response, out.Err)
	done := queue.Settlement{Seq: d.Seq, Generation: d.Generation}
	if out.Err == nil {
		s.stats.Delivered.Add(1)
		s.settle(q, done)
		return
	}
	s.stats.Attempts.Add(1)
	delay, more := s.nextAttempt(sub, int(d.Acquired))
	if !out.Permanent && more {
		s.settle(q, queue.Settlement{Seq: d.Seq, Generation: d.Generation, Extend: true, Time: delay.Milliseconds()})
		return
	}
	dead, err := s.deadLetter(ctx, sub, &n, out.Err)
	if err == nil && dead != nil {
		err = s.enqueue([]*copyOf{dead})
	}
	if err != nil { // the attempt is made again then: better than to lose the message
		done.Extend, done.Time = true, attemptLease.Milliseconds()
	}
	s.settle(q, done)
}

// guarded is deliver; a panic in it ends this delivery, for good, and nothing else.
func (s *Service) guarded(ctx context.Context, q *queue.Queue, sub *subscription, n *notification) (out deliver.Outcome) {
	defer func() {
		if r := recover(); r != nil {
			s.logger.Error("panic in a delivery", "subscription", sub.ARN, "panic", r, "stack", string(debug.Stack()))
			out = deliver.Fail(errPanic, true)
		}
	}()
	return s.deliver(ctx, q, sub, n)
}

var errPanic = errors.New("internal error")

// nextAttempt is how long to wait after an attempt that failed, from 1; false if it was
// the last.
func (s *Service) nextAttempt(sub *subscription, attempt int) (time.Duration, bool) {
	switch sub.Protocol {
	case "http", "https":
		policy := effectiveDelivery(s.lookup(sub.name), sub).Retry
		return policy.delay(attempt)
	case "sqs", "lambda", "firehose", "kinesis":
		return managed(attempt)
	}
	return customer(attempt)
}

// settle ends an attempt. If that fails the message comes again: at least once.
func (s *Service) settle(q *queue.Queue, x queue.Settlement) {
	if out, err := q.Settle([]queue.Settlement{x}, nil); err != nil {
		s.logger.Warn("settle a delivery", "error", err)
	} else if out[0] != nil {
		s.logger.Debug("settle a delivery", "error", out[0])
	}
}

// logDelivery is the delivery status log: what fails is always there, what succeeds
// with debug.
func (s *Service) logDelivery(sub *subscription, n *notification, attempt uint32, took time.Duration, response string, err error) {
	level, status := slog.LevelDebug, "SUCCESS"
	if err != nil {
		level, status = slog.LevelWarn, "FAILURE"
	}
	if !s.logger.Enabled(context.Background(), level) {
		return
	}
	s.logger.LogAttrs(context.Background(), level, "delivery", slog.String("status", status), slog.String("topic", n.Topic),
		slog.String("message_id", n.ID), slog.String("subscription", sub.ARN), slog.String("protocol", sub.Protocol),
		slog.Uint64("attempt", uint64(attempt)), slog.Duration("took", took), slog.String("response", response), slog.Any("error", err))
}
