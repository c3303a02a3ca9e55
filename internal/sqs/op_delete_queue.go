package sqs

import (
	"context"
	"strconv"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/service"
)

// DeleteQueue deletes a queue with its messages, at once (AWS takes up to 60 s).
//
// AWS: API_DeleteQueue.
func init() {
	service.Register(&operations, sqsapi.DeleteQueue,
		onOwnQueue("sqs:DeleteQueue", func(in *sqsapi.DeleteQueueRequest) *string { return in.QueueUrl }),
		(*Service).DeleteQueue)
}

// maxPruned bounds the outdated tombstones that one deletion clears away.
const maxPruned = 100

// DeleteQueue implements the operation.
func (s *Service) DeleteQueue(ctx context.Context, c *service.Call, in *sqsapi.DeleteQueueRequest) (*service.None, error) {
	q, err := s.resolve(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	return nil, engineError(s.catalog.Update(ctx, func(tx *catalog.Tx) error {
		if _, ok := tx.Get(kindQueue, q.key()); !ok {
			return errNoQueue()
		}
		tx.Delete(kindQueue, q.key())
		s.pruneTombstones(tx, millis(c.Now))
		if s.config.DeleteCooldown > 0 {
			tx.Put(kindDeleted, q.key(), strconv.AppendInt(nil, millis(c.Now), 10))
		}
		return nil
	}))
}

func (s *Service) pruneTombstones(tx *catalog.Tx, now int64) {
	outdated := func(value []byte) bool {
		deleted, err := strconv.ParseInt(string(value), 10, 64)
		return err != nil || now-deleted > s.config.DeleteCooldown.Milliseconds()
	}
	var keys []string
	s.catalog.Each(kindDeleted, func(key string, value []byte) bool {
		if outdated(value) {
			keys = append(keys, key)
		}
		return len(keys) < maxPruned
	})
	for _, key := range keys {
		// What is committed may be behind: the queue may have been deleted once more.
		if value, ok := tx.Get(kindDeleted, key); ok && outdated(value) {
			tx.Delete(kindDeleted, key)
		}
	}
}
