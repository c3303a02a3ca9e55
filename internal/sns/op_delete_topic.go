package sns

import (
	"context"
	"time"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/service"
)

// DeleteTopic deletes a topic and ends its subscriptions. One that does not exist is no
// error. An archive must be switched off first.
//
// AWS: API_DeleteTopic.
func init() {
	service.Register(&operations, snsapi.DeleteTopic, (*Service).accessDeleteTopic, (*Service).DeleteTopic)
}

func (s *Service) accessDeleteTopic(c *service.Call, in *snsapi.DeleteTopicInput) (service.Access, error) {
	if err := validate(in); err != nil {
		return service.Access{}, err
	}
	n, err := topicName(c, "TopicArn", deref(in.TopicArn))
	if err != nil {
		return service.Access{}, err
	}
	switch t, err := s.find(n); {
	case err == nil:
		return t.access(c, "SNS:DeleteTopic"), nil
	case err.Error() != errNoTopic().Error():
		return service.Access{}, err
	}
	return service.Access{Action: "SNS:DeleteTopic", Resource: n.arn(), Owner: n.account}, nil
}

const (
	// lingers is how long a subscription answers after its topic was deleted.
	lingers = time.Minute
	// restorable is how long the link in a confirmation works. AWS: three days.
	restorable = 72 * time.Hour
)

// DeleteTopic implements the operation.
func (s *Service) DeleteTopic(ctx context.Context, c *service.Call, in *snsapi.DeleteTopicInput) (*service.None, error) {
	t, err := s.resolveTopic(c, in.TopicArn)
	if err != nil {
		if err.Error() == errNoTopic().Error() {
			return nil, nil
		}
		return nil, err
	}
	if t.Archive != 0 {
		return nil, snsapi.InvalidStateException.New("Invalid state: Cannot delete a topic that has an ArchivePolicy")
	}
	ended := s.endedBefore(c.Now)
	err = s.endTopic(ctx, t, c.Now, func(tx *catalog.Tx) (done bool, err error) {
		r, ok, err := get[topicRecord](tx, kindTopic, t.key())
		if err != nil || !ok || r.ID != t.ID {
			return true, err
		}
		tx.Delete(kindTopic, t.key())
		for _, key := range ended {
			tx.Delete(kindSubscription, key)
		}
		return false, nil
	})
	if err != nil || len(t.subs.list()) == 0 {
		return nil, err
	}
	// Subscriptions that were made in the meantime; from now on there are no more.
	return nil, s.endTopic(ctx, t, c.Now, func(tx *catalog.Tx) (done bool, err error) {
		_, again := tx.Get(kindTopic, t.key())
		return again, nil
	})
}

// endTopic ends the subscriptions of a topic, unless first says that it is done.
func (s *Service) endTopic(ctx context.Context, t *topic, now time.Time, first func(tx *catalog.Tx) (done bool, err error)) error {
	var keys []string
	for _, sub := range t.subs.list() {
		keys = append(keys, sub.key())
	}
	return engineError(s.catalog.Update(ctx, func(tx *catalog.Tx) error {
		if done, err := first(tx); done || err != nil {
			return err
		}
		for _, key := range keys {
			sub, ok, err := get[subscriptionRecord](tx, kindSubscription, key)
			if err != nil {
				return err
			}
			if ok {
				tx.Delete(kindSubscribed, endpointKey(t.ID, sub.Protocol, sub.Endpoint))
				sub.Ended, sub.Orphan = now.UnixMilli(), true
				if err := put(tx, kindSubscription, key, &sub); err != nil {
					return err
				}
			}
		}
		return nil
	}))
}

// endedBefore returns the keys of subscriptions whose time to be restored is over.
func (s *Service) endedBefore(now time.Time) (keys []string) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for n, sub := range s.subs {
		keep := restorable
		if sub.Orphan {
			keep = lingers
		}
		if sub.Ended != 0 && now.Sub(time.UnixMilli(sub.Ended)) > keep {
			keys = append(keys, n.key())
		}
	}
	return keys
}
