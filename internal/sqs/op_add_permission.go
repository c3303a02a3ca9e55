package sqs

import (
	"context"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/iam/policy"
	"github.com/spillway/spillway/internal/service"
)

// AddPermission adds a statement to the queue's policy that lets accounts do some
// actions.
//
// AWS: API_AddPermission.
func init() {
	service.Register(&operations, sqsapi.AddPermission,
		onOwnQueue("sqs:AddPermission", func(in *sqsapi.AddPermissionRequest) *string { return in.QueueUrl }),
		(*Service).AddPermission)
}

// AddPermission implements the operation.
func (s *Service) AddPermission(ctx context.Context, c *service.Call, in *sqsapi.AddPermissionRequest) (*service.None, error) {
	q, err := s.resolve(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if err := checkPermission(in.Label, in.AWSAccountIds, in.Actions); err != nil {
		return nil, err
	}
	actions := make([]string, len(in.Actions))
	for i, a := range in.Actions {
		actions[i] = "SQS:" + a
	}
	return nil, s.changePolicy(ctx, c, q, func(p *policy.Edit) error {
		if p.Find(*in.Label) >= 0 {
			return invalidParameter("Value %s for parameter Label is invalid. Reason: Already exists.", *in.Label)
		}
		if n := len(p.Statement) + 1; n > maxStatements {
			return sqsapi.OverLimit.Newf("%d statements were found in the submitted policy, max allowed is %d", n, maxStatements)
		}
		return p.Grant(*in.Label, in.AWSAccountIds, actions, q.ARN)
	})
}

// changePolicy changes the statements of the queue's policy.
func (s *Service) changePolicy(ctx context.Context, c *service.Call, q *Queue, change func(p *policy.Edit) error) error {
	return s.update(ctx, q, func(_ *catalog.Tx, r *record) error {
		p, err := editPolicy(q.name, r.Attributes[attrPolicy])
		if err != nil {
			return err
		}
		if err := change(&p); err != nil {
			return err
		}
		text, err := p.Text()
		if err != nil {
			return err
		}
		if r.Attributes == nil {
			r.Attributes = make(map[string]string)
		}
		applyAttributes(r.Attributes, map[string]string{attrPolicy: text})
		r.Modified = millis(c.Now)
		return nil
	})
}
