package kinesis

import (
	"context"
	"maps"

	"github.com/spillway/spillway/internal/catalog"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/service"
)

// RegisterStreamConsumer registers a consumer, which then gets records pushed by SubscribeToShard.
//
// AWS: API_RegisterStreamConsumer.
func init() {
	service.Register(&operations, kinesisapi.RegisterStreamConsumer,
		on("RegisterStreamConsumer", func(in *kinesisapi.RegisterStreamConsumerInput) (*string, *string) { return nil, in.StreamARN }), (*Service).RegisterStreamConsumer)
}

// maxConsumers: Kinesis quotas, registered consumers of a stream.
const maxConsumers = 20

// RegisterStreamConsumer implements the operation.
func (s *Service) RegisterStreamConsumer(ctx context.Context, c *service.Call, in *kinesisapi.RegisterStreamConsumerInput) (*kinesisapi.RegisterStreamConsumerOutput, error) {
	n, err := streamName(c, nil, in.StreamARN)
	if err != nil {
		return nil, err
	}
	x, err := s.find(n)
	if err != nil {
		return nil, err
	}
	others, err := s.consumersOf(ctx, x)
	if err != nil {
		return nil, err
	}
	if len(others) >= maxConsumers {
		return nil, kinesisapi.LimitExceededException.Newf("Stream %s under account %s has reached its limit of %d registered consumers.", x.stream, x.account, maxConsumers)
	}
	if err := checkTags(n, nil, in.Tags); err != nil {
		return nil, err
	}
	of := &consumer{consumerName: consumerName{n, *in.ConsumerName}}
	of.consumerRecord = consumerRecord{Stream: x.ID, Created: c.Now.UnixMilli(), Tags: maps.Clone(in.Tags)}
	of.State, of.Until = s.transition(stateCreating, c.Now)
	of.ARN = consumerARN(of.consumerName, of.Created)
	err = s.catalog.Update(ctx, func(tx *catalog.Tx) error {
		r, ok, err := get[streamRecord](tx, kindStream, n.key())
		if err != nil {
			return err
		}
		if !ok || r.ID != x.ID {
			return n.missing() // deleted in the meantime: nothing would ever delete the consumer
		}
		if r.state(c.Now.UnixMilli()) == stateDeleting {
			return n.needActive(&r, c.Now)
		}
		old, ok, err := get[consumerRecord](tx, kindConsumer, of.key())
		if err != nil {
			return err
		}
		if ok && old.Stream == x.ID {
			return kinesisapi.ResourceInUseException.Newf("Consumer %s under stream %s already exists for account %s.", of.consumer, n.stream, n.account)
		}
		return put(tx, kindConsumer, of.key(), &of.consumerRecord)
	})
	if err != nil {
		return nil, engineError(err)
	}
	made := of.shown(of.Created)
	made.ConsumerStatus = new(stateCreating) // whatever the time says
	return &kinesisapi.RegisterStreamConsumerOutput{Consumer: &made}, nil
}
