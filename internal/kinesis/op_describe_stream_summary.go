package kinesis

import (
	"context"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/service"
)

// DescribeStreamSummary describes a stream without its shards. It never names a StreamId: SDKs would make a host name of it.
//
// AWS: API_DescribeStreamSummary.
func init() {
	service.Register(&operations, kinesisapi.DescribeStreamSummary,
		on("DescribeStreamSummary", func(in *kinesisapi.DescribeStreamSummaryInput) (*string, *string) { return in.StreamName, in.StreamARN }), (*Service).DescribeStreamSummary)
}

// DescribeStreamSummary implements the operation.
func (s *Service) DescribeStreamSummary(ctx context.Context, c *service.Call, in *kinesisapi.DescribeStreamSummaryInput) (*kinesisapi.DescribeStreamSummaryOutput, error) {
	n, err := streamName(c, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	x, err := s.shown(ctx, n)
	if err != nil {
		return nil, err
	}
	consumers, err := s.consumersOf(ctx, x)
	if err != nil {
		return nil, err
	}
	return &kinesisapi.DescribeStreamSummaryOutput{StreamDescriptionSummary: &kinesisapi.StreamDescriptionSummary{
		StreamName: new(x.stream), StreamARN: new(x.ARN), StreamStatus: new(x.state(c.Now.UnixMilli())), StreamModeDetails: x.mode(),
		RetentionPeriodHours: new(int32(x.Hours)), StreamCreationTimestamp: instant(x.Created), EnhancedMonitoring: x.monitoring(),
		EncryptionType: x.encryptionType(), KeyId: x.keyID(), OpenShardCount: new(int32(len(x.open))),
		ConsumerCount: new(int32(len(consumers))), MaxRecordSizeInKiB: new(int32(x.maxRecord() >> 10)),
		WarmThroughput: x.warm(), RecordDistributionStrategy: x.distribution(),
	}}, nil
}
