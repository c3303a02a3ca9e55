package sqs

import (
	"context"
	"sync"
	"time"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/queue"
	"github.com/spillway/spillway/internal/service"
)

// ReceiveMessage hands out up to 10 messages, hidden for the visibility time-out.
// A long poll returns as soon as there is one message. All visible messages are
// found: there is no sampling as on AWS.
//
// ReceiveRequestAttemptId (FIFO): the attempts of the last five minutes are kept in
// memory; after a restart a repeated attempt is a new one.
//
// AWS: API_ReceiveMessage.
func init() {
	service.Register(&operations, sqsapi.ReceiveMessage,
		onQueue("sqs:ReceiveMessage", func(in *sqsapi.ReceiveMessageRequest) *string { return in.QueueUrl }),
		(*Service).ReceiveMessage, service.Waits)
}

// ReceiveMessage implements the operation.
func (s *Service) ReceiveMessage(ctx context.Context, c *service.Call, in *sqsapi.ReceiveMessageRequest) (*sqsapi.ReceiveMessageResult, error) {
	q, err := s.resolve(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	request, err := s.leaseRequest(q, in)
	if err != nil {
		return nil, err
	}
	messages, err := q.handle.Lease(ctx, request)
	if err != nil {
		return nil, engineError(err)
	}
	out := &sqsapi.ReceiveMessageResult{}
	if len(messages) == 0 {
		return out, nil
	}
	wanted := wantedOf(c, in)
	s.signAhead(ctx, messages)
	out.Messages = make([]sqsapi.Message, 0, len(messages))
	for i := range messages {
		m, err := s.present(ctx, q, &messages[i], &wanted)
		if err != nil {
			return nil, err
		}
		m.ReceiptHandle = new(s.receipts.encode(receipt{q.ID, messages[i].Seq, messages[i].Generation}))
		out.Messages = append(out.Messages, m)
	}
	return out, nil
}

// signAhead has the signatures that are missing made at the same time, for present to
// find.
func (s *Service) signAhead(ctx context.Context, messages []queue.Delivery) {
	var signing sync.WaitGroup
	for i := range messages {
		if len(messages) == 1 || !isSealed(messages[i].Header) {
			continue
		}
		signing.Go(func() {
			if h, err := parseHeader(messages[i].Header); err == nil {
				_, _ = s.config.Sign(ctx, h.seal.Hash, h.seal.Sum) // present reports an error
			}
		})
	}
	signing.Wait()
}

// leaseRequest checks the input's numbers and ids.
func (s *Service) leaseRequest(q *Queue, in *sqsapi.ReceiveMessageRequest) (r queue.LeaseRequest, err error) {
	r.Max, r.Time = 1, -1
	if n := in.MaxNumberOfMessages; n != nil {
		if *n < 1 || int(*n) > s.limits.MaxReceive {
			return r, invalidParameter("Value %d for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and %d, if provided.", *n, s.limits.MaxReceive)
		}
		r.Max = int(*n)
	}
	wait := q.number[attrWaitTime]
	if n := in.WaitTimeSeconds; n != nil {
		if *n < 0 || *n > 20 {
			return r, invalidParameter("Value %d for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided.", *n)
		}
		wait = int64(*n)
	}
	r.Wait = time.Duration(wait) * time.Second
	if n := in.VisibilityTimeout; n != nil {
		if *n < 0 || *n > maxVisibility {
			return r, invalidParameter("Value %d for parameter VisibilityTimeout is invalid. Reason: Must be >= 0 and <= %d, if provided.", *n, maxVisibility)
		}
		r.Time = int64(*n) * 1000
	}
	if id := in.ReceiveRequestAttemptId; id != nil {
		if !q.FIFO() {
			return r, invalidParameter("Value %s for parameter ReceiveRequestAttemptId is invalid. Reason: The request include parameter that is not valid for this queue type.", *id)
		}
		r.Attempt = *id
		return r, checkToken("ReceiveRequestAttemptId", *id)
	}
	return r, nil
}

// maxVisibility in seconds: 12 hours.
const maxVisibility = queue.MaxLease / 1000
