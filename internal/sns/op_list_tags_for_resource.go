package sns

import (
	"context"
	"maps"
	"slices"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/service"
)

// ListTagsForResource returns the tags of a topic.
//
// AWS: API_ListTagsForResource.
func init() {
	service.Register(&operations, snsapi.ListTagsForResource,
		onTagged("SNS:ListTagsForResource", func(in *snsapi.ListTagsForResourceRequest) *string { return in.ResourceArn }), (*Service).ListTagsForResource)
}

// ListTagsForResource implements the operation.
func (s *Service) ListTagsForResource(ctx context.Context, c *service.Call, in *snsapi.ListTagsForResourceRequest) (*snsapi.ListTagsForResourceResponse, error) {
	t, err := s.tagged(c, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	out := &snsapi.ListTagsForResourceResponse{Tags: make([]snsapi.Tag, 0, len(t.Tags))}
	for _, key := range slices.Sorted(maps.Keys(t.Tags)) {
		out.Tags = append(out.Tags, snsapi.Tag{Key: new(key), Value: new(t.Tags[key])})
	}
	return out, nil
}
