package sns

import (
	"context"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/service"
)

// PutDataProtectionPolicy stores a topic's data protection policy, which is kept and
// shown but audits nothing.
//
// AWS: API_PutDataProtectionPolicy.
func init() {
	service.Register(&operations, snsapi.PutDataProtectionPolicy,
		onProtected("SNS:PutDataProtectionPolicy", func(in *snsapi.PutDataProtectionPolicyInput) *string { return in.ResourceArn }),
		(*Service).PutDataProtectionPolicy)
}

func onProtected[In any](action string, resource func(*In) *string) func(*Service, *service.Call, *In) (service.Access, error) {
	return func(s *Service, c *service.Call, in *In) (service.Access, error) {
		a, err := s.accessTopic(c, action, "ResourceArn", resource(in), in)
		a.OwnerOnly = true
		return a, err
	}
}

// maxProtection: PutDataProtectionPolicy API reference, bytes.
const maxProtection = 30_720

// PutDataProtectionPolicy implements the operation.
func (s *Service) PutDataProtectionPolicy(ctx context.Context, c *service.Call, in *snsapi.PutDataProtectionPolicyInput) (*service.None, error) {
	t, err := s.resolveTopic(c, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	text := deref(in.DataProtectionPolicy)
	if len(text) > maxProtection || text != "" && !validJSONObject(text) {
		return nil, invalid("DataProtectionPolicy")
	}
	return nil, s.changeTopic(ctx, t, func(_ *catalog.Tx, r *topicRecord) error {
		r.Protection = text
		return nil
	})
}
