package kinesis

import (
	"context"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/service"
)

// EnableEnhancedMonitoring has metrics of each shard counted.
//
// AWS: API_EnableEnhancedMonitoring.
func init() {
	service.Register(&operations, kinesisapi.EnableEnhancedMonitoring,
		on("EnableEnhancedMonitoring", func(in *kinesisapi.EnableEnhancedMonitoringInput) (*string, *string) {
			return in.StreamName, in.StreamARN
		}), (*Service).EnableEnhancedMonitoring)
}

// EnableEnhancedMonitoring implements the operation.
func (s *Service) EnableEnhancedMonitoring(ctx context.Context, c *service.Call, in *kinesisapi.EnableEnhancedMonitoringInput) (*kinesisapi.EnhancedMonitoringOutput, error) {
	n, err := streamName(c, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	x, err := s.find(n)
	if err != nil {
		return nil, err
	}
	return s.monitor(ctx, x, c, in.ShardLevelMetrics, true)
}
