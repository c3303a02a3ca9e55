package kinesis

import (
	"context"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/service"
)

// DescribeLimits returns how many shards and streams the account has, and may have.
//
// AWS: API_DescribeLimits.
func init() {
	service.Register(&operations, kinesisapi.DescribeLimits, inAccount[kinesisapi.DescribeLimitsInput]("DescribeLimits"), (*Service).DescribeLimits)
}

// DescribeLimits implements the operation.
func (s *Service) DescribeLimits(ctx context.Context, c *service.Call, in *kinesisapi.DescribeLimitsInput) (*kinesisapi.DescribeLimitsOutput, error) {
	if err := s.current(ctx); err != nil {
		return nil, err
	}
	var onDemand int32
	for _, x := range s.streamsOf(c.Region, c.Account(), "", c.Now.UnixMilli()) {
		if x.OnDemand {
			onDemand++
		}
	}
	return &kinesisapi.DescribeLimitsOutput{
		ShardLimit: new(int32(s.config.ShardLimit)), OpenShardCount: new(int32(s.openShards(c.Region, c.Account()))),
		OnDemandStreamCount: new(onDemand), OnDemandStreamCountLimit: new(int32(50)),
	}, nil
}
