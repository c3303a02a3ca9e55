package kinesis

import (
	"context"
	"github.com/spillway/spillway/internal/catalog"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/service"
)

// DeregisterStreamConsumer ends a consumer, and its subscriptions.
//
// AWS: API_DeregisterStreamConsumer.
func init() {
	service.Register(&operations, kinesisapi.DeregisterStreamConsumer,
		onConsumer("DeregisterStreamConsumer", func(in *kinesisapi.DeregisterStreamConsumerInput) (*string, *string, *string) {
			return in.ConsumerARN, in.StreamARN, in.ConsumerName
		}), (*Service).DeregisterStreamConsumer)
}

// DeregisterStreamConsumer implements the operation.
func (s *Service) DeregisterStreamConsumer(ctx context.Context, c *service.Call, in *kinesisapi.DeregisterStreamConsumerInput) (*service.None, error) {
	_, of, err := s.named(ctx, in.ConsumerARN, in.StreamARN, in.ConsumerName)
	if err != nil {
		return nil, err
	}
	return nil, engineError(s.catalog.Update(ctx, func(tx *catalog.Tx) error {
		r, ok, err := get[consumerRecord](tx, kindConsumer, of.key())
		if err != nil {
			return err
		}
		if !ok || r.Created != of.Created {
			return missingConsumer(of.name, of.consumer)
		}
		tx.Delete(kindConsumer, of.key())
		return nil
	}))
}
