package kinesis

import (
	"context"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/service"
)

// DeleteResourcePolicy removes the policy of a stream or consumer. There must be one.
//
// AWS: API_DeleteResourcePolicy.
func init() {
	service.Register(&operations, kinesisapi.DeleteResourcePolicy,
		onResource("DeleteResourcePolicy", func(in *kinesisapi.DeleteResourcePolicyInput) *string { return in.ResourceARN }), (*Service).DeleteResourcePolicy)
}

// DeleteResourcePolicy implements the operation.
func (s *Service) DeleteResourcePolicy(ctx context.Context, c *service.Call, in *kinesisapi.DeleteResourcePolicyInput) (*service.None, error) {
	x, of, err := s.resourceOf(ctx, in.ResourceARN)
	if err != nil {
		return nil, err
	}
	return nil, s.changeResource(ctx, x, of, func(_ *map[string]string, text *string) error {
		if *text == "" {
			return notFound("No resource policy found for resource ARN %s", *in.ResourceARN)
		}
		*text = ""
		return nil
	})
}
