package kinesis

import (
	"context"
	"slices"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/service"
)

// shardMetrics are the metrics of a shard.
var shardMetrics = []string{
	"IncomingBytes", "IncomingRecords", "OutgoingBytes", "OutgoingRecords",
	"WriteProvisionedThroughputExceeded", "ReadProvisionedThroughputExceeded", "IteratorAgeMilliseconds",
}

// monitor switches metrics of a stream's shards on or off. They are kept and shown; what
// is counted is in the server's own metrics, by stream (Traffic).
func (s *Service) monitor(ctx context.Context, x *stream, c *service.Call, metrics []string, on bool) (*kinesisapi.EnhancedMonitoringOutput, error) {
	if slices.Contains(metrics, "ALL") {
		metrics = shardMetrics
	}
	out := &kinesisapi.EnhancedMonitoringOutput{StreamName: new(x.stream), StreamARN: new(x.ARN)}
	err := s.change(ctx, x, func(_ *catalog.Tx, r *streamRecord) error {
		out.CurrentShardLevelMetrics = append([]string{}, r.Metrics...)
		kept := []string{}
		for _, m := range shardMetrics {
			if listed := slices.Contains(metrics, m); on && (listed || slices.Contains(r.Metrics, m)) || !on && !listed && slices.Contains(r.Metrics, m) {
				kept = append(kept, m)
			}
		}
		r.Metrics = kept
		out.DesiredShardLevelMetrics = kept
		return s.update(x.name, r, c.Now)
	})
	return out, err
}
