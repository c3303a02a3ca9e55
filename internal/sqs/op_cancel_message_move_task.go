package sqs

import (
	"context"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/service"
)

// CancelMessageMoveTask ends a running task; what it moved stays moved.
//
// AWS: API_CancelMessageMoveTask.
func init() {
	service.Register(&operations, sqsapi.CancelMessageMoveTask, (*Service).accessCancelMove, (*Service).CancelMessageMoveTask)
}

func (s *Service) accessCancelMove(_ *service.Call, in *sqsapi.CancelMessageMoveTaskRequest) (service.Access, error) {
	if deref(in.TaskHandle) == "" {
		return service.Access{}, missingParameter("TaskHandle")
	}
	h, ok := parseTaskHandle(*in.TaskHandle)
	if !ok {
		return service.Access{}, invalidParameter("Value for parameter TaskHandle is invalid.")
	}
	return s.accessMoveTask("sqs:CancelMessageMoveTask", &h.SourceArn)
}

// CancelMessageMoveTask implements the operation.
func (s *Service) CancelMessageMoveTask(ctx context.Context, _ *service.Call, in *sqsapi.CancelMessageMoveTaskRequest) (*sqsapi.CancelMessageMoveTaskResult, error) {
	h, _ := parseTaskHandle(*in.TaskHandle) // checked by accessCancelMove
	var moved int64
	found, err := s.updateTask(ctx, h.TaskID, func(r *taskRecord) bool {
		if r.Source != h.SourceArn || !r.active() {
			return false
		}
		moved = r.Moved
		r.Status = taskCancelling
		return true
	})
	if err != nil {
		return nil, engineError(err)
	}
	if !found {
		return nil, sqsapi.ResourceNotFoundException.New("Task does not exist.")
	}
	return &sqsapi.CancelMessageMoveTaskResult{ApproximateNumberOfMessagesMoved: &moved}, nil
}
