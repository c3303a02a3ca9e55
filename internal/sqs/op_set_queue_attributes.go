package sqs

import (
	"context"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/service"
)

// SetQueueAttributes changes attributes, all or none, at once (AWS: within 60 s,
// the retention period within 15 minutes).
//
// AWS: API_SetQueueAttributes.
func init() {
	service.Register(&operations, sqsapi.SetQueueAttributes,
		onOwnQueue("sqs:SetQueueAttributes", func(in *sqsapi.SetQueueAttributesRequest) *string { return in.QueueUrl }),
		(*Service).SetQueueAttributes)
}

// SetQueueAttributes implements the operation.
func (s *Service) SetQueueAttributes(ctx context.Context, c *service.Call, in *sqsapi.SetQueueAttributesRequest) (*service.None, error) {
	q, err := s.resolve(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if len(in.Attributes) == 0 {
		return nil, missingParameter("Attribute.Name")
	}
	given, err := s.checkAttributes(q.name, in.Attributes, false)
	if err != nil {
		return nil, err
	}
	return nil, s.update(ctx, q, func(tx *catalog.Tx, r *record) error {
		if err := s.checkDeadLetter(tx, q.name, given[attrRedrivePolicy]); err != nil {
			return err
		}
		if r.Attributes == nil {
			r.Attributes = make(map[string]string)
		}
		applyAttributes(r.Attributes, given)
		r.Modified = millis(c.Now)
		return checkThroughput(r.Attributes)
	})
}
