package sns

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/deliver"
	"github.com/spillway/spillway/internal/iam"
	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/queue"
	"github.com/spillway/spillway/internal/service"
	"github.com/spillway/spillway/internal/smithy"
	"github.com/spillway/spillway/internal/sqs"
	"github.com/spillway/spillway/internal/store"
)

func TestMain(m *testing.M) {
	var err error
	if testKey, err = newSigningRecord(time.Now()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// testKey signs what tests publish: making a key takes long.
var testKey []byte

const (
	account = "000000000000"
	other   = "111111111111"
	region  = "us-east-1"
	baseURL = "http://localhost:4566"
)

// fixture is the service on a store, with the real SQS below it and endpoints that only
// write down what they get. Its methods call operations as the gateway would, without
// HTTP, and fail the test on errors unless their name says otherwise.
type fixture struct {
	*testing.T
	*Service
	sqs     *sqs.Service
	catalog *catalog.Catalog
	call    service.Call
	out     *endpoints
	gate    *gate
	ahead   time.Duration // of the clock, what calls are told: for days, in which much would happen
	store   *store.Store
	change  func(*Config)
	close   func()
}

// virtually runs a test in virtual time with a fresh service.
func virtually(t *testing.T, f func(f *fixture), change ...func(*Config)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		st, err := store.Open(store.Options{Memory: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := st.Close(); err != nil {
				t.Error(err)
			}
		})
		f(newFixture(t, st, change...))
	})
}

func newFixture(t *testing.T, st *store.Store, change ...func(*Config)) *fixture {
	t.Helper()
	return newFixtureOf(t, st, newEndpoints(), change...)
}

// newFixtureOf is newFixture with endpoints that are there already.
func newFixtureOf(t *testing.T, st *store.Store, out *endpoints, change ...func(*Config)) *fixture {
	t.Helper()
	f := &fixture{T: t, out: out, gate: &gate{lost: map[string]bool{}}, call: service.Call{
		Principal: &iam.Principal{Account: account, ARN: "arn:aws:iam::" + account + ":root", UserID: account, Root: true},
		Region:    region, BaseURL: baseURL, Path: "/",
	}, change: func(c *Config) {
		for _, f := range change {
			f(c)
		}
	}}
	f.start(st)
	t.Cleanup(func() { f.close() })
	return f
}

// restart stops the service as package server does, and starts it again.
func (f *fixture) restart() {
	f.Helper()
	f.close()
	f.start(f.store)
}

// forgetKey has the next signature make a key.
func (f *fixture) forgetKey() {
	f.Helper()
	err := f.catalog.Update(context.Background(), func(tx *catalog.Tx) error {
		tx.Delete(kindKey, signingRecord)
		return nil
	})
	if err != nil {
		f.Fatal(err)
	}
	f.signer.key = nil
}

