package kinesis

import (
	"context"
	"github.com/spillway/spillway/internal/catalog"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/service"
)

// UpdateMaxRecordSize sets the largest record of a stream, 1 to 10 MiB.
//
// AWS: API_UpdateMaxRecordSize.
func init() {
	service.Register(&operations, kinesisapi.UpdateMaxRecordSize,
		on("UpdateMaxRecordSize", func(in *kinesisapi.UpdateMaxRecordSizeInput) (*string, *string) { return nil, in.StreamARN }), (*Service).UpdateMaxRecordSize)
}

// UpdateMaxRecordSize implements the operation.
func (s *Service) UpdateMaxRecordSize(ctx context.Context, c *service.Call, in *kinesisapi.UpdateMaxRecordSizeInput) (*service.None, error) {
	n, err := streamName(c, nil, in.StreamARN)
	if err != nil {
		return nil, err
	}
	x, err := s.find(n)
	if err != nil {
		return nil, err
	}
	return nil, s.change(ctx, x, func(_ *catalog.Tx, r *streamRecord) error {
		r.MaxRecordKiB = int(*in.MaxRecordSizeInKiB)
		return s.update(x.name, r, c.Now)
	})
}
