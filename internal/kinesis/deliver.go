package kinesis

import (
	"context"
	"fmt"

	"github.com/spillway/spillway/internal/service"
)

// Put appends a record of another service to the stream with an ARN. A wrapped
// service.ErrNoTarget or ErrTargetRefuses says that it will never be there.
func (s *Service) Put(ctx context.Context, streamARN, partitionKey string, data []byte) error {
	r, ok := parseARN(streamARN)
	if !ok || r.consumer != "" {
		return fmt.Errorf("%w: %s is no stream's ARN", service.ErrNoTarget, streamARN)
	}
	x, err := s.find(r.name)
	switch {
	case err != nil && err.Error() == r.name.missing().Error():
		return fmt.Errorf("%w: %s", service.ErrNoTarget, streamARN)
	case err != nil:
		return err
	}
	e, err := newEntry(x, &partitionKey, data, nil)
	if err != nil {
		return fmt.Errorf("%w: %w", service.ErrTargetRefuses, err)
	}
	s.store(ctx, x, []*entry{&e})
	return e.failure
}
