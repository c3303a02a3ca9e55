package sns

import (
	"context"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/service"
)

// ListSubscriptionsByTopic returns the subscriptions of a topic, 100 a page.
//
// AWS: API_ListSubscriptionsByTopic.
func init() {
	service.Register(&operations, snsapi.ListSubscriptionsByTopic,
		onTopic("SNS:ListSubscriptionsByTopic", func(in *snsapi.ListSubscriptionsByTopicInput) *string { return in.TopicArn }),
		(*Service).ListSubscriptionsByTopic)
}

// ListSubscriptionsByTopic implements the operation.
func (s *Service) ListSubscriptionsByTopic(ctx context.Context, c *service.Call, in *snsapi.ListSubscriptionsByTopicInput) (*snsapi.ListSubscriptionsByTopicResponse, error) {
	if err := s.current(ctx); err != nil {
		return nil, err
	}
	t, err := s.resolveTopic(c, in.TopicArn)
	if err != nil {
		return nil, err
	}
	subs, next, err := listed(t.subs.list(), in.NextToken)
	if err != nil {
		return nil, err
	}
	return &snsapi.ListSubscriptionsByTopicResponse{Subscriptions: subs, NextToken: next}, nil
}
