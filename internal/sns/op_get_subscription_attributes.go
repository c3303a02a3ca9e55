package sns

import (
	"context"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/service"
)

// GetSubscriptionAttributes returns all attributes of a subscription.
//
// AWS: API_GetSubscriptionAttributes.
func init() {
	service.Register(&operations, snsapi.GetSubscriptionAttributes,
		onSubscription("SNS:GetSubscriptionAttributes", func(in *snsapi.GetSubscriptionAttributesInput) *string { return in.SubscriptionArn }),
		(*Service).GetSubscriptionAttributes)
}

// onSubscription returns the authorization of an operation on the subscription that its
// input names: it belongs to who subscribed.
func onSubscription[In any](action string, subscriptionARN func(*In) *string) func(*Service, *service.Call, *In) (service.Access, error) {
	return func(s *Service, c *service.Call, in *In) (service.Access, error) {
		if err := validate(in); err != nil {
			return service.Access{}, err
		}
		sub, err := s.resolveSubscription(c, subscriptionARN(in))
		if err != nil {
			return service.Access{}, err
		}
		a := service.Access{Action: action, Resource: sub.name.arn(), Owner: sub.Owner, OwnerOnly: true}
		if c.Account() == sub.account { // or to the owner of the topic
			a.Owner = sub.account
		}
		return a, nil
	}
}

func (s *Service) resolveSubscription(c *service.Call, text *string) (*subscription, error) {
	n, err := readSubscriptionARN(c, deref(text))
	if err != nil {
		return nil, err
	}
	return s.findSubscription(n)
}

// GetSubscriptionAttributes implements the operation.
func (s *Service) GetSubscriptionAttributes(ctx context.Context, c *service.Call, in *snsapi.GetSubscriptionAttributesInput) (*snsapi.GetSubscriptionAttributesResponse, error) {
	sub, err := s.resolveSubscription(c, in.SubscriptionArn)
	if err != nil {
		return nil, err
	}
	return &snsapi.GetSubscriptionAttributesResponse{Attributes: sub.attributes(s.lookup(sub.name))}, nil
}
