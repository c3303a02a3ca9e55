package sqs

import (
	"context"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/queue"
	"github.com/spillway/spillway/internal/service"
)

// ChangeMessageVisibility makes a received message visible after so many seconds
// from now; 0 means at once. On a standard queue it works after the time-out as
// well, and hides the message again.
//
// AWS: API_ChangeMessageVisibility.
func init() {
	service.Register(&operations, sqsapi.ChangeMessageVisibility,
		onQueue("sqs:ChangeMessageVisibility", func(in *sqsapi.ChangeMessageVisibilityRequest) *string { return in.QueueUrl }),
		(*Service).ChangeMessageVisibility)
}

// ChangeMessageVisibility implements the operation.
func (s *Service) ChangeMessageVisibility(ctx context.Context, c *service.Call, in *sqsapi.ChangeMessageVisibilityRequest) (*service.None, error) {
	q, err := s.resolve(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	r, err := s.receipt(q, in.ReceiptHandle)
	if err != nil {
		return nil, err
	}
	if in.VisibilityTimeout == nil {
		return nil, missingParameter("VisibilityTimeout")
	}
	if n := *in.VisibilityTimeout; n < 0 || n > maxVisibility {
		return nil, invalidParameter("Value %d for parameter VisibilityTimeout is invalid. Reason: Must be between 0 and %d.", n, maxVisibility)
	}
	errs, err := q.settle([]queue.Settlement{extend(r, *in.VisibilityTimeout)}, []string{*in.ReceiptHandle}, settleError)
	if err != nil {
		return nil, err
	}
	return nil, errs[0]
}

func extend(r receipt, seconds int32) queue.Settlement {
	return queue.Settlement{Seq: r.seq, Generation: r.generation, Extend: true, Time: int64(seconds) * 1000}
}
