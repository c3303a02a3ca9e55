package kinesis

import (
	"context"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/service"
)

// GetShardIterator returns a place in a shard, for GetRecords to read from. It is valid
// for five minutes. LATEST is where the shard ends now.
//
// AWS: API_GetShardIterator.
func init() {
	service.Register(&operations, kinesisapi.GetShardIterator,
		on("GetShardIterator", func(in *kinesisapi.GetShardIteratorInput) (*string, *string) { return in.StreamName, in.StreamARN }),
		(*Service).GetShardIterator)
}

// GetShardIterator implements the operation.
func (s *Service) GetShardIterator(ctx context.Context, c *service.Call, in *kinesisapi.GetShardIteratorInput) (*kinesisapi.GetShardIteratorOutput, error) {
	n, err := streamName(c, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	x, sh, err := s.readable(c, n, *in.ShardId)
	if err != nil {
		return nil, err
	}
	p := place{kind: *in.ShardIteratorType, number: in.StartingSequenceNumber, at: in.Timestamp}
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
	it := iterator{stream: x.ID, shard: sh.Index, next: next, made: c.Now.UnixMilli(), name: n}
	return &kinesisapi.GetShardIteratorOutput{ShardIterator: new(s.seal.encode(it))}, nil
}

// readable finds a shard to read from. What is missing, the stream or the shard, is not
// told apart (recorded).
func (s *Service) readable(c *service.Call, n name, id string) (*stream, *shard, error) {
	index, ok := parseShardID(id)
	if !ok {
		return nil, nil, n.noShard(id)
	}
	x, err := s.find(n)
	if err != nil {
		if err.Error() == n.missing().Error() {
			err = n.noShardToRead(shardID(index))
		}
		return nil, nil, err
	}
	now := c.Now.UnixMilli()
	x, sh, err := s.shardOf(x, index)
	if err != nil {
		return nil, nil, err
	}
	if sh == nil || x.expired(sh, now) || x.state(now) == stateCreating {
		return nil, nil, n.noShardToRead(shardID(index))
	}
	return x, sh, nil
}
