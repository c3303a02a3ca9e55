package kinesis

import (
	"context"
	"github.com/spillway/spillway/internal/catalog"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/service"
)

// AddTagsToStream adds tags to a stream, 50 at most.
//
// AWS: API_AddTagsToStream.
func init() {
	service.Register(&operations, kinesisapi.AddTagsToStream,
		on("AddTagsToStream", func(in *kinesisapi.AddTagsToStreamInput) (*string, *string) { return in.StreamName, in.StreamARN }), (*Service).AddTagsToStream)
}

// AddTagsToStream implements the operation.
func (s *Service) AddTagsToStream(ctx context.Context, c *service.Call, in *kinesisapi.AddTagsToStreamInput) (*service.None, error) {
	n, err := streamName(c, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	x, err := s.find(n)
	if err != nil {
		return nil, err
	}
	return nil, s.change(ctx, x, func(_ *catalog.Tx, r *streamRecord) error { return addTags(n, &r.Tags, in.Tags) })
}
