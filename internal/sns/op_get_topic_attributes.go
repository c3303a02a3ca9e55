package sns

import (
	"context"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/service"
)

// GetTopicAttributes returns all attributes of a topic.
//
// AWS: API_GetTopicAttributes.
func init() {
	service.Register(&operations, snsapi.GetTopicAttributes,
		onTopic("SNS:GetTopicAttributes", func(in *snsapi.GetTopicAttributesInput) *string { return in.TopicArn }),
		(*Service).GetTopicAttributes)
}

// GetTopicAttributes implements the operation.
func (s *Service) GetTopicAttributes(ctx context.Context, c *service.Call, in *snsapi.GetTopicAttributesInput) (*snsapi.GetTopicAttributesResponse, error) {
	t, err := s.resolveTopic(c, in.TopicArn)
	if err != nil {
		return nil, err
	}
	return &snsapi.GetTopicAttributesResponse{Attributes: t.attributes()}, nil
}
