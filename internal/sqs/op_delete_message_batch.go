package sqs

import (
	"context"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/queue"
	"github.com/spillway/spillway/internal/service"
)

// DeleteMessageBatch deletes up to 10 messages with one commit; see DeleteMessage.
//
// AWS: API_DeleteMessageBatch.
func init() {
	service.Register(&operations, sqsapi.DeleteMessageBatch,
		onQueue("sqs:DeleteMessage", func(in *sqsapi.DeleteMessageBatchRequest) *string { return in.QueueUrl }),
		(*Service).DeleteMessageBatch)
}

// DeleteMessageBatch implements the operation.
func (s *Service) DeleteMessageBatch(ctx context.Context, c *service.Call, in *sqsapi.DeleteMessageBatchRequest) (*sqsapi.DeleteMessageBatchResult, error) {
	q, err := s.resolve(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if err := checkBatch("DeleteMessageBatchRequestEntry", in.Entries == nil, len(in.Entries),
		func(i int) *string { return in.Entries[i].Id }); err != nil {
		return nil, err
	}
	b := newSettleBatch(len(in.Entries))
	for i := range in.Entries {
		e := &in.Entries[i]
		r, err := s.receipt(q, e.ReceiptHandle)
		b.add(e.Id, e.ReceiptHandle, queue.Settlement{Seq: r.seq, Generation: r.generation}, err)
	}
	out := &sqsapi.DeleteMessageBatchResult{}
	out.Failed, err = b.run(q, func(id *string) {
		out.Successful = append(out.Successful, sqsapi.DeleteMessageBatchResultEntry{Id: id})
	})
	return out, err
}
