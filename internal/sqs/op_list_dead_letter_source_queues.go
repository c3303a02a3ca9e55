package sqs

import (
	"context"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/service"
)

// ListDeadLetterSourceQueues lists the queues whose redrive policy names this one.
//
// AWS: API_ListDeadLetterSourceQueues.
func init() {
	service.Register(&operations, sqsapi.ListDeadLetterSourceQueues,
		onQueue("sqs:ListDeadLetterSourceQueues", func(in *sqsapi.ListDeadLetterSourceQueuesRequest) *string { return in.QueueUrl }),
		(*Service).ListDeadLetterSourceQueues)
}

// ListDeadLetterSourceQueues implements the operation.
func (s *Service) ListDeadLetterSourceQueues(ctx context.Context, c *service.Call, in *sqsapi.ListDeadLetterSourceQueuesRequest) (*sqsapi.ListDeadLetterSourceQueuesResult, error) {
	if err := s.current(ctx); err != nil {
		return nil, err
	}
	q, err := s.resolve(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	urls, next, err := page(c, s.sourcesOf(q.name), in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	return &sqsapi.ListDeadLetterSourceQueuesResult{QueueUrls: urls, NextToken: next}, nil
}
