package kinesis

import (
	"context"
	"github.com/spillway/spillway/internal/catalog"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/service"
)

// RemoveTagsFromStream removes tags from a stream. Keys that are not there are no error.
//
// AWS: API_RemoveTagsFromStream.
func init() {
	service.Register(&operations, kinesisapi.RemoveTagsFromStream,
		on("RemoveTagsFromStream", func(in *kinesisapi.RemoveTagsFromStreamInput) (*string, *string) { return in.StreamName, in.StreamARN }), (*Service).RemoveTagsFromStream)
}

// RemoveTagsFromStream implements the operation.
func (s *Service) RemoveTagsFromStream(ctx context.Context, c *service.Call, in *kinesisapi.RemoveTagsFromStreamInput) (*service.None, error) {
	n, err := streamName(c, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	x, err := s.find(n)
	if err != nil {
		return nil, err
	}
	return nil, s.change(ctx, x, func(_ *catalog.Tx, r *streamRecord) error {
		for _, key := range in.TagKeys {
			delete(r.Tags, key)
		}
		return nil
	})
}
