package sns

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/spillway/spillway/internal/deliver"
	"github.com/spillway/spillway/internal/queue"
)

var (
	errNoSender  = errors.New("there is no way to deliver to this protocol")
	errExpired   = errors.New("the time to live is over")
	errNoService = errors.New("the service is not there yet")
)

// deliver makes one attempt to deliver a notification.
func (s *Service) deliver(ctx context.Context, q *queue.Queue, sub *subscription, n *notification) deliver.Outcome {
	if n.Type == typeNotification && sub.Ended != 0 {
		return deliver.Outcome{} // it was published before the subscription ended; nobody wants it any more
	}
	ctx, cancel := context.WithTimeout(ctx, attemptLease-lookEvery)
	defer cancel()
	if n.Unsigned {
		if err := s.sign(ctx, n); err != nil {
			return deliver.Fail(err, false)
		}
	}
	protocol, endpoint := sub.Protocol, sub.Endpoint
	if n.Protocol != "" {
		protocol, endpoint = n.Protocol, n.Endpoint
	}
	switch protocol {
	case "sqs":
		return s.deliverQueue(ctx, sub, n)
	case "http", "https":
		return s.deliverHTTP(ctx, sub, n)
	case "lambda":
		return s.deliverLambda(context.WithoutCancel(ctx), q, sub, n)
	case "email", "email-json":
		return s.deliverMail(ctx, sub, n)
	case "sms":
		return s.deliverSMS(ctx, endpoint, sub, n)
	case "application":
		return s.deliverPush(ctx, endpoint, n)
	case "firehose", "kinesis":
		return s.deliverStream(ctx, protocol, sub, n)
	}
	return deliver.Fail(errNoSender, true)
}

// deliverQueue tries a queue again that could not be reached before.
func (s *Service) deliverQueue(ctx context.Context, sub *subscription, n *notification) deliver.Outcome {
	q, e, err := s.queues.Prepare(ctx, sub.Endpoint, s.queueMessage(sub, n, sub.Endpoint))
	if err != nil {
		return deliver.Fail(err, hopeless(err))
	}
	_, err = q.Enqueue([]queue.Enqueue{e}, nil)
	return deliver.Fail(err, errors.Is(err, queue.ErrNoQueue))
}

// deliverHTTP posts to an endpoint, with AWS's headers (recorded).
func (s *Service) deliverHTTP(ctx context.Context, sub *subscription, n *notification) deliver.Outcome {
	if s.config.Outbound.HTTP == nil {
		return deliver.Fail(errNoSender, false)
	}
	h := http.Header{}
	h.Set("User-Agent", "Amazon Simple Notification Service Agent")
	h.Set("Content-Type", defaultContentType)
	h.Set("X-Amz-Sns-Message-Type", n.Type)
	h.Set("X-Amz-Sns-Message-Id", n.ID)
	h.Set("X-Amz-Sns-Topic-Arn", n.Topic)
	body, _ := s.envelope(sub, n)
	if n.Type != typeSubscribe {
		h.Set("X-Amz-Sns-Subscription-Arn", sub.ARN)
	}
	if n.Type == typeNotification {
		h.Set("Content-Type", effectiveDelivery(s.lookup(sub.name), sub).Request.HeaderContentType)
		if sub.raw {
			h.Set("X-Amz-Sns-Rawdelivery", "true")
			body = []byte(n.textFor(sub.Protocol))
		}
	}
	return s.config.Outbound.HTTP(ctx, deliver.Request{URL: sub.Endpoint, Header: h, Body: body})
}

// deliverMail sends an e-mail, or puts it in the outbox.
func (s *Service) deliverMail(ctx context.Context, sub *subscription, n *notification) deliver.Outcome {
	m := Mail{To: sub.Endpoint, FromName: "AWS Notifications", Subject: "AWS Notification Message"}
	if t := s.lookup(sub.name); t != nil && t.Attributes[attrDisplayName] != "" {
		m.FromName = t.Attributes[attrDisplayName]
	}
	switch {
	case n.Type == typeSubscribe:
		m.Subject = "AWS Notification - Subscription Confirmation"
		m.Body = "You have chosen to subscribe to the topic:\n" + n.Topic + "\n\nTo confirm this subscription, visit the link below (if this was in error no action is necessary):\n" + subscribeURL(n) + "\n"
	case sub.Protocol == "email-json":
		body, _ := s.envelope(sub, n)
		m.Body = string(body)
	default:
		m.Body = n.textFor(sub.Protocol) + "\n\n--\nIf you wish to stop receiving notifications from this topic, please visit the link below to unsubscribe:\n" + unsubscribeURL(n.Base, sub.ARN) + "\n"
	}
	if n.Subject != nil {
		m.Subject = *n.Subject
	}
	if s.config.Outbound.Mail == nil {
		return s.putOut(sub.Protocol, m.To, m.Subject, m.Body, n)
	}
	return s.config.Outbound.Mail(ctx, m)
}

// maxSMS is the longest text, in characters.
const maxSMS = 1600

