package sns

import (
	"context"
	"strings"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/service"
)

// Unsubscribe ends a subscription. One that does not exist is no error. Unsigned calls,
// which the link in a message makes, end only those whose endpoint confirmed without
// asking for a signature.
//
// AWS: API_Unsubscribe.
func init() {
	service.Register(&operations, snsapi.Unsubscribe, (*Service).accessUnsubscribe, (*Service).Unsubscribe)
}

func (s *Service) accessUnsubscribe(c *service.Call, in *snsapi.UnsubscribeInput) (service.Access, error) {
	if err := validate(in); err != nil {
		return service.Access{}, err
	}
	if parts := strings.SplitN(deref(in.SubscriptionArn), ":", 6); len(parts) == 6 && c.Principal.Anonymous {
		c.Region = parts[3] // the link does not say it elsewhere
	}
	n, err := readSubscriptionARN(c, deref(in.SubscriptionArn))
	if err != nil {
		return service.Access{}, err
	}
	sub, err := s.findSubscription(n)
	if err != nil && err.Error() != errNoSubscription().Error() {
		return service.Access{}, err
	}
	if c.Principal.Anonymous && !c.Principal.Unrestricted {
		if sub != nil && (sub.AuthEnd || !protocols[sub.Protocol].confirms) {
			return service.Access{}, snsapi.AuthorizationErrorException.New("The caller does not have permission to unsubscribe")
		}
		return service.Access{}, nil
	}
	a := service.Access{Action: "SNS:Unsubscribe", Resource: n.name.arn(), Owner: n.account}
	if sub != nil {
		a.Owner = sub.Owner
		if c.Account() == n.account { // the owner of the topic may as well
			a.Owner = n.account
		}
	}
	return a, nil
}

// Unsubscribe implements the operation.
func (s *Service) Unsubscribe(ctx context.Context, c *service.Call, in *snsapi.UnsubscribeInput) (*service.None, error) {
	n, err := readSubscriptionARN(c, deref(in.SubscriptionArn))
	if err != nil {
		return nil, err
	}
	sub, err := s.findSubscription(n)
	if err != nil {
		if err.Error() == errNoSubscription().Error() {
			return nil, nil
		}
		return nil, err
	}
	if sub.Pending {
		return nil, invalid("SubscriptionArn Reason: This operation is not allowed on a subscription pending confirmation")
	}
	ended := s.endedBefore(c.Now)
	var left *made
	err = s.catalog.Update(ctx, func(tx *catalog.Tx) error {
		left = nil
		r, ok, err := get[subscriptionRecord](tx, kindSubscription, n.key())
		if err != nil || !ok || r.ID != sub.ID {
			return err
		}
		for _, key := range ended {
			tx.Delete(kindSubscription, key)
		}
		if t, ok, err := get[topicRecord](tx, kindTopic, n.name.key()); err != nil {
			return err
		} else if ok && !r.Orphan { // else it is another topic of that name
			t.Deleted++
			tx.Delete(kindSubscribed, endpointKey(t.ID, r.Protocol, r.Endpoint))
			if err := put(tx, kindTopic, n.name.key(), &t); err != nil {
				return err
			}
		}
		if r.Protocol != "http" && r.Protocol != "https" || r.Orphan {
			tx.Delete(kindSubscription, n.key())
			return nil
		}
		// Its endpoint is told, and can undo it.
		r.Ended, r.Token, r.TokenMade = c.Now.UnixMilli(), newToken(), c.Now.UnixMilli()
		left = &made{n, r}
		return put(tx, kindSubscription, n.key(), &r)
	})
	if err == nil && left != nil {
		return nil, s.sendConfirmation(ctx, *left, typeUnsubscribe)
	}
	return nil, engineError(err)
}
