package kinesis

import (
	"context"
	"github.com/spillway/spillway/internal/catalog"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/service"
)

// IncreaseStreamRetentionPeriod keeps records for longer. What was hidden before stays so.
//
// AWS: API_IncreaseStreamRetentionPeriod.
func init() {
	service.Register(&operations, kinesisapi.IncreaseStreamRetentionPeriod,
		on("IncreaseStreamRetentionPeriod", func(in *kinesisapi.IncreaseStreamRetentionPeriodInput) (*string, *string) {
			return in.StreamName, in.StreamARN
		}), (*Service).IncreaseStreamRetentionPeriod)
}

// IncreaseStreamRetentionPeriod implements the operation.
func (s *Service) IncreaseStreamRetentionPeriod(ctx context.Context, c *service.Call, in *kinesisapi.IncreaseStreamRetentionPeriodInput) (*service.None, error) {
	n, err := streamName(c, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	x, err := s.find(n)
	if err != nil {
		return nil, err
	}
	hours := int(*in.RetentionPeriodHours)
	if err := checkHours(hours); err != nil {
		return nil, err
	}
	return nil, s.change(ctx, x, func(_ *catalog.Tx, r *streamRecord) error {
		if hours < r.Hours {
			return invalid("Requested retention period (%d hours) for stream %s can not be shorter than existing retention period (%d hours). Use DecreaseRetentionPeriod API.", hours, x.stream, r.Hours)
		}
		return s.setHours(x.name, r, hours, c.Now)
	})
}
