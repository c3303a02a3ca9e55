package sqs

import (
	"context"
	"maps"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/service"
)

// TagQueue adds tags, replacing those with the same key; 50 at most.
//
// AWS: API_TagQueue.
func init() {
	service.Register(&operations, sqsapi.TagQueue,
		onOwnQueue("sqs:TagQueue", func(in *sqsapi.TagQueueRequest) *string { return in.QueueUrl }),
		(*Service).TagQueue)
}

// TagQueue implements the operation.
func (s *Service) TagQueue(ctx context.Context, c *service.Call, in *sqsapi.TagQueueRequest) (*service.None, error) {
	q, err := s.resolve(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if len(in.Tags) == 0 {
		return nil, missingParameter("Tags")
	}
	if err := checkTags(q.name, in.Tags); err != nil {
		return nil, err
	}
	return nil, s.update(ctx, q, func(_ *catalog.Tx, r *record) error {
		if r.Tags == nil {
			r.Tags = make(map[string]string)
		}
		maps.Copy(r.Tags, in.Tags)
		if len(r.Tags) > maxTags {
			return tooManyTags(q.name)
		}
		return nil
	})
}
