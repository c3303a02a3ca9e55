package kinesis

import (
	"context"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/service"
)

// DisableEnhancedMonitoring ends the counting of metrics of each shard.
//
// AWS: API_DisableEnhancedMonitoring.
func init() {
	service.Register(&operations, kinesisapi.DisableEnhancedMonitoring,
		on("DisableEnhancedMonitoring", func(in *kinesisapi.DisableEnhancedMonitoringInput) (*string, *string) {
			return in.StreamName, in.StreamARN
		}), (*Service).DisableEnhancedMonitoring)
}

// DisableEnhancedMonitoring implements the operation.
func (s *Service) DisableEnhancedMonitoring(ctx context.Context, c *service.Call, in *kinesisapi.DisableEnhancedMonitoringInput) (*kinesisapi.EnhancedMonitoringOutput, error) {
	n, err := streamName(c, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	x, err := s.find(n)
	if err != nil {
		return nil, err
	}
	return s.monitor(ctx, x, c, in.ShardLevelMetrics, false)
}
