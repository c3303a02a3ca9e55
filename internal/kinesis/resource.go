package kinesis

import (
	"context"

	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/service"
)

// onResource returns the authorization of an operation on the stream or consumer that its
// input names.
func onResource[In any](action string, resourceARN func(*In) *string) func(*Service, *service.Call, *In) (service.Access, error) {
	return func(s *Service, c *service.Call, in *In) (service.Access, error) {
		if err := validate(in); err != nil {
			return service.Access{}, err
		}
		text := deref(resourceARN(in))
		r, ok := parseARN(text)
		if !ok {
			return service.Access{}, invalid("Invalid ResourceARN: %s", text)
		}
		return service.Access{Action: "kinesis:" + action, Resource: text, Owner: r.account, OwnerOnly: true}, nil
	}
}

// resourceOf finds what an ARN names: a stream, and a consumer of it or nil.
func (s *Service) resourceOf(ctx context.Context, text *string) (*stream, *consumer, error) {
	r, ok := parseARN(deref(text))
	if !ok {
		return nil, nil, invalid("Invalid ResourceARN: %s", deref(text))
	}
	x, err := s.find(r.name)
	if err != nil || r.consumer == "" {
		return x, nil, err
	}
	found, err := s.findConsumer(ctx, x, r.consumer)
	if err == nil && found.Created/1000 != r.created {
		err = missingConsumer(r.name, r.consumer)
	}
	return x, found, err
}

// changeResource changes the tags and the policy of a stream or consumer.
func (s *Service) changeResource(ctx context.Context, x *stream, of *consumer, change func(tags *map[string]string, policy *string) error) error {
	if of == nil {
		return s.change(ctx, x, func(_ *catalog.Tx, r *streamRecord) error { return change(&r.Tags, &r.Policy) })
	}
	return engineError(s.catalog.Update(ctx, func(tx *catalog.Tx) error {
		r, ok, err := get[consumerRecord](tx, kindConsumer, of.key())
		if err != nil {
			return err
		}
		if !ok || r.Created != of.Created {
			return missingConsumer(of.name, of.consumer)
		}
		if err := change(&r.Tags, &r.Policy); err != nil {
			return err
		}
		return put(tx, kindConsumer, of.key(), &r)
	}))
}

// resource is what both have.
func resourceTags(x *stream, of *consumer) map[string]string {
	if of != nil {
		return of.Tags
	}
	return x.Tags
}

func resourcePolicy(x *stream, of *consumer) string {
	if of != nil {
		return of.Policy
	}
	return x.Policy
}
