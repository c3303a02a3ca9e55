package sqs

import (
	"context"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/service"
)

// UntagQueue removes tags; keys that the queue does not have are no error.
//
// AWS: API_UntagQueue.
func init() {
	service.Register(&operations, sqsapi.UntagQueue,
		onOwnQueue("sqs:UntagQueue", func(in *sqsapi.UntagQueueRequest) *string { return in.QueueUrl }),
		(*Service).UntagQueue)
}

// UntagQueue implements the operation.
func (s *Service) UntagQueue(ctx context.Context, c *service.Call, in *sqsapi.UntagQueueRequest) (*service.None, error) {
	q, err := s.resolve(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if len(in.TagKeys) == 0 {
		return nil, missingParameter("TagKeys")
	}
	return nil, s.update(ctx, q, func(_ *catalog.Tx, r *record) error {
		for _, key := range in.TagKeys {
			delete(r.Tags, key)
		}
		return nil
	})
}
