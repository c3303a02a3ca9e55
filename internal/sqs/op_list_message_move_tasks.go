package sqs

import (
	"context"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/service"
)

// ListMessageMoveTasks lists the latest tasks of a dead-letter queue, newest first.
//
// AWS: API_ListMessageMoveTasks.
func init() {
	service.Register(&operations, sqsapi.ListMessageMoveTasks, (*Service).accessListMoves, (*Service).ListMessageMoveTasks)
}

func (s *Service) accessListMoves(_ *service.Call, in *sqsapi.ListMessageMoveTasksRequest) (service.Access, error) {
	return s.accessMoveTask("sqs:ListMessageMoveTasks", in.SourceArn)
}

// ListMessageMoveTasks implements the operation.
func (s *Service) ListMessageMoveTasks(ctx context.Context, _ *service.Call, in *sqsapi.ListMessageMoveTasksRequest) (*sqsapi.ListMessageMoveTasksResult, error) {
	if err := s.current(ctx); err != nil {
		return nil, err
	}
	n := 1
	if in.MaxResults != nil {
		if n = int(*in.MaxResults); n < 1 || n > keptTasks {
			return nil, invalidParameter("Value for parameter MaxResults is invalid. Reason: MaxResults must be an integer between 1 and %d.", keptTasks)
		}
	}
	tasks := s.tasksOf(*in.SourceArn)
	out := &sqsapi.ListMessageMoveTasksResult{}
	for _, t := range tasks[:min(n, len(tasks))] {
		e := sqsapi.ListMessageMoveTasksResultEntry{
			ApproximateNumberOfMessagesMoved:  new(t.Moved),
			ApproximateNumberOfMessagesToMove: new(t.ToMove),
			SourceArn:                         new(t.Source),
			StartedTimestamp:                  new(t.Started),
			Status:                            new(t.Status),
		}
		if t.Destination != "" {
			e.DestinationArn = new(t.Destination)
		}
		if t.Reason != "" {
			e.FailureReason = new(t.Reason)
		}
		if t.Rate > 0 {
			e.MaxNumberOfMessagesPerSecond = new(t.Rate)
		}
		if t.Status == taskRunning {
			e.TaskHandle = t.handle()
		}
		out.Results = append(out.Results, e)
	}
	return out, nil
}
