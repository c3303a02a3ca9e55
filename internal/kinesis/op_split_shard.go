package kinesis

import (
	"context"
	"time"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/service"
	"github.com/spillway/spillway/internal/smithy"
)

// SplitShard replaces a shard by two, which begin at its hash key and at a new one.
//
// AWS: API_SplitShard.
func init() {
	service.Register(&operations, kinesisapi.SplitShard,
		on("SplitShard", func(in *kinesisapi.SplitShardInput) (*string, *string) { return in.StreamName, in.StreamARN }),
		(*Service).SplitShard)
}

// SplitShard implements the operation.
func (s *Service) SplitShard(ctx context.Context, c *service.Call, in *kinesisapi.SplitShardInput) (*service.None, error) {
	n, err := streamName(c, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	x, err := s.resharded(ctx, n, c.Now, *in.ShardToSplit)
	if err != nil {
		return nil, err
	}
	if err := x.needProvisioned(); err != nil {
		return nil, err
	}
	sh, err := x.toReshard(*in.ShardToSplit)
	if err != nil {
		return nil, err
	}
	if s.openShards(x.region, x.account)+1 > s.config.ShardLimit {
		return nil, s.shardLimit(x.name, 1)
	}
	at, ok := parseHash(*in.NewStartingHashKey)
	if !ok || at.compare(sh.start.next()) <= 0 || at.compare(sh.end) >= 0 {
		return nil, invalid("NewStartingHashKey %s used in SplitShard() on shard %s in stream %s under account %s is not both greater than one plus the shard's StartingHashKey %s and less than the shard's EndingHashKey %s.",
			*in.NewStartingHashKey, shardID(sh.Index), x.stream, x.account, sh.Start, sh.End)
	}
	return nil, s.splitAt(ctx, x, sh, at, c.Now)
}

func (s *Service) splitAt(ctx context.Context, x *stream, sh *shard, at hash, now time.Time) error {
	return s.reshard(ctx, x, now, func(p *plan) error {
		if err := p.need(x.name, sh.Index); err != nil {
			return err
		}
		p.replace([]int{sh.Index}, hashRange{sh.start, at.previous()}, hashRange{at, sh.end})
		return nil
	})
}

// needProvisioned refuses what streams do not take that scale by themselves.
func (x *stream) needProvisioned() error {
	if x.OnDemand {
		return smithy.ValidationError.Newf("Request is invalid. Stream %s under account %s is in On-Demand mode.", x.stream, x.account)
	}
	return nil
}
