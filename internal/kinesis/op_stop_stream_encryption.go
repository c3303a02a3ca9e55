package kinesis

import (
	"context"
	"github.com/spillway/spillway/internal/catalog"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/service"
)

// StopStreamEncryption ends what StartStreamEncryption began.
//
// AWS: API_StopStreamEncryption.
func init() {
	service.Register(&operations, kinesisapi.StopStreamEncryption,
		on("StopStreamEncryption", func(in *kinesisapi.StopStreamEncryptionInput) (*string, *string) { return in.StreamName, in.StreamARN }), (*Service).StopStreamEncryption)
}

// StopStreamEncryption implements the operation.
func (s *Service) StopStreamEncryption(ctx context.Context, c *service.Call, in *kinesisapi.StopStreamEncryptionInput) (*service.None, error) {
	n, err := streamName(c, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	x, err := s.find(n)
	if err != nil {
		return nil, err
	}
	return nil, s.change(ctx, x, func(_ *catalog.Tx, r *streamRecord) error {
		r.KeyID = ""
		return s.update(x.name, r, c.Now)
	})
}
