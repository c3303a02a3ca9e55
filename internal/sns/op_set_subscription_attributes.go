package sns

import (
	"context"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/service"
)

// SetSubscriptionAttributes sets one attribute of a subscription.
//
// AWS: API_SetSubscriptionAttributes.
func init() {
	service.Register(&operations, snsapi.SetSubscriptionAttributes,
		onSubscription("SNS:SetSubscriptionAttributes", func(in *snsapi.SetSubscriptionAttributesInput) *string { return in.SubscriptionArn }),
		(*Service).SetSubscriptionAttributes)
}

// SetSubscriptionAttributes implements the operation.
func (s *Service) SetSubscriptionAttributes(ctx context.Context, c *service.Call, in *snsapi.SetSubscriptionAttributesInput) (*service.None, error) {
	sub, err := s.resolveSubscription(c, in.SubscriptionArn)
	if err != nil {
		return nil, err
	}
	attribute := deref(in.AttributeName)
	t, err := s.find(sub.name)
	if err != nil {
		return nil, err
	}
	return nil, s.changeSubscription(ctx, sub, func(_ *catalog.Tx, r *subscriptionRecord) error {
		changed, problem := changeAttributes(sub.name, r, map[string]string{attribute: deref(in.AttributeValue)})
		if problem != "" {
			return invalid("%s", problem)
		}
		r.Attributes = changed
		if attribute == attrReplayPolicy {
			if problem := startReplay(t, r, c.Now); problem != "" {
				return invalid("%s", problem)
			}
		}
		return nil
	})
}
