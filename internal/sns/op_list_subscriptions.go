package sns

import (
	"context"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/service"
)

// ListSubscriptions returns the caller's subscriptions of the region, 100 a page.
//
// AWS: API_ListSubscriptions.
func init() {
	service.Register(&operations, snsapi.ListSubscriptions,
		inAccount("SNS:ListSubscriptions", anyResource[snsapi.ListSubscriptionsInput]), (*Service).ListSubscriptions)
}

// ListSubscriptions implements the operation.
func (s *Service) ListSubscriptions(ctx context.Context, c *service.Call, in *snsapi.ListSubscriptionsInput) (*snsapi.ListSubscriptionsResponse, error) {
	if err := s.current(ctx); err != nil {
		return nil, err
	}
	subs, next, err := listed(s.subscriptionsOf(zone{c.Region, c.Account()}), in.NextToken)
	if err != nil {
		return nil, err
	}
	return &snsapi.ListSubscriptionsResponse{Subscriptions: subs, NextToken: next}, nil
}

func (s *Service) subscriptionsOf(z zone) (out []*subscription) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for n, sub := range s.subs {
		if n.region == z.region && sub.Owner == z.account && sub.Ended == 0 {
			out = append(out, sub)
		}
	}
	return out
}

// listed is a page of subscriptions as lists show them.
func listed(all []*subscription, token *string) ([]snsapi.Subscription, *string, error) {
	subs, next, err := page(all, func(sub *subscription) string { return sub.key() }, pageSize, token)
	if err != nil {
		return nil, nil, err
	}
	out := make([]snsapi.Subscription, 0, len(subs))
	for _, sub := range subs {
		arn := sub.ARN
		if sub.Pending {
			arn = "PendingConfirmation"
		}
		out = append(out, snsapi.Subscription{
			TopicArn: new(sub.name.arn()), Protocol: new(sub.Protocol), SubscriptionArn: new(arn),
			Owner: new(sub.Owner), Endpoint: new(sub.Endpoint),
		})
	}
	return out, next, nil
}
