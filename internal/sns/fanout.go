package sns

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/spillway/spillway/internal/queue"
	"github.com/spillway/spillway/internal/service"
)

const (
	servicePrincipal = "sns.amazonaws.com"
	// senderID is the SenderId of messages that SNS puts in queues: an id of its own in
	// AWS's form.
	senderID = "AIDAISMY7JYY5F7RTT6AO"
)

// copyOf is one subscriber's copy of a notification on its way into a queue.
type copyOf struct {
	queue.Target
	sub    *subscription
	n      *notification
	direct bool // to its SQS queue, not to the subscription's own
}

// fanOut stores a copy of each notification for each subscription that matches. When it
// returns without an error, all are durable. What cannot be stored in an SQS queue for
// now is stored in the subscription's own, from where it is tried again.
func (s *Service) fanOut(ctx context.Context, t *topic, all []*notification) error {
	var copies []*copyOf
	for _, n := range all {
		matched, missed := t.subs.match(n)
		s.stats.FilteredOut.Add(uint64(missed))
		signed := signedTexts{}
		for _, sub := range matched {
			of, err := s.signFor(ctx, t, sub, n, signed)
			if err != nil {
				return engineError(err)
			}
			c, err := s.prepare(ctx, sub, of)
			if err != nil {
				return engineError(err)
			}
			if c != nil {
				copies = append(copies, c)
			}
		}
	}
	if t.fifo() {
		return engineError(s.enqueueInOrder(ctx, copies))
	}
	return engineError(s.enqueue(copies))
}

// signedTexts are the variants of one notification, by protocol, "" for the default.
type signedTexts map[string]*notification

// signFor returns what a subscription gets, signed, or marked as unsigned, if its envelope
// shows a signature: once for all that get the same.
func (s *Service) signFor(ctx context.Context, t *topic, sub *subscription, n *notification, signed signedTexts) (*notification, error) {
	variant := ""
	if _, ok := n.Variants[sub.Protocol]; ok {
		variant = sub.Protocol
	}
	version := n.Version
	if sub.Protocol == "lambda" {
		variant, version = variant+"\x00", "1" // what its event says on every topic
	}
	bare := t.fifo() || sub.raw || !signedProtocols[sub.Protocol]
	if bare {
		return n.forProtocol(sub.Protocol), nil
	}
	if of := signed[variant]; of != nil {
		return of, nil
	}
	of := *n.forProtocol(sub.Protocol)
	of.Version = version
	if err := s.signEarly(ctx, &of); err != nil {
		return nil, err
	}
	signed[variant] = &of
	return &of, nil
}

// signedProtocols show a signature.
var signedProtocols = map[string]bool{"sqs": true, "http": true, "https": true, "email-json": true, "lambda": true, "kinesis": true}

// prepare makes the copy for a subscription; nil if nothing can be stored, because it
// can never be delivered and has no dead-letter queue. An error, of FIFO topics only,
// says that the queue cannot be asked now: later messages must not overtake this one.
func (s *Service) prepare(ctx context.Context, sub *subscription, n *notification) (*copyOf, error) {
	if sub.Protocol != "sqs" {
		return s.keep(sub, n), nil
	}
	q, e, err := s.queues.Prepare(ctx, sub.Endpoint, s.queueMessage(sub, n, sub.Endpoint))
	switch {
	case err == nil:
		return &copyOf{Target: queue.Target{Queue: q, Message: e}, sub: sub, n: n, direct: true}, nil
	case hopeless(err):
		var c *copyOf
		if c, err = s.deadLetter(ctx, sub, n, err); err == nil {
			return c, nil
		}
	}
	if sub.fifo() {
		return nil, err
	}
	return s.keep(sub, n), nil
}

// hopeless reports whether another attempt would fail as well.
func hopeless(err error) bool {
	return errors.Is(err, service.ErrNoTarget) || errors.Is(err, service.ErrTargetDenies) || errors.Is(err, service.ErrTargetRefuses)
}

