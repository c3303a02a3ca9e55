package sqs

import (
	"context"
	"fmt"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/queue"
	"github.com/spillway/spillway/internal/service"
)

// ChangeMessageVisibilityBatch changes up to 10 messages with one commit; see
// ChangeMessageVisibility.
//
// AWS: API_ChangeMessageVisibilityBatch.
func init() {
	service.Register(&operations, sqsapi.ChangeMessageVisibilityBatch,
		onQueue("sqs:ChangeMessageVisibility", func(in *sqsapi.ChangeMessageVisibilityBatchRequest) *string { return in.QueueUrl }),
		(*Service).ChangeMessageVisibilityBatch)
}

// ChangeMessageVisibilityBatch implements the operation.
func (s *Service) ChangeMessageVisibilityBatch(ctx context.Context, c *service.Call, in *sqsapi.ChangeMessageVisibilityBatchRequest) (*sqsapi.ChangeMessageVisibilityBatchResult, error) {
	q, err := s.resolve(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if err := checkBatch("ChangeMessageVisibilityBatchRequestEntry", in.Entries == nil, len(in.Entries),
		func(i int) *string { return in.Entries[i].Id }); err != nil {
		return nil, err
	}
	for i := range in.Entries {
		if in.Entries[i].VisibilityTimeout == nil {
			return nil, missingParameter(fmt.Sprintf("ChangeMessageVisibilityBatchRequestEntry.%d.VisibilityTimeout", i+1))
		}
	}
	b := newSettleBatch(len(in.Entries))
	for i := range in.Entries {
		e := &in.Entries[i]
		x, err := s.extension(q, e)
		b.add(e.Id, e.ReceiptHandle, x, err)
	}
	out := &sqsapi.ChangeMessageVisibilityBatchResult{}
	out.Failed, err = b.run(q, func(id *string) {
		out.Successful = append(out.Successful, sqsapi.ChangeMessageVisibilityBatchResultEntry{Id: id})
	})
	return out, err
}

func (s *Service) extension(q *Queue, e *sqsapi.ChangeMessageVisibilityBatchRequestEntry) (queue.Settlement, error) {
	r, err := s.receipt(q, e.ReceiptHandle)
	if err != nil {
		return queue.Settlement{}, err
	}
	if n := *e.VisibilityTimeout; n < 0 || n > maxVisibility {
		return queue.Settlement{}, invalidParameter("Value %d for parameter VisibilityTimeout is invalid. Reason: VisibilityTimeout must be an integer between 0 and %d.", n, maxVisibility)
	}
	return extend(r, *e.VisibilityTimeout), nil
}
