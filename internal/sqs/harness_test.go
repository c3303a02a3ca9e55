package sqs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/iam"
	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/queue"
	"github.com/spillway/spillway/internal/service"
	"github.com/spillway/spillway/internal/smithy"
	"github.com/spillway/spillway/internal/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const account = "000000000000"

// fixture is a service on a store in memory. Its methods call operations as the
// gateway would, without HTTP, and fail the test on errors unless their name says
// otherwise.
type fixture struct {
	*testing.T
	*Service
	call service.Call
}

// virtually runs a test in virtual time with a fresh service.
func virtually(t *testing.T, f func(f *fixture)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fx := newFixture(t)
		f(fx)
	})
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	st, err := store.Open(store.Options{Memory: true})
	if err != nil {
		t.Fatal(err)
	}
	set, err := partition.OpenSet(st, partition.Options{})
	if err != nil {
		t.Fatal(err)
	}
	cat := catalog.New(set.Catalog(), nil)
	engine := queue.New(set, st, queue.Options{})
	s := New(engine, cat, Config{DeleteCooldown: time.Minute, PurgeCooldown: time.Minute, Account: account})
	if err := set.Start(); err != nil {
		t.Fatal(err)
	}
	engine.Start()
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Lead(true)
	t.Cleanup(func() {
		s.Close()
		engine.Close()
		if err := errors.Join(set.Close(context.Background()), st.Close()); err != nil {
			t.Error(err)
		}
	})
	return &fixture{T: t, Service: s, call: service.Call{
		Principal: &iam.Principal{Account: account, ARN: "arn:aws:iam::" + account + ":root", UserID: account, Root: true},
		Region:    "us-east-1", BaseURL: "http://localhost:4566", Path: "/",
	}}
}

// now returns the call with the present time.
func (f *fixture) now() *service.Call {
	c := f.call
	c.Now = time.Now()
	return &c
}

// try calls an operation as the gateway does: authorization data first, then the
// method.
func try[Out any](f *fixture, op *smithy.Operation, in smithy.Shape) (*Out, error) {
	f.Helper()
	o := f.Operations().Operations[op.Name]
	if o == nil {
		f.Fatalf("%s is not registered", op.Name)
	}
	c := f.now()
	if _, err := o.Access(c, in); err != nil {
		return nil, err
	}
	out, err := o.Invoke(f.Context(), c, in)
	if err != nil || out == nil {
		return nil, err
	}
	return any(out).(*Out), nil
}

func must[Out any](f *fixture, op *smithy.Operation, in smithy.Shape) *Out {
	f.Helper()
	out, err := try[Out](f, op, in)
	if err != nil {
		f.Fatalf("%s: %v", op.Name, err)
	}
	return out
}

// refused calls an operation that must fail with a code and a text that contains
// a part.
func (f *fixture) refused(op *smithy.Operation, in smithy.Shape, code, part string) {
	f.Helper()
	_, err := try[service.None](f, op, in)
	f.isError(err, code, part)
}

func (f *fixture) isError(err error, code, part string) {
	f.Helper()
	var e *smithy.APIError
	if !errors.As(err, &e) {
		f.Fatalf("got %v, want %s", err, code)
	}
	if e.Code != code || !strings.Contains(e.Message, part) {
		f.Fatalf("got %s %q,\nwant %s %q", e.Code, e.Message, code, part)
	}
}

type attrs = map[string]string

func (f *fixture) create(name string, a attrs) *string {
	f.Helper()
	return must[sqsapi.CreateQueueResult](f, sqsapi.CreateQueue, &sqsapi.CreateQueueRequest{QueueName: &name, Attributes: a}).QueueUrl
}

func (f *fixture) fifo(name string, a attrs) *string {
	f.Helper()
	all := attrs{"FifoQueue": "true"}
	for k, v := range a {
		all[k] = v
	}
	return f.create(name, all)
}

func (f *fixture) set(url *string, a attrs) {
	f.Helper()
	must[service.None](f, sqsapi.SetQueueAttributes, &sqsapi.SetQueueAttributesRequest{QueueUrl: url, Attributes: a})
}

func (f *fixture) get(url *string, names ...string) attrs {
	f.Helper()
	if len(names) == 0 {
		names = []string{"All"}
	}
	return must[sqsapi.GetQueueAttributesResult](f, sqsapi.GetQueueAttributes,
		&sqsapi.GetQueueAttributesRequest{QueueUrl: url, AttributeNames: names}).Attributes
}

func (f *fixture) send(url *string, body string) *sqsapi.SendMessageResult {
	f.Helper()
	return must[sqsapi.SendMessageResult](f, sqsapi.SendMessage, &sqsapi.SendMessageRequest{QueueUrl: url, MessageBody: &body})
}

// sendTo sends to a group of a FIFO queue, with the body as deduplication id.
func (f *fixture) sendTo(url *string, group, body string) *sqsapi.SendMessageResult {
	f.Helper()
	return must[sqsapi.SendMessageResult](f, sqsapi.SendMessage, &sqsapi.SendMessageRequest{
		QueueUrl: url, MessageBody: &body, MessageGroupId: &group, MessageDeduplicationId: &body,
	})
}

func (f *fixture) receive(url *string, change ...func(*sqsapi.ReceiveMessageRequest)) []sqsapi.Message {
	f.Helper()
	in := &sqsapi.ReceiveMessageRequest{QueueUrl: url, MaxNumberOfMessages: new(int32(10)), MessageSystemAttributeNames: []string{"All"}}
	for _, c := range change {
		c(in)
	}
	return must[sqsapi.ReceiveMessageResult](f, sqsapi.ReceiveMessage, in).Messages
}

// bodies receives and checks the bodies, in order.
func (f *fixture) bodies(url *string, want ...string) []sqsapi.Message {
	f.Helper()
	got := f.receive(url)
	f.same(got, want...)
	return got
}

func (f *fixture) same(got []sqsapi.Message, want ...string) {
	f.Helper()
	var bodies []string
	for _, m := range got {
		bodies = append(bodies, *m.Body)
	}
	if fmt.Sprint(bodies) != fmt.Sprint(want) {
		f.Fatalf("received %v, want %v", bodies, want)
	}
}

func (f *fixture) delete(url *string, messages ...sqsapi.Message) {
	f.Helper()
	for _, m := range messages {
		must[service.None](f, sqsapi.DeleteMessage, &sqsapi.DeleteMessageRequest{QueueUrl: url, ReceiptHandle: m.ReceiptHandle})
	}
}

func (f *fixture) visibility(url *string, m sqsapi.Message, seconds int32) {
	f.Helper()
	must[service.None](f, sqsapi.ChangeMessageVisibility, &sqsapi.ChangeMessageVisibilityRequest{
		QueueUrl: url, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: &seconds,
	})
}

// wait lets virtual time pass.
func (f *fixture) wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func hidden(seconds int32) func(*sqsapi.ReceiveMessageRequest) {
	return func(in *sqsapi.ReceiveMessageRequest) { in.VisibilityTimeout = &seconds }
}

func most(n int32) func(*sqsapi.ReceiveMessageRequest) {
	return func(in *sqsapi.ReceiveMessageRequest) { in.MaxNumberOfMessages = &n }
}

func polling(seconds int32) func(*sqsapi.ReceiveMessageRequest) {
	return func(in *sqsapi.ReceiveMessageRequest) { in.WaitTimeSeconds = &seconds }
}
