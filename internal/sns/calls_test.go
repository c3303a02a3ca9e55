package sns

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/api/sqsapi"
)

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
