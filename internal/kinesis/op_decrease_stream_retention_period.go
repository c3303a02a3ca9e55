package kinesis

import (
	"context"
	"github.com/spillway/spillway/internal/catalog"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/service"
)

// DecreaseStreamRetentionPeriod keeps records for a shorter time, and hides at once what is older.
//
// AWS: API_DecreaseStreamRetentionPeriod.
func init() {
	service.Register(&operations, kinesisapi.DecreaseStreamRetentionPeriod,
		on("DecreaseStreamRetentionPeriod", func(in *kinesisapi.DecreaseStreamRetentionPeriodInput) (*string, *string) {
			return in.StreamName, in.StreamARN
		}), (*Service).DecreaseStreamRetentionPeriod)
}

// DecreaseStreamRetentionPeriod implements the operation.
func (s *Service) DecreaseStreamRetentionPeriod(ctx context.Context, c *service.Call, in *kinesisapi.DecreaseStreamRetentionPeriodInput) (*service.None, error) {
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
		if hours > r.Hours {
			return invalid("Requested retention period (%d hours) for stream %s can not be longer than existing retention period (%d hours). Use IncreaseRetentionPeriod API.", hours, x.stream, r.Hours)
		}
		return s.setHours(x.name, r, hours, c.Now)
	})
}
