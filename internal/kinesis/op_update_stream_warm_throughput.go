package kinesis

import (
	"context"
	"github.com/spillway/spillway/internal/catalog"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/service"
)

// UpdateStreamWarmThroughput notes what throughput an on-demand stream is to be ready for. The account must have committed to a minimum.
//
// AWS: API_UpdateStreamWarmThroughput.
func init() {
	service.Register(&operations, kinesisapi.UpdateStreamWarmThroughput,
		on("UpdateStreamWarmThroughput", func(in *kinesisapi.UpdateStreamWarmThroughputInput) (*string, *string) {
			return in.StreamName, in.StreamARN
		}), (*Service).UpdateStreamWarmThroughput)
}

// maxWarm is the most, MiB/s.
const maxWarm = 10 << 10

// UpdateStreamWarmThroughput implements the operation.
func (s *Service) UpdateStreamWarmThroughput(ctx context.Context, c *service.Call, in *kinesisapi.UpdateStreamWarmThroughputInput) (*kinesisapi.UpdateStreamWarmThroughputOutput, error) {
	n, err := streamName(c, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	x, err := s.find(n)
	if err != nil {
		return nil, err
	}
	if !x.OnDemand || !s.account(c).Committed {
		return nil, invalid("Warm throughput is supported for on-demand streams of accounts with MinimumThroughputBillingCommitment only.")
	}
	if *in.WarmThroughputMiBps > maxWarm {
		return nil, invalid("WarmThroughputMiBps must not be more than %d.", maxWarm)
	}
	err = s.change(ctx, x, func(_ *catalog.Tx, r *streamRecord) error {
		r.WarmMiBps = int(*in.WarmThroughputMiBps)
		return s.update(x.name, r, c.Now)
	})
	if err != nil {
		return nil, err
	}
	return &kinesisapi.UpdateStreamWarmThroughputOutput{
		StreamName: new(x.stream), StreamARN: new(x.ARN),
		WarmThroughput: &kinesisapi.WarmThroughputObject{CurrentMiBps: in.WarmThroughputMiBps, TargetMiBps: in.WarmThroughputMiBps},
	}, nil
}
