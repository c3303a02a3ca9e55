package kinesis

import (
	"context"

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
	x, err := s.resharded(n, c.Now, *in.ShardToMerge, *in.AdjacentShardToMerge)
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
	return nil, s.reshard(ctx, x, c.Now, func(p *plan) error {
		p.replace([]int{a.Index, b.Index}, hashRange{a.start, b.end})
		return nil
	})
}
