package sns

import (
	"context"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/service"
)

// GetDataProtectionPolicy returns what PutDataProtectionPolicy stored.
//
// AWS: API_GetDataProtectionPolicy.
func init() {
	service.Register(&operations, snsapi.GetDataProtectionPolicy,
		onProtected("SNS:GetDataProtectionPolicy", func(in *snsapi.GetDataProtectionPolicyInput) *string { return in.ResourceArn }),
		(*Service).GetDataProtectionPolicy)
}

// GetDataProtectionPolicy implements the operation.
func (s *Service) GetDataProtectionPolicy(ctx context.Context, c *service.Call, in *snsapi.GetDataProtectionPolicyInput) (*snsapi.GetDataProtectionPolicyResponse, error) {
	t, err := s.resolveTopic(c, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return &snsapi.GetDataProtectionPolicyResponse{DataProtectionPolicy: new(t.Protection)}, nil
}
