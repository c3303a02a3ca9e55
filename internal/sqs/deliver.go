package sqs

import (
	"context"
	"fmt"
	"time"

	"github.com/spillway/spillway/internal/iam"
	"github.com/spillway/spillway/internal/queue"
	"github.com/spillway/spillway/internal/service"
)

// Prepare checks that another service may put a message into the queue with an ARN,
// and makes it ready for the engine. A wrapped service.ErrNoTarget, ErrTargetDenies
// or ErrTargetRefuses says that it will never arrive; any other error, that it is not
// known yet.
func (s *Service) Prepare(ctx context.Context, queueARN string, m *service.QueueMessage) (*queue.Queue, queue.Enqueue, error) {
	n, ok := nameOf(queueARN)
	if !ok {
		return nil, queue.Enqueue{}, fmt.Errorf("%w: %s is no queue's ARN", service.ErrNoTarget, queueARN)
	}
	q, err := s.findWithin(ctx, n)
	if err != nil {
		return nil, queue.Enqueue{}, err
	}
	if q == nil {
		return nil, queue.Enqueue{}, fmt.Errorf("%w: %s", service.ErrNoTarget, queueARN)
	}
	if err := admit(q, m); err != nil {
		return nil, queue.Enqueue{}, err
	}
	e, err := s.composeFor(q, m)
	return q.handle, e, err
}

// admit asks the queue's policy. Being of the same account is not enough for a
// service: AWS, "Allowing SNS to send to a queue".
func admit(q *Queue, m *service.QueueMessage) error {
	access := iam.Access{Action: "sqs:SendMessage", Resource: q.ARN, Owner: q.account, Policy: q.policy}
	about := iam.Context{Now: time.Now(), Secure: true, Region: q.region, SourceARN: m.SourceARN, SourceAccount: m.SourceAccount}
	if err := iam.Authorize(iam.ServicePrincipal(m.Service), access, &about); err != nil {
		return fmt.Errorf("%w: %w", service.ErrTargetDenies, err)
	}
	return nil
}

// composeFor is compose for a message of another service, which was checked there:
// what is left are the limits of this queue.
func (s *Service) composeFor(q *Queue, m *service.QueueMessage) (e queue.Enqueue, err error) {
	refuse := func(why string) (queue.Enqueue, error) {
		return queue.Enqueue{}, fmt.Errorf("%w: %s", service.ErrTargetRefuses, why)
	}
	if len(m.Attributes) > maxAttributes {
		return refuse(fmt.Sprintf("%d attributes are more than %d", len(m.Attributes), maxAttributes))
	}
	h := header{seal: m.Seal, sender: m.Sender, trace: m.Trace}
	if m.Seal == nil {
		h.body = digestOf(m.Body)
	}
	size := len(m.Body)
	for _, a := range m.Attributes {
		x := attribute{name: a.Name, dataType: a.Type, kind: kindText, value: []byte(a.Text)}
		if a.Binary != nil {
			x.kind, x.value = kindBinary, a.Binary
		}
		size += len(x.name) + len(x.dataType) + len(x.value)
		h.attributes = append(h.attributes, x)
	}
	if limit := int(q.number[attrMaximumSize]); size > limit {
		return refuse(fmt.Sprintf("%d bytes are more than %d", size, limit))
	}
	if checkBody(m.Body) != nil {
		return refuse("its text has characters that the queue does not allow")
	}
	if len(h.attributes) > 0 {
		h.digest = digestOfAttributes(h.attributes)
	}
	e.Delay = -1
	e.Group = m.Group
	if q.FIFO() {
		if m.Group == "" || m.Dedup == "" {
			return refuse("a FIFO queue needs a group and a deduplication id")
		}
		e.Dedup = m.Dedup
		q.dedup(&e)
	}
	e.ID = queue.NewID()
	e.Header = h.append(make([]byte, 0, 64+size-len(m.Body)+len(h.sender)+len(h.trace)+4*len(h.attributes)))
	e.Body = []byte(m.Body)
	return e, nil
}
