package kinesis

import (
	"context"
	"github.com/spillway/spillway/internal/iam/policy"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/service"
)

// PutResourcePolicy sets the policy of a stream or consumer.
//
// AWS: API_PutResourcePolicy.
func init() {
	service.Register(&operations, kinesisapi.PutResourcePolicy,
		onResource("PutResourcePolicy", func(in *kinesisapi.PutResourcePolicyInput) *string { return in.ResourceARN }), (*Service).PutResourcePolicy)
}

// PutResourcePolicy implements the operation.
func (s *Service) PutResourcePolicy(ctx context.Context, c *service.Call, in *kinesisapi.PutResourcePolicyInput) (*service.None, error) {
	x, of, err := s.resourceOf(ctx, in.ResourceARN)
	if err != nil {
		return nil, err
	}
	d, err := policy.Parse(*in.Policy)
	if err == nil {
		err = d.CheckResource()
	}
	if err != nil {
		return nil, invalid("Invalid policy: %v", err)
	}
	return nil, s.changeResource(ctx, x, of, func(_ *map[string]string, text *string) error {
		*text = *in.Policy
		return nil
	})
}
