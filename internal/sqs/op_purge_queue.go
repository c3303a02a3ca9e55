package sqs

import (
	"context"
	"errors"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/queue"
	"github.com/spillway/spillway/internal/service"
)

// PurgeQueue deletes all messages, those in flight and delayed included, and
// forgets deduplication ids. It is done when it returns (AWS takes up to 60 s).
// A queue can be purged once a minute (configurable).
//
// AWS: API_PurgeQueue.
func init() {
	service.Register(&operations, sqsapi.PurgeQueue,
		onQueue("sqs:PurgeQueue", func(in *sqsapi.PurgeQueueRequest) *string { return in.QueueUrl }),
		(*Service).PurgeQueue)
}

// PurgeQueue implements the operation.
func (s *Service) PurgeQueue(ctx context.Context, c *service.Call, in *sqsapi.PurgeQueueRequest) (*service.None, error) {
	q, err := s.resolve(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	now := millis(c.Now)
	var before int64
	err = s.update(ctx, q, func(_ *catalog.Tx, r *record) error {
		if r.Purged == 0 || now-r.Purged >= s.config.PurgeCooldown.Milliseconds() {
			before, r.Purged = r.Purged, now
			return nil
		}
		return sqsapi.PurgeQueueInProgress.Newf("Only one PurgeQueue operation on %s is allowed every 60 seconds.", q.queue)
	})
	if err != nil {
		return nil, err
	}
	if err := q.handle.Purge(); err != nil {
		if !errors.Is(err, queue.ErrNoQueue) {
			s.notPurged(q, now, before)
		}
		return nil, engineError(err)
	}
	return nil, nil
}

// notPurged takes back that a purge has begun, so that trying again is not refused for
// a minute. If that fails, it is.
func (s *Service) notPurged(q *Queue, now, before int64) {
	ctx, cancel := context.WithTimeout(context.Background(), findLimit)
	defer cancel()
	err := s.update(ctx, q, func(_ *catalog.Tx, r *record) error {
		if r.Purged == now {
			r.Purged = before
		}
		return nil
	})
	if err != nil {
		s.logger.Warn("a purge failed, and its queue cannot be purged again at once", "queue", q.ARN, "error", err)
	}
}
