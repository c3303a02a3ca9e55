package sns

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spillway/spillway/internal/deliver"
	"github.com/spillway/spillway/internal/queue"
	"github.com/spillway/spillway/internal/service"
)

// functionRetries are the pauses before a function that failed is run again.
//
// AWS: Lambda, "How Lambda handles errors and retries with asynchronous invocation".
var functionRetries = []time.Duration{time.Minute, 2 * time.Minute}

// deliverLambda runs a function. For SNS the delivery is done when Lambda has the event;
// running it again, and what becomes of its result, is Lambda's part, which is played
// here. Only a function that cannot be run is a failed delivery.
func (s *Service) deliverLambda(ctx context.Context, q *queue.Queue, sub *subscription, n *notification) deliver.Outcome {
	if s.config.Outbound.Lambda == nil {
		return deliver.Fail(errNoSender, false)
	}
	event := s.lambdaEvent(sub, n)
	got := s.config.Outbound.Lambda(ctx, sub.Endpoint, event)
	if !got.FunctionError && got.Err != nil {
		return got.Outcome
	}
	var to Destinations
	if s.config.Outbound.Destinations != nil {
		to = s.config.Outbound.Destinations(sub.Endpoint)
	}
	runs := n.Runs + 1
	if !got.FunctionError {
		return s.reported(to.OnSuccess, sub, &got, s.report(ctx, to.OnSuccess, "Success", sub, runs, event, &got))
	}
	s.logDelivery(sub, n, uint32(runs), 0, string(got.Payload[:min(len(got.Payload), deliver.MaxResponse)]), errors.New("function error"))
	if n.Runs < min(to.Retries, len(functionRetries)) {
		next := *n
		next.Runs = runs
		body, err := json.Marshal(&next)
		if err != nil {
			return deliver.Fail(err, true)
		}
		_, err = q.Enqueue([]queue.Enqueue{{
			Message: queue.Message{ID: queue.NewID(), Body: body}, Delay: functionRetries[n.Runs].Milliseconds(),
		}}, nil)
		return deliver.Fail(err, false)
	}
	return s.reported(to.OnFailure, sub, &got, s.report(ctx, to.OnFailure, "RetriesExhausted", sub, runs, event, &got))
}

// reported is how a delivery ended: the function has run, and does not run again because
// its destination does not take the record.
func (s *Service) reported(to string, sub *subscription, got *Invocation, err error) deliver.Outcome {
	if err != nil {
		s.logger.Warn("a destination did not take the record of an invocation", "destination", to, "function", sub.Endpoint, "request", got.RequestID, "error", err)
	}
	return deliver.Outcome{Status: 200, Response: got.Response}
}

// invocationRecord is what a destination gets, in AWS's order.
type invocationRecord struct {
	Version        string `json:"version"`
	Timestamp      string `json:"timestamp"`
	RequestContext struct {
		RequestID   string `json:"requestId"`
		FunctionARN string `json:"functionArn"`
		Condition   string `json:"condition"`
		Invocations int    `json:"approximateInvokeCount"`
	} `json:"requestContext"`
	RequestPayload  json.RawMessage `json:"requestPayload"`
	ResponseContext struct {
		StatusCode      int    `json:"statusCode"`
		ExecutedVersion string `json:"executedVersion"`
		FunctionError   string `json:"functionError,omitempty"`
	} `json:"responseContext"`
	ResponsePayload json.RawMessage `json:"responsePayload,omitempty"`
}

// report sends the record of an invocation to a queue or topic, "" for nowhere.
func (s *Service) report(ctx context.Context, to, condition string, sub *subscription, runs int, event []byte, got *Invocation) error {
	if to == "" {
		return nil
	}
	r := invocationRecord{Version: "1.0", Timestamp: timestamp(time.Now().UnixMilli()), RequestPayload: event}
	r.RequestContext.RequestID, r.RequestContext.FunctionARN = got.RequestID, sub.Endpoint+":$LATEST"
	r.RequestContext.Condition, r.RequestContext.Invocations = condition, runs
	r.ResponseContext.StatusCode, r.ResponseContext.ExecutedVersion = 200, "$LATEST"
	if got.FunctionError {
		r.ResponseContext.FunctionError = "Unhandled"
	}
	if json.Valid(got.Payload) {
		r.ResponsePayload = got.Payload
	}
	body := mustJSON(r)
	if strings.HasPrefix(to, "arn:aws:sns:") {
		return s.publishRecord(ctx, to, body)
	}
	q, e, err := s.queues.Prepare(ctx, to, &service.QueueMessage{
		Body: body, Service: "lambda.amazonaws.com", Sender: senderID, SourceARN: sub.Endpoint, SourceAccount: sub.account,
	})
	if err != nil {
		return err
	}
	_, err = q.Enqueue([]queue.Enqueue{e}, nil)
	return err
}

// publishRecord publishes to a topic as Lambda would.
func (s *Service) publishRecord(ctx context.Context, topicARN, body string) error {
	parts := strings.SplitN(topicARN, ":", 6)
	if len(parts) != 6 {
		return fmt.Errorf("%w: %s", service.ErrNoTarget, topicARN)
	}
	t, err := s.find(name{parts[3], parts[4], parts[5]})
	if err != nil {
		return err
	}
	if t.fifo() {
		return fmt.Errorf("%w: %s: destinations are standard topics", service.ErrTargetRefuses, topicARN)
	}
	n := &notification{Type: typeNotification, ID: newUUID(), Topic: t.ARN, Message: body, Sent: time.Now().UnixMilli(), Base: s.config.URL, Version: "1"}
	return s.publish(ctx, t, []*notification{n})
}
