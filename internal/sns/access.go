package sns

import (
	"context"
	"errors"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/service"
	"github.com/spillway/spillway/internal/smithy"
)

// onTopic returns the authorization of an operation on the topic that its input names.
func onTopic[In any](action string, topicARN func(*In) *string) func(*Service, *service.Call, *In) (service.Access, error) {
	return func(s *Service, c *service.Call, in *In) (service.Access, error) {
		return s.accessTopic(c, action, "TopicArn", topicARN(in), in)
	}
}

// accessTopic checks the input by the model, finds the topic, and says what its policy
// decides about.
func (s *Service) accessTopic(c *service.Call, action, parameter string, topicARN *string, in any) (service.Access, error) {
	if err := validate(in); err != nil {
		return service.Access{}, err
	}
	n, err := topicName(c, parameter, deref(topicARN))
	if err != nil {
		return service.Access{}, err
	}
	t, err := s.find(n)
	if err != nil {
		return service.Access{}, err
	}
	return t.access(c, action), nil
}

// access is what a call on the topic needs. The default policy asks for the caller's
// account in a key that only SNS has.
func (t *topic) access(c *service.Call, action string) service.Access {
	c.Conditions.Keys = map[string][]string{"aws:sourceowner": {c.Account()}}
	return service.Access{Action: action, Resource: t.ARN, Owner: t.account, Policy: t.policy}
}

// inAccount returns the authorization of an operation on something of the caller's
// account that has no policy of its own.
func inAccount[In any](action string, resource func(*service.Call, *In) string) func(*Service, *service.Call, *In) (service.Access, error) {
	return func(_ *Service, c *service.Call, in *In) (service.Access, error) {
		if err := validate(in); err != nil {
			return service.Access{}, err
		}
		return service.Access{Action: action, Resource: resource(c, in), OwnerOnly: true}, nil
	}
}

func anyResource[In any](*service.Call, *In) string { return "*" }

// validate checks an input by its model: what is required (recorded).
func validate(in any) error {
	if v, ok := in.(smithy.Shape); ok {
		return smithy.Validate(v)
	}
	return nil
}

// engineError maps errors of what is below; others stay as they are and are answered
// as an internal failure.
func engineError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, partition.ErrDiskFull):
		e := smithy.ServiceUnavailable.New("The server is short of disk space. Try again later.")
		e.Hint = "free disk space, or raise min-free-bytes"
		return e
	case errors.Is(err, partition.ErrBusy), errors.Is(err, partition.ErrStopped), errors.Is(err, partition.ErrNotOwner):
		return smithy.ServiceUnavailable.New("The request has failed due to a temporary failure of the server.")
	}
	return err
}

// changeTopic changes the record of a topic that exists. The change is durable and in
// force when it returns; an error from change leaves everything as it was.
func (s *Service) changeTopic(ctx context.Context, t *topic, change func(tx *catalog.Tx, r *topicRecord) error) error {
	return engineError(s.catalog.Update(ctx, func(tx *catalog.Tx) error {
		r, ok, err := get[topicRecord](tx, kindTopic, t.key())
		if err != nil {
			return err
		}
		if !ok || r.ID != t.ID {
			return errNoTopic()
		}
		if err := change(tx, &r); err != nil {
			return err
		}
		return put(tx, kindTopic, t.key(), &r)
	}))
}

// changeSubscription is changeTopic for a subscription.
func (s *Service) changeSubscription(ctx context.Context, sub *subscription, change func(tx *catalog.Tx, r *subscriptionRecord) error) error {
	return engineError(s.catalog.Update(ctx, func(tx *catalog.Tx) error {
		r, ok, err := get[subscriptionRecord](tx, kindSubscription, sub.key())
		if err != nil {
			return err
		}
		if !ok || r.ID != sub.ID {
			return errNoSubscription()
		}
		if err := change(tx, &r); err != nil {
			return err
		}
		return put(tx, kindSubscription, sub.key(), &r)
	}))
}

// resolveTopic finds the topic of a call that accessTopic has let in.
func (s *Service) resolveTopic(c *service.Call, topicARN *string) (*topic, error) {
	n, err := topicName(c, "TopicArn", deref(topicARN))
	if err != nil {
		return nil, err
	}
	return s.find(n)
}

// noResource is the answer about tags of what does not exist.
func noResource() error { return snsapi.ResourceNotFoundException.New("Resource does not exist") }
