package sns

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/deliver"
	"github.com/spillway/spillway/internal/queue"
)

// Keys of kindOutbox: queues that belong to no topic.
const (
	queueOutbox = "outbox"
	queueDirect = "direct"
)

// outboxSpec keeps what nobody delivers for a while, to be looked at.
func outboxSpec() queue.Spec {
	return queue.Spec{Lease: 1000, Retention: 4 * day, MaxInFlight: 1}
}

// makeQueues makes the queues that belong to no topic, once.
func (s *Service) makeQueues(ctx context.Context) error {
	_, outbox := s.catalog.Get(kindOutbox, queueOutbox)
	_, direct := s.catalog.Get(kindOutbox, queueDirect)
	if outbox && direct {
		return nil
	}
	return s.catalog.Ensure(ctx, func(tx *catalog.Tx) error {
		for _, key := range []string{queueOutbox, queueDirect} {
			if _, ok := tx.Get(kindOutbox, key); !ok {
				tx.Put(kindOutbox, key, strconv.AppendUint(nil, tx.NextID(), 10))
			}
		}
		return nil
	})
}

func (s *Service) outboxChanged(key string, value []byte) {
	id, err := strconv.ParseUint(string(value), 10, 64)
	if err != nil {
		s.logger.Error("catalog: malformed queue id", "key", key)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if key == queueOutbox {
		s.outbox = s.engine.Declare(id, outboxSpec())
	} else {
		s.direct = s.engine.Declare(id, deliverySpec())
	}
	s.kick()
}

// OutMessage is a message that left for nobody, since there is no relay or gateway.
type OutMessage struct {
	Sequence uint64    `json:"sequence"`
	Time     time.Time `json:"time"`
	Protocol string    `json:"protocol"`
	To       string    `json:"to"`
	Subject  string    `json:"subject,omitempty"`
	Body     string    `json:"body"`
	Topic    string    `json:"topicArn,omitempty"`
	ID       string    `json:"messageId"`
}

// putOut puts a message in the outbox.
func (s *Service) putOut(protocol, to, subject, body string, n *notification) deliver.Outcome {
	s.mu.RLock()
	outbox := s.outbox
	s.mu.RUnlock()
	record, err := json.Marshal(&OutMessage{Protocol: protocol, To: to, Subject: subject, Body: body, Topic: n.Topic, ID: n.ID})
	if err != nil {
		return deliver.Fail(err, true)
	}
	_, err = outbox.Enqueue([]queue.Enqueue{{Message: queue.Message{ID: queue.NewID(), Body: record}, Delay: -1}}, nil)
	return deliver.Fail(err, false)
}

// Outbox returns up to limit messages after a sequence, oldest first.
func (s *Service) Outbox(after uint64, limit int) ([]OutMessage, error) {
	s.mu.RLock()
	outbox := s.outbox
	s.mu.RUnlock()
	page, err := outbox.Browse(after+1, limit, nil)
	if err != nil {
		return nil, engineError(err)
	}
	out := make([]OutMessage, 0, len(page))
	for i := range page {
		var m OutMessage
		if err := json.Unmarshal(page[i].Body, &m); err != nil {
			return nil, fmt.Errorf("sns: read the outbox: %w", err)
		}
		m.Sequence, m.Time = page[i].Seq, time.UnixMilli(page[i].SentAt).UTC()
		out = append(out, m)
	}
	return out, nil
}

// EmptyOutbox deletes what is in the outbox.
func (s *Service) EmptyOutbox() error {
	s.mu.RLock()
	outbox := s.outbox
	s.mu.RUnlock()
	return engineError(outbox.Purge())
}
