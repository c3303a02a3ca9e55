package kinesis

import (
	"context"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/service"
)

// UpdateShardCount reshards a stream into so many shards of the same size, by splits and
// merges: at most twice as many as there are, at least half.
//
// AWS: API_UpdateShardCount.
func init() {
	service.Register(&operations, kinesisapi.UpdateShardCount,
		on("UpdateShardCount", func(in *kinesisapi.UpdateShardCountInput) (*string, *string) { return in.StreamName, in.StreamARN }),
		(*Service).UpdateShardCount)
}

// UpdateShardCount implements the operation.
func (s *Service) UpdateShardCount(ctx context.Context, c *service.Call, in *kinesisapi.UpdateShardCountInput) (*kinesisapi.UpdateShardCountOutput, error) {
	n, err := streamName(c, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	x, err := s.resharded(ctx, n, c.Now)
	if err != nil {
		return nil, err
	}
	if err := x.needProvisioned(); err != nil {
		return nil, err
	}
	current, target := len(x.open), int(*in.TargetShardCount)
	if err := s.checkCount(x, current, target); err != nil {
		return nil, err
	}
	if target != current {
		if err := s.reshard(ctx, x, c.Now, func(p *plan) error {
			current = len(p.open)
			if err := s.checkCount(x, current, target); err != nil {
				return err
			}
			p.uniform(p.pieces(), evenRanges(target))
			return nil
		}); err != nil {
			return nil, err
		}
	}
	return &kinesisapi.UpdateShardCountOutput{
		StreamName: new(x.stream), StreamARN: new(x.ARN), CurrentShardCount: new(int32(current)), TargetShardCount: in.TargetShardCount,
	}, nil
}

func (s *Service) checkCount(x *stream, current, target int) error {
	switch {
	case target > 2*current:
		return kinesisapi.LimitExceededException.Newf("UpdateShardCount cannot scale up over double your current open shard count. Current open shard count: %d, Target shard count: %d", current, target)
	case 2*target < current:
		return kinesisapi.LimitExceededException.Newf("UpdateShardCount cannot scale down below half your current open shard count. Current open shard count: %d, Target shard count: %d", current, target)
	case s.openShards(x.region, x.account)-current+target > s.config.ShardLimit:
		return s.shardLimit(x.name, target-current)
	}
	return nil
}
