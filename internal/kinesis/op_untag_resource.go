package kinesis

import (
	"context"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/service"
)

// UntagResource removes tags from a stream or consumer. Keys that are not there are no error.
//
// AWS: API_UntagResource.
func init() {
	service.Register(&operations, kinesisapi.UntagResource,
		onResource("UntagResource", func(in *kinesisapi.UntagResourceInput) *string { return in.ResourceARN }), (*Service).UntagResource)
}

// UntagResource implements the operation.
func (s *Service) UntagResource(ctx context.Context, c *service.Call, in *kinesisapi.UntagResourceInput) (*service.None, error) {
	x, of, err := s.resourceOf(ctx, in.ResourceARN)
	if err != nil {
		return nil, err
	}
	return nil, s.changeResource(ctx, x, of, func(tags *map[string]string, _ *string) error {
		for _, key := range in.TagKeys {
			delete(*tags, key)
		}
		return nil
	})
}
