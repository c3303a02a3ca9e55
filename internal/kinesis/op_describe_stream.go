package kinesis

import (
	"context"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/service"
)

// DescribeStream describes a stream and its shards, 100 at a time.
//
// AWS: API_DescribeStream.
func init() {
	service.Register(&operations, kinesisapi.DescribeStream,
		on("DescribeStream", func(in *kinesisapi.DescribeStreamInput) (*string, *string) { return in.StreamName, in.StreamARN }), (*Service).DescribeStream)
}

// describedShards is the most that one DescribeStream shows.
const describedShards = 100

// DescribeStream implements the operation.
func (s *Service) DescribeStream(ctx context.Context, c *service.Call, in *kinesisapi.DescribeStreamInput) (*kinesisapi.DescribeStreamOutput, error) {
	n, err := streamName(c, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	x, err := s.shown(ctx, n)
	if err != nil {
		return nil, err
	}
	most := describedShards
	if in.Limit != nil {
		most = min(int(*in.Limit), describedShards)
	}
	now := c.Now.UnixMilli()
	all, err := x.shardsAfter(x.listed(now), in.ExclusiveStartShardId)
	if err != nil {
		return nil, err
	}
	if x.state(now) == stateCreating {
		all = nil
	}
	d := &kinesisapi.StreamDescription{
		StreamName: new(x.stream), StreamARN: new(x.ARN), StreamStatus: new(x.state(now)), StreamModeDetails: x.mode(),
		HasMoreShards: new(len(all) > most), RetentionPeriodHours: new(int32(x.Hours)), StreamCreationTimestamp: instant(x.Created),
		EnhancedMonitoring: x.monitoring(), EncryptionType: x.encryptionType(), KeyId: x.keyID(),
		Shards: make([]kinesisapi.Shard, 0, min(len(all), most)),
	}
	for _, sh := range all[:min(len(all), most)] {
		d.Shards = append(d.Shards, x.shown(sh, now))
	}
	return &kinesisapi.DescribeStreamOutput{StreamDescription: d}, nil
}