// keep is a copy in the subscription's own queue, from where pumps deliver.
func (s *Service) keep(sub *subscription, n *notification) *copyOf {
	body, err := json.Marshal(n)
	if err != nil {
		panic(err) // strings and numbers can be written
	}
	e := queue.Enqueue{Message: queue.Message{ID: queue.NewID(), Body: body}, Delay: -1}
	return &copyOf{Target: queue.Target{Queue: sub.queue, Message: e}, sub: sub, n: n}
}

// deadLetter is a copy for the subscription's dead-letter queue: what the endpoint
// would have got. It is nil if there is no such queue, or none that takes it; an error
// says that this is not known yet.
func (s *Service) deadLetter(ctx context.Context, sub *subscription, n *notification, why error) (*copyOf, error) {
	var c *copyOf
	if sub.deadLetter != "" {
		q, e, err := s.queues.Prepare(ctx, sub.deadLetter, s.queueMessage(sub, n, sub.deadLetter))
		if errors.Is(err, service.ErrTargetRefuses) && sub.raw {
			// More attributes than a queue takes: in the envelope they fit.
			q, e, err = s.queues.Prepare(ctx, sub.deadLetter, s.queueMessage(sub.enveloped(), n, sub.deadLetter))
		}
		switch {
		case err == nil:
			s.stats.DeadLettered.Add(1)
			c = &copyOf{Target: queue.Target{Queue: q, Message: e}, sub: sub, n: n, direct: true}
		case hopeless(err):
			why = errors.Join(why, err)
		default:
			return nil, err
		}
	}
	s.stats.Failed.Add(1)
	s.logDelivery(sub, n, 1, 0, "", why)
	return c, nil
}

// enveloped is the subscription without raw delivery.
func (sub *subscription) enveloped() *subscription {
	out := *sub
	out.raw = false
	return &out
}

// queueMessage is what an SQS queue gets.
func (s *Service) queueMessage(sub *subscription, n *notification, queueARN string) *service.QueueMessage {
	m := &service.QueueMessage{
		Service: servicePrincipal, Sender: senderID, SourceARN: sub.name.arn(), SourceAccount: sub.account, Trace: n.Trace,
	}
	if sub.raw {
		m.Body, m.Attributes = n.textFor(sub.Protocol), n.Attributes
	} else {
		var body []byte
		body, m.Seal = s.envelope(sub, n)
		m.Body = string(body)
	}
	switch fifo := strings.HasSuffix(queueARN, ".fifo"); {
	case fifo:
		m.Group, m.Dedup = n.Group, n.Dedup
	case !sub.fifo():
		m.Group = n.Group // a tenant of a standard queue
	}
	return m
}

// enqueue stores the copies. Those that a queue of SQS did not take are kept.
func (s *Service) enqueue(copies []*copyOf) error {
	if len(copies) == 0 {
		return nil
	}
	targets := make([]*queue.Target, len(copies))
	for i, c := range copies {
		targets[i] = &c.Target
	}
	queue.EnqueueEach(targets)
	var again []*copyOf
	var failed error
	for _, c := range copies {
		switch {
		case c.Err == nil && c.direct:
			s.stats.Delivered.Add(1)
		case c.Err == nil:
			s.work.wake(c.sub)
		case errors.Is(c.Err, queue.ErrNoQueue):
			// Deleted just now: the queue, or the subscription.
			if c.direct {
				dead, err := s.deadLetter(context.Background(), c.sub, c.n, service.ErrNoTarget)
				switch {
				case err != nil:
					again = append(again, s.keep(c.sub, c.n))
				case dead != nil && dead.Queue != c.Queue:
					again = append(again, dead)
				}
			}
		case c.direct:
			again = append(again, s.keep(c.sub, c.n))
		default:
			failed = c.Err
		}
	}
	if err := s.enqueue(again); err != nil {
		return err
	}
	return failed
}
