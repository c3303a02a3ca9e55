package kinesis

import (
	"context"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/service"
)

// GetResourcePolicy returns the policy of a stream or consumer, {} if there is none.
//
// AWS: API_GetResourcePolicy.
func init() {
	service.Register(&operations, kinesisapi.GetResourcePolicy,
		onResource("GetResourcePolicy", func(in *kinesisapi.GetResourcePolicyInput) *string { return in.ResourceARN }), (*Service).GetResourcePolicy)
}

// GetResourcePolicy implements the operation.
func (s *Service) GetResourcePolicy(ctx context.Context, c *service.Call, in *kinesisapi.GetResourcePolicyInput) (*kinesisapi.GetResourcePolicyOutput, error) {
	if err := s.current(ctx); err != nil {
		return nil, err
	}
	x, of, err := s.resourceOf(ctx, in.ResourceARN)
	if err != nil {
		return nil, err
	}
	text := resourcePolicy(x, of)
	if text == "" {
		text = "{}"
	}
	return &kinesisapi.GetResourcePolicyOutput{Policy: new(text)}, nil
}
