package sqs

import (
	"context"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/queue"
	"github.com/spillway/spillway/internal/service"
)

// DeleteMessage deletes a received message. On a standard queue any handle of the
// message will do, also an older one or after the visibility time-out; on a FIFO
// queue only the latest, in time. Deleting what is gone succeeds.
//
// AWS: API_DeleteMessage.
func init() {
	service.Register(&operations, sqsapi.DeleteMessage,
		onQueue("sqs:DeleteMessage", func(in *sqsapi.DeleteMessageRequest) *string { return in.QueueUrl }),
		(*Service).DeleteMessage)
}

// DeleteMessage implements the operation.
func (s *Service) DeleteMessage(ctx context.Context, c *service.Call, in *sqsapi.DeleteMessageRequest) (*service.None, error) {
	q, err := s.resolve(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	r, err := s.receipt(q, in.ReceiptHandle)
	if err != nil {
		return nil, err
	}
	errs, err := q.settle([]queue.Settlement{{Seq: r.seq, Generation: r.generation}}, []string{*in.ReceiptHandle}, settleError)
	if err != nil {
		return nil, err
	}
	return nil, errs[0]
}
