package sqs

import (
	"context"
	"slices"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/iam/policy"
	"github.com/spillway/spillway/internal/service"
)

// RemovePermission removes the statement with a label from the queue's policy, and
// the policy with its last statement.
//
// AWS: API_RemovePermission.
func init() {
	service.Register(&operations, sqsapi.RemovePermission,
		onOwnQueue("sqs:RemovePermission", func(in *sqsapi.RemovePermissionRequest) *string { return in.QueueUrl }),
		(*Service).RemovePermission)
}

// RemovePermission implements the operation.
func (s *Service) RemovePermission(ctx context.Context, c *service.Call, in *sqsapi.RemovePermissionRequest) (*service.None, error) {
	q, err := s.resolve(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if deref(in.Label) == "" {
		return nil, missingParameter("Label")
	}
	return nil, s.changePolicy(ctx, c, q, func(p *policy.Edit) error {
		i := p.Find(*in.Label)
		if i < 0 {
			return invalidParameter("Value %s for parameter Label is invalid. Reason: can't find label.", *in.Label)
		}
		p.Statement = slices.Delete(p.Statement, i, i+1)
		return nil
	})
}
