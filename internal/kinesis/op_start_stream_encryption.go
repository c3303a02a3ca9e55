package kinesis

import (
	"context"
	"github.com/spillway/spillway/internal/catalog"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/service"
)

// StartStreamEncryption notes the key that a stream is encrypted with. Spillway encrypts nothing itself: it is kept and shown.
//
// AWS: API_StartStreamEncryption.
func init() {
	service.Register(&operations, kinesisapi.StartStreamEncryption,
		on("StartStreamEncryption", func(in *kinesisapi.StartStreamEncryptionInput) (*string, *string) { return in.StreamName, in.StreamARN }), (*Service).StartStreamEncryption)
}

// StartStreamEncryption implements the operation.
func (s *Service) StartStreamEncryption(ctx context.Context, c *service.Call, in *kinesisapi.StartStreamEncryptionInput) (*service.None, error) {
	n, err := streamName(c, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	x, err := s.find(n)
	if err != nil {
		return nil, err
	}
	return nil, s.change(ctx, x, func(_ *catalog.Tx, r *streamRecord) error {
		r.KeyID = *in.KeyId
		return s.update(x.name, r, c.Now)
	})
}
