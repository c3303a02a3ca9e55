package kinesis

import (
	"context"
	"slices"
	"time"

	"github.com/spillway/spillway/internal/catalog"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/service"
)

// UpdateStreamMode switches a stream between provisioned and on-demand, at most twice in 24 hours.
//
// AWS: API_UpdateStreamMode.
func init() {
	service.Register(&operations, kinesisapi.UpdateStreamMode,
		on("UpdateStreamMode", func(in *kinesisapi.UpdateStreamModeInput) (*string, *string) { return nil, in.StreamARN }), (*Service).UpdateStreamMode)
}

// UpdateStreamMode implements the operation.
func (s *Service) UpdateStreamMode(ctx context.Context, c *service.Call, in *kinesisapi.UpdateStreamModeInput) (*service.None, error) {
	n, err := streamName(c, nil, in.StreamARN)
	if err != nil {
		return nil, err
	}
	x, err := s.find(n)
	if err != nil {
		return nil, err
	}
	onDemand := *in.StreamModeDetails.StreamMode == modeOnDemand
	return nil, s.change(ctx, x, func(_ *catalog.Tx, r *streamRecord) error {
		if r.OnDemand == onDemand {
			return nil
		}
		r.Switched = slices.DeleteFunc(r.Switched, func(at int64) bool { return at < c.Now.Add(-24*time.Hour).UnixMilli() })
		if len(r.Switched) >= 2 {
			return kinesisapi.LimitExceededException.Newf("Stream %s under account %s has changed its mode twice within 24 hours.", x.stream, x.account)
		}
		r.OnDemand, r.Spread = onDemand, false
		r.Switched = append(r.Switched, c.Now.UnixMilli())
		if in.WarmThroughputMiBps != nil {
			r.WarmMiBps = int(*in.WarmThroughputMiBps)
		}
		return s.update(x.name, r, c.Now)
	})
}
