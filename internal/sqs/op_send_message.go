package sqs

import (
	"context"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/queue"
	"github.com/spillway/spillway/internal/service"
)

// SendMessage stores one message. When it returns, the message is durable.
//
// Limits: the queue's MaximumMessageSize (at most 1 MiB), counting the body and
// the attributes' names, types and values; 10 attributes.
//
// AWS: API_SendMessage.
func init() {
	service.Register(&operations, sqsapi.SendMessage,
		onQueue("sqs:SendMessage", func(in *sqsapi.SendMessageRequest) *string { return in.QueueUrl }),
		(*Service).SendMessage)
}

// SendMessage implements the operation.
func (s *Service) SendMessage(ctx context.Context, c *service.Call, in *sqsapi.SendMessageRequest) (*sqsapi.SendMessageResult, error) {
	q, err := s.resolve(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	m, err := s.compose(c, q, &draft{
		body: in.MessageBody, delay: in.DelaySeconds, attributes: in.MessageAttributes,
		system: in.MessageSystemAttributes, dedup: in.MessageDeduplicationId, group: in.MessageGroupId,
	}, "are invalid")
	if err != nil {
		return nil, err
	}
	sent, err := q.handle.Enqueue([]queue.Enqueue{m.enqueue}, make([]queue.Enqueued, 0, 1))
	if err != nil {
		return nil, engineError(err)
	}
	return &sqsapi.SendMessageResult{
		MD5OfMessageBody:             m.md5Body,
		MD5OfMessageAttributes:       m.md5User,
		MD5OfMessageSystemAttributes: m.md5Trace,
		MessageId:                    new(uuid(sent[0].ID)),
		SequenceNumber:               sequenceOf(q, sent[0].Seq),
	}, nil
}
