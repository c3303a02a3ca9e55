package kinesis

import (
	"context"
	"github.com/spillway/spillway/internal/catalog"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/service"
)

// UpdateStreamRecordDistributionStrategy says whether partition keys decide where records of an on-demand stream go.
//
// AWS: API_UpdateStreamRecordDistributionStrategy.
func init() {
	service.Register(&operations, kinesisapi.UpdateStreamRecordDistributionStrategy,
		on("UpdateStreamRecordDistributionStrategy", func(in *kinesisapi.UpdateStreamRecordDistributionStrategyInput) (*string, *string) {
			return nil, in.StreamARN
		}), (*Service).UpdateStreamRecordDistributionStrategy)
}

// UpdateStreamRecordDistributionStrategy implements the operation.
func (s *Service) UpdateStreamRecordDistributionStrategy(ctx context.Context, c *service.Call, in *kinesisapi.UpdateStreamRecordDistributionStrategyInput) (*service.None, error) {
	n, err := streamName(c, nil, in.StreamARN)
	if err != nil {
		return nil, err
	}
	x, err := s.find(n)
	if err != nil {
		return nil, err
	}
	spread := *in.RecordDistributionStrategy == distributionAuto
	if spread && !x.OnDemand {
		return nil, invalid("RecordDistributionStrategy AUTO is supported for on-demand streams only.")
	}
	return nil, s.change(ctx, x, func(_ *catalog.Tx, r *streamRecord) error {
		r.Spread = spread
		return nil
	})
}
