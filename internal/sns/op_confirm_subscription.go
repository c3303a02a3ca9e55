package sns

import (
	"context"
	"strings"
	"time"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/service"
)

// ConfirmSubscription confirms a subscription with the token that its endpoint was
// sent, or restores one that ended. It needs no signature: the token is the permission,
// so that a link can do it.
//
// AWS: API_ConfirmSubscription.
func init() {
	service.Register(&operations, snsapi.ConfirmSubscription, (*Service).accessConfirmSubscription, (*Service).ConfirmSubscription)
}

func (s *Service) accessConfirmSubscription(_ *service.Call, in *snsapi.ConfirmSubscriptionInput) (service.Access, error) {
	return service.Access{}, validate(in)
}

// ConfirmSubscription implements the operation.
func (s *Service) ConfirmSubscription(ctx context.Context, c *service.Call, in *snsapi.ConfirmSubscriptionInput) (*snsapi.ConfirmSubscriptionResponse, error) {
	n, err := linkTopic(c, deref(in.TopicArn))
	if err != nil {
		return nil, err
	}
	token := deref(in.Token)
	if !validToken(token) {
		return nil, snsapi.InvalidParameterException.New("Invalid token")
	}
	sub, err := s.byToken(ctx, token)
	switch {
	case err != nil:
		return nil, err
	case sub == nil:
		return nil, invalid("Token")
	case sub.name != n || sub.Orphan:
		return nil, invalid("Topic")
	}
	signed := !c.Principal.Anonymous
	err = s.changeSubscription(ctx, sub, func(tx *catalog.Tx, r *subscriptionRecord) error {
		if r.Token != token || c.Now.Sub(time.UnixMilli(r.TokenMade)) > restorable {
			return invalid("Token")
		}
		if r.Ended != 0 {
			if err := restore(tx, sub.subscriptionName, r); err != nil {
				return err
			}
		}
		if r.Pending {
			r.AuthEnd = signed && strings.EqualFold(deref(in.AuthenticateOnUnsubscribe), "true")
			r.AuthConfirm = r.AuthEnd
		}
		r.Pending, r.Ended = false, 0
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &snsapi.ConfirmSubscriptionResponse{SubscriptionArn: new(sub.ARN)}, nil
}

// restore makes an ended subscription the one of its endpoint again.
func restore(tx *catalog.Tx, n subscriptionName, r *subscriptionRecord) error {
	t, ok, err := get[topicRecord](tx, kindTopic, n.name.key())
	if err != nil {
		return err
	}
	key := endpointKey(t.ID, r.Protocol, r.Endpoint)
	if _, taken := tx.Get(kindSubscribed, key); !ok || taken {
		return invalid("Token") // the endpoint was subscribed anew
	}
	t.Deleted--
	tx.Put(kindSubscribed, key, []byte(n.id))
	return put(tx, kindTopic, n.name.key(), &t)
}

// linkTopic reads the topic of a link, which may be followed in any region.
func linkTopic(c *service.Call, text string) (name, error) {
	if parts := strings.SplitN(text, ":", 6); len(parts) == 6 && c.Principal.Anonymous {
		c.Region = parts[3]
	}
	return topicName(c, "TopicArn", text)
}

func validToken(s string) bool {
	if len(s) != len(newToken()) {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// byToken returns the subscription that was sent a token, or nil.
func (s *Service) byToken(ctx context.Context, token string) (*subscription, error) {
	if sub := s.searchToken(token); sub != nil {
		return sub, nil
	}
	ctx, cancel := context.WithTimeout(ctx, findLimit)
	defer cancel()
	if err := s.current(ctx); err != nil {
		return nil, err
	}
	return s.searchToken(token), nil
}

// searchToken looks at all subscriptions: it is done once for each.
func (s *Service) searchToken(token string) *subscription {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, sub := range s.subs {
		if sub.Token == token {
			return sub
		}
	}
	return nil
}
