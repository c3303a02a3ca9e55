package kinesis

import (
	"context"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/service"
)

// ListTagsForResource returns the tags of a stream or consumer.
//
// AWS: API_ListTagsForResource.
func init() {
	service.Register(&operations, kinesisapi.ListTagsForResource,
		onResource("ListTagsForResource", func(in *kinesisapi.ListTagsForResourceInput) *string { return in.ResourceARN }), (*Service).ListTagsForResource)
}

// ListTagsForResource implements the operation.
func (s *Service) ListTagsForResource(ctx context.Context, c *service.Call, in *kinesisapi.ListTagsForResourceInput) (*kinesisapi.ListTagsForResourceOutput, error) {
	if err := s.current(ctx); err != nil {
		return nil, err
	}
	x, of, err := s.resourceOf(ctx, in.ResourceARN)
	if err != nil {
		return nil, err
	}
	return &kinesisapi.ListTagsForResourceOutput{Tags: listTags(resourceTags(x, of))}, nil
}
