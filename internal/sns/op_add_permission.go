package sns

import (
	"context"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/iam/policy"
	"github.com/spillway/spillway/internal/service"
)

// AddPermission adds a statement to the topic's policy that lets accounts do some
// actions.
//
// AWS: API_AddPermission.
func init() {
	service.Register(&operations, snsapi.AddPermission,
		onTopic("SNS:AddPermission", func(in *snsapi.AddPermissionInput) *string { return in.TopicArn }),
		(*Service).AddPermission)
}

// AddPermission implements the operation.
func (s *Service) AddPermission(ctx context.Context, c *service.Call, in *snsapi.AddPermissionInput) (*service.None, error) {
	t, err := s.resolveTopic(c, in.TopicArn)
	if err != nil {
		return nil, err
	}
	actions, err := checkPermission(in.AWSAccountId, in.ActionName)
	if err != nil {
		return nil, err
	}
	return nil, s.changePolicy(ctx, t, func(p *policy.Edit) error {
		if p.Find(deref(in.Label)) >= 0 {
			return invalid("Statement already exists")
		}
		return p.Grant(deref(in.Label), in.AWSAccountId, actions, t.ARN)
	})
}
