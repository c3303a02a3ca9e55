package sqs

import (
	"context"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/catalog"
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
	err = s.update(ctx, q, func(_ *catalog.Tx, r *record) error {
		if now := millis(c.Now); r.Purged == 0 || now-r.Purged >= s.config.PurgeCooldown.Milliseconds() {
			r.Purged = now
			return nil
		}
		return sqsapi.PurgeQueueInProgress.Newf("Only one PurgeQueue operation on %s is allowed every 60 seconds.", q.queue)
	})
	if err != nil {
		return nil, err
	}
	return nil, engineError(q.handle.Purge())
}
