package kinesis

import (
	"context"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/service"
)

// TagResource adds tags to a stream or consumer.
//
// AWS: API_TagResource.
func init() {
	service.Register(&operations, kinesisapi.TagResource,
		onResource("TagResource", func(in *kinesisapi.TagResourceInput) *string { return in.ResourceARN }), (*Service).TagResource)
}

// TagResource implements the operation.
func (s *Service) TagResource(ctx context.Context, c *service.Call, in *kinesisapi.TagResourceInput) (*service.None, error) {
	x, of, err := s.resourceOf(ctx, in.ResourceARN)
	if err != nil {
		return nil, err
	}
	return nil, s.changeResource(ctx, x, of, func(tags *map[string]string, _ *string) error {
		return addTags(x.name, tags, in.Tags)
	})
}
