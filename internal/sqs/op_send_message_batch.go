package sqs

import (
	"context"
	"errors"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/queue"
	"github.com/spillway/spillway/internal/service"
	"github.com/spillway/spillway/internal/smithy"
)

// SendMessageBatch stores up to 10 messages with one commit. Entries fail one by
// one, except for missing FIFO ids, which fail the request (recorded from AWS).
//
// AWS: API_SendMessageBatch.
func init() {
	service.Register(&operations, sqsapi.SendMessageBatch,
		onQueue("sqs:SendMessage", func(in *sqsapi.SendMessageBatchRequest) *string { return in.QueueUrl }),
		(*Service).SendMessageBatch)
}

// SendMessageBatch implements the operation.
func (s *Service) SendMessageBatch(ctx context.Context, c *service.Call, in *sqsapi.SendMessageBatchRequest) (*sqsapi.SendMessageBatchResult, error) {
	q, err := s.resolve(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if err := s.checkSendBatch(q, in.Entries); err != nil {
		return nil, err
	}
	out := &sqsapi.SendMessageBatchResult{}
	messages := make([]queue.Enqueue, 0, len(in.Entries))
	for i := range in.Entries {
		e := &in.Entries[i]
		m, err := s.compose(c, q, draftOf(e), "cannot be validated")
		if err != nil {
			f, err := failed(e.Id, err)
			if err != nil {
				return nil, err
			}
			out.Failed = append(out.Failed, f)
			continue
		}
		messages = append(messages, m.enqueue)
		out.Successful = append(out.Successful, sqsapi.SendMessageBatchResultEntry{
			Id: e.Id, MD5OfMessageBody: m.md5Body, MD5OfMessageAttributes: m.md5User, MD5OfMessageSystemAttributes: m.md5Trace,
		})
	}
	if len(messages) == 0 {
		return out, nil
	}
	sent, err := q.handle.Enqueue(messages, make([]queue.Enqueued, 0, len(messages)))
	if err != nil {
		return nil, engineError(err)
	}
	for i, m := range sent {
		out.Successful[i].MessageId = new(uuid(m.ID))
		out.Successful[i].SequenceNumber = sequenceOf(q, m.Seq)
	}
	return out, nil
}

func draftOf(e *sqsapi.SendMessageBatchRequestEntry) *draft {
	return &draft{
		body: e.MessageBody, delay: e.DelaySeconds, attributes: e.MessageAttributes,
		system: e.MessageSystemAttributes, dedup: e.MessageDeduplicationId, group: e.MessageGroupId,
	}
}

// checkSendBatch checks what fails the request as a whole.
func (s *Service) checkSendBatch(q *Queue, entries []sqsapi.SendMessageBatchRequestEntry) error {
	const kind = "SendMessageBatchRequestEntry"
	if err := checkBatch(kind, entries == nil, len(entries), func(i int) *string { return entries[i].Id }); err != nil {
		return err
	}
	size := 0
	for i := range entries {
		e := &entries[i]
		size += len(deref(e.MessageBody))
		for name, v := range e.MessageAttributes {
			size += len(name) + len(deref(v.DataType)) + len(deref(v.StringValue)) + len(v.BinaryValue)
		}
	}
	if size > s.limits.MaxMessageBytes {
		return sqsapi.BatchRequestTooLong.Newf("Batch requests cannot be longer than %d bytes. You have sent %d bytes.", s.limits.MaxMessageBytes, size)
	}
	if !q.FIFO() {
		return nil
	}
	for i := range entries {
		var e *smithy.APIError
		if err := s.checkFIFOIDs(q, draftOf(&entries[i])); errors.As(err, &e) {
			return invalidParameter("%s", e.Message) // whatever its code was
		}
	}
	return nil
}
