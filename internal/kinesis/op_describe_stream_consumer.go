package kinesis

import (
	"context"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/service"
)

// DescribeStreamConsumer describes a registered consumer.
//
// AWS: API_DescribeStreamConsumer.
func init() {
	service.Register(&operations, kinesisapi.DescribeStreamConsumer,
		onConsumer("DescribeStreamConsumer", func(in *kinesisapi.DescribeStreamConsumerInput) (*string, *string, *string) {
			return in.ConsumerARN, in.StreamARN, in.ConsumerName
		}), (*Service).DescribeStreamConsumer)
}

// DescribeStreamConsumer implements the operation.
func (s *Service) DescribeStreamConsumer(ctx context.Context, c *service.Call, in *kinesisapi.DescribeStreamConsumerInput) (*kinesisapi.DescribeStreamConsumerOutput, error) {
	if err := s.current(ctx); err != nil {
		return nil, err
	}
	x, of, err := s.named(ctx, in.ConsumerARN, in.StreamARN, in.ConsumerName)
	if err != nil {
		return nil, err
	}
	shown := of.shown(c.Now.UnixMilli())
	return &kinesisapi.DescribeStreamConsumerOutput{ConsumerDescription: &kinesisapi.ConsumerDescription{
		ConsumerName: shown.ConsumerName, ConsumerARN: shown.ConsumerARN, ConsumerStatus: shown.ConsumerStatus,
		ConsumerCreationTimestamp: shown.ConsumerCreationTimestamp, StreamARN: new(x.ARN),
	}}, nil
}