// deliverSMS sends a text message, unless the number has opted out.
func (s *Service) deliverSMS(ctx context.Context, number string, sub *subscription, n *notification) deliver.Outcome {
	where := sub.zone()
	if n.Account != "" {
		where = zone{n.Region, n.Account}
	}
	settings := s.smsOf(where)
	if settings.OptedOut[plainNumber(number)] {
		return deliver.Fail(fmt.Errorf("phone number is opted out"), true)
	}
	m := SMS{PhoneNumber: plainNumber(number), Text: n.textFor("sms"), SenderID: settings.Attributes["DefaultSenderID"], Type: "Promotional"}
	if t := s.lookup(sub.name); t != nil && t.Attributes[attrDisplayName] != "" {
		m.Text = t.Attributes[attrDisplayName] + "> " + m.Text
	}
	if v := settings.Attributes["DefaultSMSType"]; v != "" {
		m.Type = v
	}
	if v := n.attribute("AWS.SNS.SMS.SMSType"); v != "" {
		m.Type = v
	}
	if v := n.attribute("AWS.SNS.SMS.SenderID"); v != "" {
		m.SenderID = v
	}
	m.MaxPrice = n.attribute("AWS.SNS.SMS.MaxPrice")
	if text := []rune(m.Text); len(text) > maxSMS {
		m.Text = string(text[:maxSMS])
	}
	if s.config.Outbound.SMS == nil {
		return s.putOut("sms", m.PhoneNumber, "", m.Text, n)
	}
	return s.config.Outbound.SMS(ctx, m)
}

// deliverPush sends to a mobile app. A token that the platform no longer knows disables
// the endpoint.
func (s *Service) deliverPush(ctx context.Context, endpointARN string, n *notification) deliver.Outcome {
	e, app := s.lookupEndpoint(endpointARN)
	switch {
	case e == nil || app == nil:
		return deliver.Fail(fmt.Errorf("endpoint %s does not exist", endpointARN), true)
	case !e.enabled():
		return deliver.Fail(fmt.Errorf("endpoint %s is disabled", endpointARN), true)
	}
	p := Push{Platform: app.platform, Token: e.token(), Credentials: app.Attributes, Payload: payloadFor(app.platform, n), Attributes: map[string]string{}}
	for _, a := range n.Attributes {
		if !strings.HasPrefix(a.Name, "AWS.SNS.MOBILE.") {
			continue
		}
		p.Attributes[a.Name] = a.Text
		if ttl, err := strconv.ParseInt(a.Text, 10, 64); err == nil && ttl > 0 && strings.HasSuffix(a.Name, ".TTL") {
			// It counts from the publication.
			if ttl -= (time.Now().UnixMilli() - n.Sent) / 1000; ttl <= 0 {
				return deliver.Fail(errExpired, true)
			}
			p.Attributes[a.Name] = strconv.FormatInt(ttl, 10)
		}
	}
	if s.config.Outbound.Push == nil || !pushSupported(app.platform) {
		return s.putOut("application", endpointARN, "", p.Payload, n)
	}
	out, gone := s.config.Outbound.Push(ctx, p)
	if gone {
		s.disableEndpoint(ctx, e)
	}
	return out
}

// deliverStream puts a record in a Kinesis or Firehose stream.
func (s *Service) deliverStream(ctx context.Context, protocol string, sub *subscription, n *notification) deliver.Outcome {
	to, record, key := s.config.Firehose, s.firehoseRecord(sub, n), ""
	if protocol == "kinesis" {
		to, key = s.config.Kinesis, n.ID
		record, _ = s.envelope(sub, n)
		if sub.raw {
			record = []byte(n.textFor(protocol))
		}
		if n.Group != "" {
			key = n.Group
		}
	}
	if to == nil {
		return deliver.Fail(fmt.Errorf("%s: %w", protocol, errNoService), false)
	}
	err := to.Put(ctx, sub.Endpoint, key, record)
	return deliver.Fail(err, hopeless(err))
}

// sendConfirmation has the endpoint of a subscription asked to confirm it, or told that
// it ended.
func (s *Service) sendConfirmation(ctx context.Context, m made, kind string) error {
	sub := s.lookupSubscription(m.subscriptionName)
	t := s.lookup(m.name)
	if sub == nil || t == nil {
		return nil // deleted meanwhile
	}
	n := &notification{
		Type: kind, ID: newUUID(), Topic: m.name.arn(), Sent: m.TokenMade, Base: m.Base, Token: m.Token, Version: "1",
		Message: "You have chosen to subscribe to the topic " + m.name.arn() + ".\nTo confirm the subscription, visit the SubscribeURL included in this message.",
	}
	if kind == typeUnsubscribe {
		n.Message = "You have chosen to deactivate subscription " + m.arn() + ".\nTo cancel this operation and restore the subscription, visit the SubscribeURL included in this message."
	}
	if v := t.Attributes[attrSignature]; v != "" {
		n.Version = v
	}
	if err := s.sign(ctx, n); err != nil {
		return engineError(err)
	}
	return engineError(s.enqueue([]*copyOf{s.keep(sub, n)}))
}
