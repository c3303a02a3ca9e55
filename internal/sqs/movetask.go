package sqs

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"slices"
	"time"

	"github.com/spillway/spillway/internal/catalog"
)

// Statuses of message move tasks (ListMessageMoveTasks API reference).
const (
	taskRunning    = "RUNNING"
	taskCompleted  = "COMPLETED"
	taskCancelling = "CANCELLING"
	taskCancelled  = "CANCELLED"
	taskFailed     = "FAILED"
)

// Limits of message move tasks (SQS developer guide).
const (
	maxTaskTime    = 36 * time.Hour
	maxTaskRate    = 500
	maxActiveTasks = 100 // of an account
	keptTasks      = 10  // ended tasks remembered for a queue
)

// taskRecord is a move task as the catalog stores it. Progress is stored now and
// then: after a crash the count may be a little low.
type taskRecord struct {
	Source      string `json:"source"` // ARN
	Destination string `json:"destination,omitempty"`
	Rate        int32  `json:"rate,omitempty"`
	Status      string `json:"status"`
	Reason      string `json:"reason,omitempty"`
	Moved       int64  `json:"moved"`
	ToMove      int64  `json:"toMove"`
	Started     int64  `json:"started"` // unix ms
	Ended       int64  `json:"ended,omitempty"`
}

func (r *taskRecord) active() bool { return r.Status == taskRunning || r.Status == taskCancelling }

// moveTask is a task as the service knows it.
type moveTask struct {
	id string
	taskRecord
}

// taskHandle is what a client knows of a task; opaque, in AWS's form.
type taskHandle struct {
	TaskID    string `json:"taskId"`
	SourceArn string `json:"sourceArn"`
}

func (t *moveTask) handle() *string {
	b, err := json.Marshal(taskHandle{t.id, t.Source})
	if err != nil {
		panic(err) // two strings
	}
	return new(base64.StdEncoding.EncodeToString(b))
}

func parseTaskHandle(s string) (h taskHandle, ok bool) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil || json.Unmarshal(b, &h) != nil {
		return h, false
	}
	return h, h.TaskID != "" && h.SourceArn != ""
}

// moveTaskChanged hears of every task record.
func (s *Service) moveTaskChanged(id string, value []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if value == nil {
		delete(s.tasks, id)
		return
	}
	t := &moveTask{id: id}
	if err := json.Unmarshal(value, &t.taskRecord); err != nil {
		s.logger.Error("catalog: malformed move task", "task", id, "error", err)
		return
	}
	s.tasks[id] = t
	if t.active() {
		s.leading.run(s, id)
	}
}

// tasksOf returns the tasks of a source queue, newest first.
func (s *Service) tasksOf(source string) []*moveTask {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []*moveTask
	for _, t := range s.tasks {
		if t.Source == source {
			out = append(out, t)
		}
	}
	slices.SortFunc(out, func(a, b *moveTask) int { return -cmp.Compare(a.Started, b.Started) })
	return out
}

// updateTask changes a task's record; change returns false to leave it alone. changed
// tells whether it was there and was changed.
func (s *Service) updateTask(ctx context.Context, id string, change func(r *taskRecord) bool) (changed bool, err error) {
	err = s.catalog.Update(ctx, func(tx *catalog.Tx) error {
		changed = false // of a run before this one
		value, ok := tx.Get(kindMoveTask, id)
		if !ok {
			return nil
		}
		var r taskRecord
		if err := json.Unmarshal(value, &r); err != nil {
			return err
		}
		if changed = change(&r); !changed {
			return nil
		}
		return putTask(tx, id, &r)
	})
	return changed, err
}

func putTask(tx *catalog.Tx, id string, r *taskRecord) error {
	value, err := json.Marshal(r)
	if err != nil {
		return err
	}
	tx.Put(kindMoveTask, id, value)
	return nil
}
