package kinesis

import (
	"context"
	"github.com/spillway/spillway/internal/catalog"
	"time"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/service"
)

// DeleteStream deletes a stream with its records. One with consumers needs EnforceConsumerDeletion.
//
// AWS: API_DeleteStream.
func init() {
	service.Register(&operations, kinesisapi.DeleteStream,
		on("DeleteStream", func(in *kinesisapi.DeleteStreamInput) (*string, *string) { return in.StreamName, in.StreamARN }), (*Service).DeleteStream)
}

// DeleteStream implements the operation.
func (s *Service) DeleteStream(ctx context.Context, c *service.Call, in *kinesisapi.DeleteStreamInput) (*service.None, error) {
	n, err := streamName(c, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	x, err := s.find(n)
	if err != nil {
		return nil, err
	}
	consumers, err := s.consumersOf(ctx, x)
	if err != nil {
		return nil, err
	}
	if len(consumers) > 0 && !isTrue(in.EnforceConsumerDeletion) {
		return nil, kinesisapi.ResourceInUseException.Newf("Stream %s under account %s has registered consumers, and EnforceConsumerDeletion is not set.", x.stream, x.account)
	}
	return nil, engineError(s.catalog.Update(ctx, func(tx *catalog.Tx) error {
		r, ok, err := get[streamRecord](tx, kindStream, x.key())
		if err != nil {
			return err
		}
		if !ok || r.ID != x.ID {
			return x.missing()
		}
		s.sweep(tx, c.Now)
		for _, consumer := range consumers {
			tx.Delete(kindConsumer, consumer.key())
		}
		switch {
		case s.config.Transition == 0:
			tx.Delete(kindStream, x.key())
			return nil
		case r.State == stateDeleting:
			return nil
		}
		r.State, r.Until = stateDeleting, c.Now.Add(s.config.Transition).UnixMilli()
		return put(tx, kindStream, x.key(), &r)
	}))
}

// sweep deletes the streams whose time of being deleted is over.
func (s *Service) sweep(tx *catalog.Tx, now time.Time) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for n, x := range s.streams {
		if !x.deleted(now.UnixMilli()) {
			continue
		}
		if r, ok, err := get[streamRecord](tx, kindStream, n.key()); err == nil && ok && r.deleted(now.UnixMilli()) {
			tx.Delete(kindStream, n.key())
		}
	}
}