// start builds the service on a store, as package server does.
func (f *fixture) start(st *store.Store) {
	f.Helper()
	f.store = st
	set, err := partition.OpenSet(st, partition.Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.catalog = catalog.New(set.Catalog(), nil)
	engine := queue.New(set, st, queue.Options{})
	f.sqs = sqs.New(engine, f.catalog, sqs.Config{Account: account})
	config := Config{Account: account, Outbound: f.out.outbound(), Firehose: f.out.stream("firehose"), Kinesis: f.out.stream("kinesis")}
	if testing.Verbose() {
		config.Logger = slog.New(slog.NewTextHandler(f.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	f.change(&config)
	f.gate.Queues = f.sqs
	f.Service = New(engine, f.catalog, f.gate, config)
	if err := set.Start(); err != nil {
		f.Fatal(err)
	}
	engine.Start()
	if err := f.sqs.Start(context.Background()); err != nil {
		f.Fatal(err)
	}
	f.sqs.Lead(true)
	err = f.catalog.Update(context.Background(), func(tx *catalog.Tx) error {
		if _, ok := tx.Get(kindKey, signingRecord); !ok {
			tx.Put(kindKey, signingRecord, testKey)
		}
		return nil
	})
	if err != nil {
		f.Fatal(err)
	}
	if err := f.Service.Start(context.Background()); err != nil {
		f.Fatal(err)
	}
	f.close = sync.OnceFunc(func() {
		f.Service.Close()
		f.sqs.Close()
		engine.Close()
		if err := set.Close(context.Background()); err != nil {
			f.Error(err)
		}
	})
}

// gate is between the service and SQS: some queues cannot be asked for a while, as when
// their owner is lost.
type gate struct {
	Queues

	mu     sync.Mutex // guards the rest
	lost   map[string]bool
	rng    *rand.Rand // if set, any queue now and then
	failed int
}

var errLost = errors.New("the queue cannot be asked now")

func (g *gate) set(arn string, lost bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lost[arn] = lost
}

// shake loses every queue now and then.
func (g *gate) shake() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.rng = rand.New(rand.NewPCG(1, 2))
}

// Prepare implements Queues.
func (g *gate) Prepare(ctx context.Context, arn string, m *service.QueueMessage) (*queue.Queue, queue.Enqueue, error) {
	g.mu.Lock()
	fail := g.lost[arn] || g.rng != nil && g.rng.IntN(5) == 0
	if fail {
		g.failed++
	}
	g.mu.Unlock()
	if fail {
		return nil, queue.Enqueue{}, errLost
	}
	return g.Queues.Prepare(ctx, arn, m)
}

// as is the fixture for another caller.
func (f *fixture) as(p *iam.Principal) *fixture {
	out := *f
	out.call.Principal = p
	return &out
}

// by is the fixture for the root of another account.
func (f *fixture) by(id string) *fixture {
	return f.as(&iam.Principal{Account: id, ARN: "arn:aws:iam::" + id + ":root", UserID: id, Root: true})
}

// in is the fixture for another region.
func (f *fixture) in(region string) *fixture {
	out := *f
	out.call.Region = region
	return &out
}

// try calls an operation as the gateway does: authorization first, then the method.
func try[Out any](f *fixture, op *smithy.Operation, in smithy.Shape) (*Out, error) {
	f.Helper()
	of := f.Operations()
	o := of.Operations[op.Name]
	if o == nil || o.Shape != op {
		of = f.sqs.Operations()
		o = of.Operations[op.Name]
	}
	if o == nil || o.Shape != op {
		f.Fatalf("%s is not registered", op.Name)
	}
	c := f.call
	c.Now = time.Now().Add(f.ahead)
	c.Conditions = iam.Context{Now: c.Now, Region: c.Region}
	access, err := o.Access(&c, in)
	if err != nil {
		return nil, err
	}
	if access != (service.Access{}) {
		if err := iam.Authorize(c.Principal, iam.Access(access), &c.Conditions); err != nil {
			var api *smithy.APIError
			if errors.As(err, &api) {
				return nil, of.Denied.New(api.Message)
			}
			return nil, err
		}
	}
	out, err := o.Invoke(context.Background(), &c, in)
	if err != nil || out == nil {
		return nil, err
	}
	typed, _ := any(out).(*Out) // refused does not say the type
	return typed, nil
}

func must[Out any](f *fixture, op *smithy.Operation, in smithy.Shape) *Out {
	f.Helper()
	out, err := try[Out](f, op, in)
	if err != nil {
		f.Fatalf("%s: %v", op.Name, err)
	}
	return out
}

// does is must for operations without an output.
func (f *fixture) does(op *smithy.Operation, in smithy.Shape) {
	f.Helper()
	must[service.None](f, op, in)
}

// refused calls an operation that must fail with a code and a text.
func (f *fixture) refused(op *smithy.Operation, in smithy.Shape, code, text string) {
	f.Helper()
	_, err := try[service.None](f, op, in)
	f.isError(err, code, text)
}

// isError wants the exact text, or its beginning if that ends with "...".
func (f *fixture) isError(err error, code, text string) {
	f.Helper()
	var e *smithy.APIError
	if !errors.As(err, &e) {
		f.Fatalf("got %v, want %s", err, code)
	}
	begin, short := strings.CutSuffix(text, "...")
	if e.Code != code || e.Message != text && (!short || !strings.HasPrefix(e.Message, begin)) {
		f.Errorf("\n got %s %q,\nwant %s %q", e.Code, e.Message, code, text)
	}
}

// invalid wants InvalidParameter.
func (f *fixture) invalid(op *smithy.Operation, in smithy.Shape, text string) {
	f.Helper()
	f.refused(op, in, "InvalidParameter", text)
}

type attrs = map[string]string

// topic makes a topic; one with the suffix of a FIFO topic is one.
func (f *fixture) topic(name string, a attrs) string {
	f.Helper()
	if strings.HasSuffix(name, ".fifo") {
		a = maps.Clone(a)
		if a == nil {
			a = attrs{}
		}
		a["FifoTopic"] = "true"
	}
	return *must[snsapi.CreateTopicResponse](f, snsapi.CreateTopic, &snsapi.CreateTopicInput{Name: &name, Attributes: a}).TopicArn
}

func (f *fixture) attributes(topic string) attrs {
	f.Helper()
	return must[snsapi.GetTopicAttributesResponse](f, snsapi.GetTopicAttributes, &snsapi.GetTopicAttributesInput{TopicArn: &topic}).Attributes
}

func (f *fixture) setTopic(topic, attribute, value string) {
	f.Helper()
	f.does(snsapi.SetTopicAttributes, setTopic(topic, attribute, value))
}

func setTopic(topic, attribute, value string) *snsapi.SetTopicAttributesInput {
	return &snsapi.SetTopicAttributesInput{TopicArn: &topic, AttributeName: &attribute, AttributeValue: &value}
}

// queueARN is the ARN of a queue of this account.
func queueARN(name string) string { return "arn:aws:sqs:" + region + ":" + account + ":" + name }

// queue makes a queue that lets topics in, and returns its ARN.
func (f *fixture) queue(name string, a attrs) string {
	f.Helper()
	arn := "arn:aws:sqs:" + f.call.Region + ":" + f.call.Account() + ":" + name
	all := attrs{"Policy": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"` + arn + `"}]}`}
	if strings.HasSuffix(name, ".fifo") {
		all["FifoQueue"] = "true"
	}
	maps.Copy(all, a)
	maps.DeleteFunc(all, func(_, v string) bool { return v == "" })
	must[sqsapi.CreateQueueResult](f, sqsapi.CreateQueue, &sqsapi.CreateQueueRequest{QueueName: &name, Attributes: all})
	return arn
}

func queueURL(arn string) *string {
	p := strings.Split(arn, ":")
	return new(baseURL + "/" + p[4] + "/" + p[5])
}

// receive returns and deletes what is in a queue.
func (f *fixture) receive(queue string) (all []sqsapi.Message) {
	f.Helper()
	for {
		got := must[sqsapi.ReceiveMessageResult](f, sqsapi.ReceiveMessage, &sqsapi.ReceiveMessageRequest{
			QueueUrl: queueURL(queue), MaxNumberOfMessages: new(int32(10)), MessageSystemAttributeNames: []string{"All"}, MessageAttributeNames: []string{"All"},
		}).Messages
		if len(got) == 0 {
			return all
		}
		for _, m := range got {
			f.does(sqsapi.DeleteMessage, &sqsapi.DeleteMessageRequest{QueueUrl: queueURL(queue), ReceiptHandle: m.ReceiptHandle})
		}
		all = append(all, got...)
	}
}

// one is receive for exactly one message.
func (f *fixture) one(queue string) sqsapi.Message {
	f.Helper()
	got := f.receive(queue)
	if len(got) != 1 {
		f.Fatalf("%s has %d messages, want 1", queue, len(got))
	}
	return got[0]
}

// envelope is what an envelope says.
type envelope struct {
	Type, MessageId, SequenceNumber, Token, TopicArn, Message, SubscribeURL, Timestamp string
	SignatureVersion, Signature, SigningCertURL, UnsubscribeURL, SigningCertUrl        string
	Subject                                                                            *string
	Replayed                                                                           bool
	MessageAttributes                                                                  map[string]struct{ Type, Value string }
}

func (f *fixture) open(body string) (e envelope) {
	f.Helper()
	if err := json.Unmarshal([]byte(body), &e); err != nil {
		f.Fatalf("%v: %s", err, body)
	}
	return e
}

// has wants the messages of a queue, of envelopes or raw ones, in order.
func (f *fixture) has(queue string, want ...string) []sqsapi.Message {
	f.Helper()
	got := f.receive(queue)
	var texts []string
	for _, m := range got {
		var e envelope
		if json.Unmarshal([]byte(*m.Body), &e) == nil && e.Type == typeNotification {
			texts = append(texts, e.Message)
		} else {
			texts = append(texts, *m.Body)
		}
	}
	if fmt.Sprintf("%q", texts) != fmt.Sprintf("%q", want) {
		f.Errorf("%s has %q, want %q", queue, texts, want)
	}
	return got
}

// subscribe returns the subscription's ARN.
func (f *fixture) subscribe(topic, protocol, endpoint string, a attrs) string {
	f.Helper()
	in := subscriptionOf(topic, protocol, endpoint, a)
	in.ReturnSubscriptionArn = new(true)
	return *must[snsapi.SubscribeResponse](f, snsapi.Subscribe, in).SubscriptionArn
}

func subscriptionOf(topic, protocol, endpoint string, a attrs) *snsapi.SubscribeInput {
	return &snsapi.SubscribeInput{TopicArn: &topic, Protocol: &protocol, Endpoint: &endpoint, Attributes: a}
}

// confirmed subscribes an HTTP endpoint or an address, and confirms.
func (f *fixture) confirmed(topic, protocol, endpoint string, a attrs) string {
	f.Helper()
	arn := f.subscribe(topic, protocol, endpoint, a)
	f.confirm(topic, f.token(arn))
	return arn
}

// token is what a subscription is confirmed with now.
func (f *fixture) token(arn string) string {
	f.Helper()
	i := strings.LastIndexByte(arn, ':')
	p := strings.Split(arn[:i], ":")
	sub := f.lookupSubscription(subscriptionName{name{p[3], p[4], p[5]}, arn[i+1:]})
	if sub == nil {
		f.Fatalf("%s does not exist", arn)
	}
	return sub.Token
}

func (f *fixture) confirm(topic, token string) string {
	f.Helper()
	return *must[snsapi.ConfirmSubscriptionResponse](f, snsapi.ConfirmSubscription, &snsapi.ConfirmSubscriptionInput{TopicArn: &topic, Token: &token}).SubscriptionArn
}

func (f *fixture) subscription(arn string) attrs {
	f.Helper()
	return must[snsapi.GetSubscriptionAttributesResponse](f, snsapi.GetSubscriptionAttributes, &snsapi.GetSubscriptionAttributesInput{SubscriptionArn: &arn}).Attributes
}

func (f *fixture) set(subscription, attribute, value string) {
	f.Helper()
	f.does(snsapi.SetSubscriptionAttributes, setSubscription(subscription, attribute, value))
}

func setSubscription(arn, attribute, value string) *snsapi.SetSubscriptionAttributesInput {
	return &snsapi.SetSubscriptionAttributesInput{SubscriptionArn: &arn, AttributeName: &attribute, AttributeValue: &value}
}

// message is a Publish of a text, which tests change.
func message(topic, text string, change ...func(*snsapi.PublishInput)) *snsapi.PublishInput {
	in := &snsapi.PublishInput{TopicArn: &topic, Message: &text}
	for _, c := range change {
		c(in)
	}
	return in
}

func (f *fixture) publish(topic, text string, change ...func(*snsapi.PublishInput)) *snsapi.PublishResponse {
	f.Helper()
	return must[snsapi.PublishResponse](f, snsapi.Publish, message(topic, text, change...))
}

func subject(s string) func(*snsapi.PublishInput) {
	return func(in *snsapi.PublishInput) { in.Subject = &s }
}

func structured(in *snsapi.PublishInput) { in.MessageStructure = new("json") }

func group(g string) func(*snsapi.PublishInput) {
	return func(in *snsapi.PublishInput) { in.MessageGroupId = &g }
}

func dedup(d string) func(*snsapi.PublishInput) {
	return func(in *snsapi.PublishInput) { in.MessageDeduplicationId = &d }
}

// with adds a message attribute; a value of type Binary is its bytes.
func with(name, kind, value string) func(*snsapi.PublishInput) {
	return func(in *snsapi.PublishInput) {
		if in.MessageAttributes == nil {
			in.MessageAttributes = map[string]snsapi.MessageAttributeValue{}
		}
		v := snsapi.MessageAttributeValue{DataType: &kind}
		if strings.HasPrefix(kind, "Binary") {
			v.BinaryValue = []byte(value)
		} else {
			v.StringValue = &value
		}
		in.MessageAttributes[name] = v
	}
}

// wait lets virtual time pass.
func (f *fixture) wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// post is what an endpoint got, and when.
type post struct {
	at time.Time
	deliver.Request
}

func (p post) kind() string { return p.Header.Get("X-Amz-Sns-Message-Type") }

// endpoints stand for everything outside. What they answer can be set.
type endpoints struct {
	mu      sync.Mutex // guards the rest
	posts   []post
	mails   []Mail
	sms     []SMS
	pushes  []Push
	events  map[string][]string // by function
	records map[string][]string // by stream: key and data
	answer  func(ctx context.Context, p post) deliver.Outcome
	run     func(function string, event []byte) Invocation
	put     func(stream string) error
	push    func(p Push) (deliver.Outcome, bool)
}

func newEndpoints() *endpoints {
	return &endpoints{events: map[string][]string{}, records: map[string][]string{}}
}

func (e *endpoints) outbound() Outbound {
	return Outbound{
		HTTP: func(ctx context.Context, r deliver.Request) deliver.Outcome {
			p := post{time.Now(), r}
			e.mu.Lock()
			e.posts = append(e.posts, p)
			answer := e.answer
			e.mu.Unlock()
			if answer == nil {
				return deliver.Outcome{Status: 200}
			}
			return answer(ctx, p)
		},
		Lambda: func(_ context.Context, function string, event []byte) Invocation {
			e.mu.Lock()
			e.events[function] = append(e.events[function], string(event))
			run := e.run
			e.mu.Unlock()
			if run == nil {
				return Invocation{}
			}
			return run(function, event)
		},
		Mail: func(_ context.Context, m Mail) deliver.Outcome {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.mails = append(e.mails, m)
			return deliver.Outcome{}
		},
		SMS: func(_ context.Context, m SMS) deliver.Outcome {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.sms = append(e.sms, m)
			return deliver.Outcome{}
		},
		Push: func(_ context.Context, p Push) (deliver.Outcome, bool) {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.pushes = append(e.pushes, p)
			if e.push == nil {
				return deliver.Outcome{}, false
			}
			return e.push(p)
		},
	}
}

type fakeStream struct {
	e    *endpoints
	name string
}

func (e *endpoints) stream(name string) Streams { return fakeStream{e, name} }

// Put implements Streams.
func (s fakeStream) Put(_ context.Context, arn, key string, data []byte) error {
	s.e.mu.Lock()
	defer s.e.mu.Unlock()
	if s.e.put != nil {
		if err := s.e.put(arn); err != nil {
			return err
		}
	}
	s.e.records[arn] = append(s.e.records[arn], key+"|"+string(data))
	return nil
}

// took returns the posts since the last call, to one URL or, for "", to all.
func (e *endpoints) took(url string) (out []post) {
	e.mu.Lock()
	defer e.mu.Unlock()
	kept := e.posts[:0:0]
	for _, p := range e.posts {
		if url == "" || p.URL == url {
			out = append(out, p)
		} else {
			kept = append(kept, p)
		}
	}
	e.posts = kept
	return out
}

// answers has every post from now on answered so.
func (e *endpoints) answers(f func(ctx context.Context, p post) deliver.Outcome) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.answer = f
}

// status is an answer with an HTTP status.
func status(code int) deliver.Outcome {
	if code < 300 {
		return deliver.Outcome{Status: code}
	}
	return deliver.Outcome{Status: code, Err: fmt.Errorf("status %d", code), Permanent: code < 500 && code != 429}
}
