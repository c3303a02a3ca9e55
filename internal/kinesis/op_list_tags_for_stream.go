package kinesis

import (
	"context"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/service"
)

// ListTagsForStream returns the tags of a stream in order of key, up to Limit behind a key.
//
// AWS: API_ListTagsForStream.
func init() {
	service.Register(&operations, kinesisapi.ListTagsForStream,
		on("ListTagsForStream", func(in *kinesisapi.ListTagsForStreamInput) (*string, *string) { return in.StreamName, in.StreamARN }), (*Service).ListTagsForStream)
}

// ListTagsForStream implements the operation.
func (s *Service) ListTagsForStream(ctx context.Context, c *service.Call, in *kinesisapi.ListTagsForStreamInput) (*kinesisapi.ListTagsForStreamOutput, error) {
	n, err := streamName(c, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	x, err := s.shown(ctx, n)
	if err != nil {
		return nil, err
	}
	most := maxTags
	if in.Limit != nil {
		most = int(*in.Limit)
	}
	tags := listTags(x.Tags)
	for len(tags) > 0 && *tags[0].Key <= deref(in.ExclusiveStartTagKey) {
		tags = tags[1:]
	}
	more := len(tags) > most
	return &kinesisapi.ListTagsForStreamOutput{Tags: tags[:min(most, len(tags))], HasMoreTags: new(more)}, nil
}
