package kinesis

import (
	"context"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/service"
)

// SubscribeToShard pushes the records of a shard to a registered consumer as they come,
// for five minutes. There is one subscription of a consumer and shard; after five seconds
// another one takes its place.
//
// AWS: API_SubscribeToShard.
func init() {
	service.RegisterStream(&operations, kinesisapi.SubscribeToShard,
		onConsumer("SubscribeToShard", func(in *kinesisapi.SubscribeToShardInput) (*string, *string, *string) {
			return in.ConsumerARN, nil, nil
		}),
		(*Service).SubscribeToShard)
}

// SubscribeToShard implements the operation.
func (s *Service) SubscribeToShard(ctx context.Context, c *service.Call, in *kinesisapi.SubscribeToShardInput) (service.Events, error) {
	x, of, err := s.named(ctx, in.ConsumerARN, nil, nil)
	if err != nil {
		return nil, err
	}
	if state := of.state(c.Now.UnixMilli()); state != stateActive {
		return nil, kinesisapi.ResourceInUseException.Newf("Consumer %s with creation timestamp %d under stream: %s , account %s is not in ACTIVE status.",
			of.consumer, of.Created/1000, x.stream, x.account)
	}
	_, sh, err := s.readable(c, x.name, *in.ShardId)
	if err != nil {
		return nil, err
	}
	p := place{kind: *in.StartingPosition.Type, number: in.StartingPosition.SequenceNumber, at: in.StartingPosition.Timestamp}
	if err := checkPlace(p, c.Now); err != nil {
		return nil, err
	}
	next, err := s.position(ctx, c, x, sh, p)
	if err != nil {
		return nil, err
	}
	if isTrue(in.DryRun) {
		return nil, dryRun()
	}
	sub, ok := s.fanOut.begin(subscriptionKey{of.ARN, sh.Index}, c.Now)
	if !ok {
		return nil, kinesisapi.ResourceInUseException.Newf("Another active subscription exists for this consumer: %s", of.ARN)
	}
	sub.s, sub.stream, sub.name, sub.consumer, sub.shard, sub.next = s, x.ID, x.name, of, sh.Index, next
	sub.last = sh.first()
	if next > 1 {
		sub.last = sh.number(next-1, c.Now.UnixMilli())
	}
	return sub, nil
}
