package sns

import (
	"context"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/service"
)

// UntagResource removes tags from a topic. Keys that it does not have are no error.
//
// AWS: API_UntagResource.
func init() {
	service.Register(&operations, snsapi.UntagResource,
		onTagged("SNS:UntagResource", func(in *snsapi.UntagResourceRequest) *string { return in.ResourceArn }), (*Service).UntagResource)
}

// UntagResource implements the operation.
func (s *Service) UntagResource(ctx context.Context, c *service.Call, in *snsapi.UntagResourceRequest) (*snsapi.UntagResourceResponse, error) {
	t, err := s.tagged(c, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return &snsapi.UntagResourceResponse{}, s.changeTopic(ctx, t, func(_ *catalog.Tx, r *topicRecord) error {
		for _, key := range in.TagKeys {
			delete(r.Tags, key)
		}
		return nil
	})
}
