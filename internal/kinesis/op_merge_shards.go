package kinesis

import (
	"context"
	"time"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/service"
)

// MergeShards replaces two neighbours by one shard.
//
// AWS: API_MergeShards.
func init() {
	service.Register(&operations, kinesisapi.MergeShards,
		on("MergeShards", func(in *kinesisapi.MergeShardsInput) (*string, *string) { return in.StreamName, in.StreamARN }),
		(*Service).MergeShards)
}

// MergeShards implements the operation.
func (s *Service) MergeShards(ctx context.Context, c *service.Call, in *kinesisapi.MergeShardsInput) (*service.None, error) {
	n, err := streamName(c, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	x, err := s.resharded(ctx, n, c.Now, *in.ShardToMerge, *in.AdjacentShardToMerge)
	if err != nil {
		return nil, err
	}
	if err := x.needProvisioned(); err != nil {
		return nil, err
	}
	a, err := x.toReshard(*in.ShardToMerge)
	if err != nil {
		return nil, err
	}
	b, err := x.toReshard(*in.AdjacentShardToMerge)
	if err != nil {
		return nil, err
	}
	if a.end == maxHash || a.end.next() != b.start {
		return nil, invalid("Shards %s and %s in stream %s under account %s are not an adjacent pair of shards eligible for merging", shardID(a.Index), shardID(b.Index), x.stream, x.account)
	}
	return nil, s.join(ctx, x, a, b, c.Now)
}

func (s *Service) join(ctx context.Context, x *stream, a, b *shard, now time.Time) error {
	return s.reshard(ctx, x, now, func(p *plan) error {
		if err := p.need(x.name, a.Index, b.Index); err != nil {
			return err
		}
		p.replace([]int{a.Index, b.Index}, hashRange{a.start, b.end})
		return nil
	})
}
