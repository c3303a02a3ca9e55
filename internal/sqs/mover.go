package sqs

import (
	"context"
	"errors"
	"time"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/queue"
)

// moveStep is how many messages a task without a rate moves at a time, and
// moveSave how often it stores its progress.
const (
	moveStep = 100
	moveSave = time.Second
)

// mover carries out one move task.
type mover struct {
	s     *Service
	id    string
	moved int64 // since the last save
	saved time.Time
}

// run moves messages until the source is empty, the task is cancelled or fails,
// or ctx ends; in that case the next start goes on.
func (m *mover) run(ctx context.Context) error {
	for {
		t := m.task()
		if t == nil || !t.active() {
			return nil
		}
		status, reason := "", ""
		var n int
		source, ok := nameOf(t.Source)
		q, err := m.s.findWithin(ctx, source) // a node that led before may not know it yet
		if err != nil {
			return err
		}
		switch {
		case t.Status == taskCancelling:
			status = taskCancelled
		case time.Now().UnixMilli()-t.Started > maxTaskTime.Milliseconds():
			status, reason = taskFailed, "The task has run longer than 36 hours."
		case !ok || q == nil:
			status, reason = taskFailed, sqsapi.QueueDoesNotExist.Code
		default:
			if n, err = m.step(ctx, t, q); err != nil {
				return err
			}
			if n < 0 {
				status, reason = taskFailed, sqsapi.QueueDoesNotExist.Code
			} else if n == 0 {
				status = taskCompleted
			}
		}
		m.moved += int64(max(n, 0))
		if status != "" || time.Since(m.saved) >= moveSave {
			if err := m.save(ctx, status, reason); err != nil {
				return err
			}
		}
		if status != "" {
			return nil
		}
		if err := m.pause(ctx, t); err != nil {
			return err
		}
	}
}

func (m *mover) task() *moveTask {
	m.s.mu.RLock()
	defer m.s.mu.RUnlock()
	return m.s.tasks[m.id]
}

// step moves some messages and returns how many, -1 if the destination is gone.
func (m *mover) step(ctx context.Context, t *moveTask, q *Queue) (int, error) {
	n := moveStep
	if t.Rate > 0 {
		n = max(1, int(t.Rate)/10)
	}
	to := uint64(0) // each back to where it came from
	if t.Destination != "" {
		name, _ := nameOf(t.Destination)
		target, err := m.s.findWithin(ctx, name)
		if target == nil {
			return -1, err
		}
		to = target.ID
	}
	moved, err := q.handle.Move(ctx, n, to)
	if err == nil {
		err = ctx.Err()
	}
	if errors.Is(err, queue.ErrNoQueue) {
		return -1, nil // the source was deleted meanwhile
	}
	return moved, err
}

// pause keeps the task's rate.
func (m *mover) pause(ctx context.Context, t *moveTask) error {
	if t.Rate <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(time.Second * time.Duration(max(1, t.Rate/10)) / time.Duration(t.Rate))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// save stores the progress, and how the task ended if it did. Progress whose save
// ended with an unknown result is added once more.
func (m *mover) save(ctx context.Context, status, reason string) error {
	moved := m.moved
	_, err := m.s.updateTask(ctx, m.id, func(r *taskRecord) bool {
		cancelling := r.Status == taskCancelling
		if !r.active() {
			return false // another node ended it
		}
		r.Moved += moved
		if status != "" {
			r.Status, r.Reason, r.Ended = status, reason, time.Now().UnixMilli()
		}
		if status == taskCompleted && cancelling {
			r.Status = taskCancelled
		}
		return true
	})
	if err == nil {
		m.moved, m.saved = 0, time.Now()
	}
	return err
}
