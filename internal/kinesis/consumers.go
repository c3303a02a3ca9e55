package kinesis

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/service"
)

func consumerARN(n consumerName, created int64) string {
	return n.name.arn() + "/consumer/" + n.consumer + ":" + strconv.FormatInt(created/1000, 10)
}

func missingConsumer(n name, consumer string) error {
	return notFound("Consumer %s under stream %s under account %s not found.", consumer, n.stream, n.account)
}

func (r *consumerRecord) state(now int64) string {
	if now < r.Until {
		return r.State
	}
	return stateActive
}

// consumersOf are the consumers of a stream, in order of name.
func (s *Service) consumersOf(ctx context.Context, x *stream) ([]*consumer, error) {
	if err := s.current(ctx); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []*consumer
	for _, of := range s.consumers[x.name] {
		if of.Stream == x.ID {
			out = append(out, of)
		}
	}
	slices.SortFunc(out, func(a, b *consumer) int { return strings.Compare(a.consumer, b.consumer) })
	return out, nil
}

// findConsumer returns a consumer of a stream.
func (s *Service) findConsumer(ctx context.Context, x *stream, named string) (*consumer, error) {
	look := func() *consumer {
		if of := s.lookupConsumer(x.name, named); of != nil && of.Stream == x.ID {
			return of
		}
		return nil
	}
	if of := look(); of != nil {
		return of, nil
	}
	if err := s.current(ctx); err != nil {
		return nil, err
	}
	if of := look(); of != nil {
		return of, nil
	}
	return nil, missingConsumer(x.name, named)
}

// named finds the consumer of a call: by its ARN, or by its name and that of the stream.
func (s *Service) named(ctx context.Context, consumerARN, streamARN, named *string) (*stream, *consumer, error) {
	if consumerARN != nil {
		r, ok := parseARN(*consumerARN)
		if !ok || r.consumer == "" {
			return nil, nil, invalid("Invalid ConsumerARN: %s", *consumerARN)
		}
		x, of, err := s.resourceOf(ctx, consumerARN)
		if err == nil && (named != nil && *named != of.consumer || streamARN != nil && *streamARN != x.ARN) {
			err = invalid("ConsumerARN, StreamARN and ConsumerName do not name the same consumer.")
		}
		return x, of, err
	}
	if streamARN == nil || named == nil {
		return nil, nil, invalid("Either ConsumerARN or both StreamARN and ConsumerName should be provided.")
	}
	r, ok := parseARN(*streamARN)
	if !ok || r.consumer != "" {
		return nil, nil, invalid("Invalid StreamARN: %s", *streamARN)
	}
	x, err := s.find(r.name)
	if err != nil {
		return nil, nil, err
	}
	of, err := s.findConsumer(ctx, x, *named)
	return x, of, err
}

// onConsumer is the authorization of the operations that name a consumer in either way.
func onConsumer[In any](action string, named func(*In) (consumerARN, streamARN, consumer *string)) func(*Service, *service.Call, *In) (service.Access, error) {
	return func(s *Service, c *service.Call, in *In) (service.Access, error) {
		if err := validate(in); err != nil {
			return service.Access{}, err
		}
		byARN, streamARN, byName := named(in)
		a := service.Access{Action: "kinesis:" + action, Resource: deref(byARN), OwnerOnly: !shared[action]}
		r, ok := parseARN(deref(byARN))
		if byARN == nil {
			r, ok = parseARN(deref(streamARN))
			r.consumer = deref(byName)
			a.Resource = deref(streamARN) + "/consumer/" + r.consumer + ":*"
		}
		if !ok {
			return a, nil // and the operation refuses it
		}
		a.Owner = r.account
		if of := s.lookupConsumer(r.name, r.consumer); of != nil {
			a.Policy = of.policy
			if byARN == nil {
				a.Resource = of.ARN // the one that policies know
			}
		}
		return a, nil
	}
}

// shown is a consumer as lists show it.
func (of *consumer) shown(now int64) kinesisapi.Consumer {
	return kinesisapi.Consumer{
		ConsumerName: new(of.consumer), ConsumerARN: new(of.ARN), ConsumerStatus: new(of.state(now)),
		ConsumerCreationTimestamp: instant(of.Created / 1000 * 1000),
	}
}
