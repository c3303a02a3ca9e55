package sqs

import (
	"context"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/service"
)

// ListQueueTags returns all tags of a queue.
//
// AWS: API_ListQueueTags.
func init() {
	service.Register(&operations, sqsapi.ListQueueTags,
		onOwnQueue("sqs:ListQueueTags", func(in *sqsapi.ListQueueTagsRequest) *string { return in.QueueUrl }),
		(*Service).ListQueueTags)
}

// ListQueueTags implements the operation.
func (s *Service) ListQueueTags(ctx context.Context, c *service.Call, in *sqsapi.ListQueueTagsRequest) (*sqsapi.ListQueueTagsResult, error) {
	if err := s.current(ctx); err != nil {
		return nil, err
	}
	q, err := s.resolve(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	out := &sqsapi.ListQueueTagsResult{}
	if len(q.Tags) > 0 {
		out.Tags = q.Tags
	}
	return out, nil
}
