package sns

import (
	"context"
	"slices"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/iam/policy"
	"github.com/spillway/spillway/internal/service"
)

// RemovePermission removes the statement with a label from the topic's policy. One that
// is not there is no error.
//
// AWS: API_RemovePermission.
func init() {
	service.Register(&operations, snsapi.RemovePermission,
		onTopic("SNS:RemovePermission", func(in *snsapi.RemovePermissionInput) *string { return in.TopicArn }),
		(*Service).RemovePermission)
}

// RemovePermission implements the operation.
func (s *Service) RemovePermission(ctx context.Context, c *service.Call, in *snsapi.RemovePermissionInput) (*service.None, error) {
	t, err := s.resolveTopic(c, in.TopicArn)
	if err != nil {
		return nil, err
	}
	return nil, s.changePolicy(ctx, t, func(p *policy.Edit) error {
		if i := p.Find(deref(in.Label)); i >= 0 {
			p.Statement = slices.Delete(p.Statement, i, i+1)
		}
		return nil
	})
}
