package sqs

import (
	"context"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/queue"
	"github.com/spillway/spillway/internal/service"
)

// PeekRequest asks to look at the messages of a queue.
type PeekRequest struct {
	QueueURL                string // in any form, or "" with the three below
	Region, Account, Queue  string
	ShowHidden, ShowDelayed bool
	// After is where to go on: the sequence number of the last message seen.
	After uint64
	Limit int // messages at most
}

// Peek returns messages as ReceiveMessage would show them, with all attributes
// and without changing anything: no lease, no receive count. Next is where to go
// on, 0 at the end.
func (s *Service) Peek(ctx context.Context, c *service.Call, in PeekRequest) (out []sqsapi.Message, next uint64, err error) {
	var q *Queue
	if in.QueueURL != "" {
		q, err = s.resolve(c, &in.QueueURL)
	} else {
		q, err = s.find(name{in.Region, in.Account, in.Queue})
	}
	if err != nil {
		return nil, 0, err
	}
	if q == nil {
		return nil, 0, errNoQueue()
	}
	w := wanted{system: []string{"All"}, allSystem: true, all: true}
	from := in.After + 1
	for len(out) < in.Limit {
		peeks, err := q.handle.Browse(from, in.Limit-len(out), nil)
		if err != nil {
			return nil, 0, engineError(err)
		}
		if len(peeks) == 0 {
			return out, 0, nil
		}
		for _, p := range peeks {
			from = p.Seq + 1
			if p.Hidden && !in.ShowHidden || p.Delayed && !in.ShowDelayed {
				continue
			}
			m, err := s.present(ctx, q, &queue.Delivery{Message: p.Message, Seq: p.Seq, Acquired: p.Acquired, FirstAcquired: p.FirstAcquired}, &w)
			if err != nil {
				return nil, 0, err
			}
			m.ReceiptHandle = new("SQS/BACKDOOR/ACCESS") // as LocalStack shows it: it settles nothing
			out = append(out, m)
		}
	}
	return out, from - 1, nil
}

// Reset deletes every queue and move task, for development mode.
func (s *Service) Reset(tx ResetTx) {
	for _, kind := range []string{kindQueue, kindDeleted, kindMoveTask, kindLastMove} {
		for _, key := range s.catalog.Keys(kind) {
			tx.Delete(kind, key)
		}
	}
}

// ResetTx is the part of a catalog transaction that Reset needs.
type ResetTx interface{ Delete(kind, key string) }

// Name returns the queue's region, account and name.
func (q *Queue) Name() (region, account, queue string) { return q.region, q.account, q.queue }
