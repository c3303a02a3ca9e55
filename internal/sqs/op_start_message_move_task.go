package sqs

import (
	"context"
	"encoding/json"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/arn"
	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/queue"
	"github.com/spillway/spillway/internal/service"
)

// StartMessageMoveTask moves the messages of a dead-letter queue to another queue,
// or each back to the queue that it came from. Moved messages are new ones: new
// id, time and receive count. The task goes on after a restart.
//
// AWS: API_StartMessageMoveTask.
func init() {
	service.Register(&operations, sqsapi.StartMessageMoveTask, (*Service).accessStartMove, (*Service).StartMessageMoveTask)
}

const badArn = "You must use this format to specify the %s: arn:<partition>:<service>:<region>:<account-id>:<resource-id>"

// queueByARN finds the queue that the parameter names.
func (s *Service) queueByARN(parameter string, text *string) (*Queue, error) {
	if deref(text) == "" {
		return nil, missingParameter(parameter)
	}
	if _, err := arn.Parse(*text); err != nil {
		return nil, invalidParameter(badArn, parameter)
	}
	if n, ok := nameOf(*text); ok {
		if q, err := s.find(n); q != nil || err != nil {
			return q, err
		}
	}
	return nil, sqsapi.ResourceNotFoundException.Newf("The resource that you specified for the %s parameter doesn't exist.", parameter)
}

func (s *Service) accessMoveTask(action string, source *string) (service.Access, error) {
	q, err := s.queueByARN("SourceArn", source)
	if err != nil {
		return service.Access{}, err
	}
	return service.Access{Action: action, Resource: q.ARN, Owner: q.account, Policy: q.policy, OwnerOnly: true}, nil
}

func (s *Service) accessStartMove(_ *service.Call, in *sqsapi.StartMessageMoveTaskRequest) (service.Access, error) {
	return s.accessMoveTask("sqs:StartMessageMoveTask", in.SourceArn)
}

// StartMessageMoveTask implements the operation.
func (s *Service) StartMessageMoveTask(ctx context.Context, c *service.Call, in *sqsapi.StartMessageMoveTaskRequest) (*sqsapi.StartMessageMoveTaskResult, error) {
	source, err := s.queueByARN("SourceArn", in.SourceArn)
	if err != nil {
		return nil, err
	}
	counters, err := source.handle.Counters(ctx)
	if err != nil {
		return nil, engineError(err)
	}
	r := taskRecord{Source: source.ARN, Status: taskRunning, Started: millis(c.Now), ToMove: int64(counters.Visible)}
	if in.DestinationArn != nil {
		if err := s.checkDestination(source, in.DestinationArn); err != nil {
			return nil, err
		}
		r.Destination = *in.DestinationArn
	}
	if n := in.MaxNumberOfMessagesPerSecond; n != nil {
		if *n < 1 || *n > maxTaskRate {
			return nil, invalidParameter("Value for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: You must enter a number that's between 1 and %d.", maxTaskRate)
		}
		r.Rate = *n
	}
	if ok, err := s.isDeadLetter(ctx, source.name); err != nil {
		return nil, err
	} else if !ok {
		return nil, invalidParameter("Source queue must be configured as a Dead Letter Queue.")
	}
	id := uuid(queue.NewID())
	err = s.catalog.Update(ctx, func(tx *catalog.Tx) error { return s.startTask(tx, id, source, &r) })
	if err != nil {
		return nil, engineError(err)
	}
	t := moveTask{id, r}
	return &sqsapi.StartMessageMoveTaskResult{TaskHandle: t.handle()}, nil
}

// isDeadLetter tells whether some queue's redrive policy names the queue. One that is
// not known here may have been set through another node.
func (s *Service) isDeadLetter(ctx context.Context, n name) (bool, error) {
	if len(s.sourcesOf(n)) > 0 {
		return true, nil
	}
	err := s.current(ctx)
	return len(s.sourcesOf(n)) > 0, err
}

func (s *Service) checkDestination(source *Queue, text *string) error {
	target, err := s.queueByARN("DestinationArn", text)
	switch {
	case err != nil:
		return err
	case target.name == source.name:
		return invalidParameter("Source queue arn and destination queue arn cannot be the same.")
	case target.FIFO() != source.FIFO():
		return invalidParameter("The source queue and destination queue must be of the same queue type.")
	}
	return nil
}

// startTask stores a new task if the limits allow, and forgets the oldest ended
// ones of the queue.
func (s *Service) startTask(tx *catalog.Tx, id string, source *Queue, r *taskRecord) error {
	if last, ok := tx.Get(kindLastMove, source.ARN); ok {
		var t taskRecord
		if value, ok := tx.Get(kindMoveTask, string(last)); ok && json.Unmarshal(value, &t) == nil && t.active() {
			return invalidParameter("There is already a task running. Only one active task is allowed for a source queue arn at a given time.")
		}
	}
	if s.activeTasks(source.account) >= maxActiveTasks {
		return sqsapi.OverLimit.Newf("The number of active message move tasks has reached the limit of %d.", maxActiveTasks)
	}
	if ended := s.tasksOf(source.ARN); len(ended) >= keptTasks {
		for _, t := range ended[keptTasks-1:] {
			tx.Delete(kindMoveTask, t.id)
		}
	}
	tx.Put(kindLastMove, source.ARN, []byte(id))
	return putTask(tx, id, r)
}

func (s *Service) activeTasks(account string) (n int) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, t := range s.tasks {
		if source, ok := nameOf(t.Source); ok && t.active() && source.account == account {
			n++
		}
	}
	return n
}
