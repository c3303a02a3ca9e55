package e2e

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// sns is an SDK client.
func (f *fixture) sns() *sns.Client {
	key, secret := "test", "test"
	if f.creds.AccessKeyID != "" {
		key, secret = f.creds.AccessKeyID, f.creds.SecretAccessKey
	}
	return sns.New(sns.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(f.url), HTTPClient: f.client, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider(key, secret, ""),
	})
}

func topicARN(name string) string { return "arn:aws:sns:us-east-1:" + account + ":" + name }
func queueARN(name string) string { return "arn:aws:sqs:us-east-1:" + account + ":" + name }

// fromSNS are a queue's attributes that let topics in, as JSON, with others.
func fromSNS(name, more string) string {
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"` + queueARN(name) + `","Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:sns:us-east-1:` + account + `:*"}}}]}`
	return fmt.Sprintf(`{"Policy":%q%s}`, policy, more)
}

func (f *fixture) topic(name string, a map[string]string) *string {
	f.Helper()
	out, err := f.sns().CreateTopic(f.Context(), &sns.CreateTopicInput{Name: &name, Attributes: a})
	if err != nil {
		f.Fatal(err)
	}
	return out.TopicArn
}

func (f *fixture) subscribe(topic *string, protocol, endpoint string, a map[string]string) *string {
	f.Helper()
	out, err := f.sns().Subscribe(f.Context(), &sns.SubscribeInput{TopicArn: topic, Protocol: &protocol, Endpoint: &endpoint, Attributes: a, ReturnSubscriptionArn: true})
	if err != nil {
		f.Fatal(err)
	}
	return out.SubscriptionArn
}

func (f *fixture) publish(topic *string, text string, a map[string]types.MessageAttributeValue) *string {
	f.Helper()
	out, err := f.sns().Publish(f.Context(), &sns.PublishInput{TopicArn: topic, Message: &text, MessageAttributes: a})
	if err != nil {
		f.Fatal(err)
	}
	return out.MessageId
}

// posted is an SNS message as HTTP endpoints and queues get it.
type posted struct {
	Type, MessageId, Token, TopicArn, Message, SubscribeURL, Timestamp, SignatureVersion, Signature, SigningCertURL, UnsubscribeURL string

	Subject *string
}

// TestTopicToQueue: from the SDK through a filter into a queue.
func TestTopicToQueue(t *testing.T) {
	f := dev(t)
	q, raw := f.create("q", fromSNS("q", "")), f.create("raw", fromSNS("raw", ""))
	topic := f.topic("t", nil)
	f.subscribe(topic, "sqs", queueARN("q"), map[string]string{"FilterPolicy": `{"kind":["order"],"price":[{"numeric":[">",10]}]}`})
	f.subscribe(topic, "sqs", queueARN("raw"), map[string]string{"RawMessageDelivery": "true"})
	attribute := func(kind, v string) types.MessageAttributeValue {
		return types.MessageAttributeValue{DataType: &kind, StringValue: &v}
	}
	f.publish(topic, "cheap", map[string]types.MessageAttributeValue{"kind": attribute("String", "order"), "price": attribute("Number", "9.5")})
	id := f.publish(topic, "dear", map[string]types.MessageAttributeValue{"kind": attribute("String", "order"), "price": attribute("Number", "1e2")})
	var e posted
	if err := json.Unmarshal([]byte(f.one(q, "").Body), &e); err != nil || e.Message != "dear" || e.MessageId != *id {
		t.Errorf("%+v %v", e, err)
	}
	both := f.receive(raw, `"MaxNumberOfMessages":10,"MessageAttributeNames":["All"]`)
	if len(both) != 2 || both[0].Body+both[1].Body != "cheapdear" && both[0].Body+both[1].Body != "dearcheap" || both[0].MessageAttributes["kind"]["StringValue"] != "order" {
		t.Errorf("%+v", both)
	}
}

// TestSNSErrorClasses: the SDK makes its own error types of what the server says.
func TestSNSErrorClasses(t *testing.T) {
	f := dev(t)
	c := f.sns()
	topic := f.topic("t", nil)
	_, err := c.Publish(t.Context(), &sns.PublishInput{TopicArn: aws.String(topicARN("none")), Message: aws.String("m")})
	var missing *types.NotFoundException
	if !errors.As(err, &missing) || missing.ErrorMessage() != "Topic does not exist" {
		t.Errorf("%v", err)
	}
	_, err = c.Publish(t.Context(), &sns.PublishInput{TopicArn: topic, Message: aws.String("m"), MessageAttributes: map[string]types.MessageAttributeValue{"a": {DataType: aws.String("Nope"), StringValue: aws.String("x")}}})
	var value *types.InvalidParameterValueException
	if !errors.As(err, &value) {
		t.Errorf("%v", err)
	}
	_, err = c.ListTagsForResource(t.Context(), &sns.ListTagsForResourceInput{ResourceArn: aws.String(topicARN("none"))})
	var resource *types.ResourceNotFoundException
	if !errors.As(err, &resource) {
		t.Errorf("%v", err)
	}
	_, err = c.PublishBatch(t.Context(), &sns.PublishBatchInput{TopicArn: topic, PublishBatchRequestEntries: []types.PublishBatchRequestEntry{{Id: aws.String("a"), Message: aws.String("m")}, {Id: aws.String("a"), Message: aws.String("m")}}})
	var twice *types.BatchEntryIdsNotDistinctException
	if !errors.As(err, &twice) {
		t.Errorf("%v", err)
	}
}

// TestSNSBytes: answers as they are on the wire (facts-sns.md 1).
func TestSNSBytes(t *testing.T) {
	f := dev(t)
	call := func(form string) response { return f.query("/", "Version=2010-03-31&"+form) }
	const ns = ` xmlns="http://sns.amazonaws.com/doc/2010-03-31/"`
	f.is(call("Action=CreateTopic&Name=t&Tags.member.1.Key=k&Tags.member.1.Value=v"), 200,
		`<CreateTopicResponse`+ns+`><CreateTopicResult><TopicArn>`+topicARN("t")+`</TopicArn></CreateTopicResult><ResponseMetadata><RequestId>RID</RequestId></ResponseMetadata></CreateTopicResponse>`)
	f.is(f.do("POST", f.url+"/", "Version=2010-03-31&Action=ListTagsForResource&ResourceArn="+topicARN("t"), "Content-Type", formType), 200,
		`<ListTagsForResourceResponse`+ns+`><ListTagsForResourceResult><Tags><member><Value>v</Value><Key>k</Key></member></Tags></ListTagsForResourceResult><ResponseMetadata><RequestId>RID</RequestId></ResponseMetadata></ListTagsForResourceResponse>`)
	f.is(call("Action=SetTopicAttributes&AttributeName=DisplayName&AttributeValue=d&TopicArn="+topicARN("t")), 200,
		`<SetTopicAttributesResponse`+ns+`><ResponseMetadata><RequestId>RID</RequestId></ResponseMetadata></SetTopicAttributesResponse>`)
	missing := call("Action=GetTopicAttributes&TopicArn=" + topicARN("none"))
	missing.text = strings.Replace(missing.text, "<Detail/>", "", 1) // as SQS has it; no parser minds
	f.is(missing, 404,
		`<ErrorResponse`+ns+`><Error><Type>Sender</Type><Code>NotFound</Code><Message>Topic does not exist</Message></Error><RequestId>RID</RequestId></ErrorResponse>`)
	res := call("Action=PublishBatch&TopicArn=" + topicARN("t") + "&PublishBatchRequestEntries.member.1.Id=a&PublishBatchRequestEntries.member.1.Message=m")
	uuid := regexp.MustCompile(`<MessageId>[0-9a-f-]{36}</MessageId>`)
	res.text = uuid.ReplaceAllString(res.text, "<MessageId>UUID</MessageId>")
	f.is(res, 200, `<PublishBatchResponse`+ns+`><PublishBatchResult><Failed/><Successful><member><MessageId>UUID</MessageId><Id>a</Id></member></Successful></PublishBatchResult><ResponseMetadata><RequestId>RID</RequestId></ResponseMetadata></PublishBatchResponse>`)
	if got := f.do("GET", f.url+"/?Version=2010-03-31&Action=Publish&Message=m&TopicArn="+topicARN("t"), ""); got.status != 200 || got.header.Get("Content-Type") != "text/xml" {
		t.Errorf("%+v", got)
	}
	for form, want := range map[string]string{
		"Action=Publish&TopicArn=" + topicARN("t"): "<Code>ValidationError</Code><Message>1 validation error detected: Value null at &#39;message&#39; failed to satisfy constraint: Member must not be null</Message>",
		"Action=Nope": "<Code>InvalidAction</Code>",
	} {
		if res := call(form); res.status != 400 || !strings.Contains(strings.ReplaceAll(res.text, "'", "&#39;"), want) {
			t.Errorf("%s: %d %s", form, res.status, res.text)
		}
	}
}

// listener is an HTTP endpoint that keeps what it is sent.
type listener struct {
	*httptest.Server
	mu  sync.Mutex // guards got
	got []posted
}

func listen(t *testing.T) *listener {
	l := &listener{}
	l.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		var p posted
		if err == nil {
			err = json.Unmarshal(b, &p)
		}
		if err != nil || r.Header.Get("X-Amz-Sns-Message-Type") != p.Type || r.Header.Get("X-Amz-Sns-Message-Id") != p.MessageId {
			t.Errorf("%v %v %s", err, r.Header, b)
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.got = append(l.got, p)
	}))
	t.Cleanup(l.Close)
	return l
}

// next waits for message n, from 0.
func (l *listener) next(f *fixture, n int, kind string) (p posted) {
	f.Helper()
	eventually(f, fmt.Sprintf("post %d", n), func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		if len(l.got) > n {
			p = l.got[n]
		}
		return len(l.got) > n
	})
	if p.Type != kind {
		f.Fatalf("%+v", p)
	}
	return p
}

// get follows a link as any program would.
func (f *fixture) get(url string) (status int, body []byte) {
	f.Helper()
	res, err := f.client.Get(url)
	if err != nil {
		f.Fatal(err)
	}
	defer res.Body.Close()
	if body, err = io.ReadAll(res.Body); err != nil {
		f.Fatal(err)
	}
	return res.StatusCode, body
}

// genuine verifies a message with the certificate that it names, as AWS documents it.
func (f *fixture) genuine(p posted) {
	f.Helper()
	status, text := f.get(p.SigningCertURL)
	block, _ := pem.Decode(text)
	if status != 200 || block == nil {
		f.Fatalf("%s: %d %s", p.SigningCertURL, status, text)
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		f.Fatal(err)
	}
	lines := "Message\n" + p.Message + "\nMessageId\n" + p.MessageId + "\n"
	if p.SubscribeURL != "" {
		lines += "SubscribeURL\n" + p.SubscribeURL + "\n"
	} else if p.Subject != nil {
		lines += "Subject\n" + *p.Subject + "\n"
	}
	lines += "Timestamp\n" + p.Timestamp + "\n"
	if p.Token != "" {
		lines += "Token\n" + p.Token + "\n"
	}
	lines += "TopicArn\n" + p.TopicArn + "\nType\n" + p.Type + "\n"
	signature, err := base64.StdEncoding.DecodeString(p.Signature)
	if err != nil {
		f.Fatal(err)
	}
	hash, sum := crypto.SHA1, sha1.New()
	if p.SignatureVersion == "2" {
		hash, sum = crypto.SHA256, sha256.New()
	}
	sum.Write([]byte(lines))
	if err := rsa.VerifyPKCS1v15(certificate.PublicKey.(*rsa.PublicKey), hash, sum.Sum(nil), signature); err != nil {
		f.Errorf("%v: %+v", err, p)
	}
}

// TestSNSHandshake: an HTTP endpoint's life, with links that nobody signs.
func TestSNSHandshake(t *testing.T) {
	for _, version := range []string{"1", "2"} {
		t.Run(version, func(t *testing.T) {
			f := dev(t)
			l := listen(t)
			topic := f.topic("t", map[string]string{"SignatureVersion": version})
			arn := f.subscribe(topic, "http", l.URL+"/in", nil)
			asked := l.next(f, 0, "SubscriptionConfirmation")
			f.genuine(asked)
			if status, text := f.get(asked.SubscribeURL); status != 200 || !strings.Contains(string(text), "<SubscriptionArn>"+*arn+"</SubscriptionArn>") {
				t.Fatalf("%d %s", status, text)
			}
			f.publish(topic, "two\nlines and 🙂", nil)
			got := l.next(f, 1, "Notification")
			f.genuine(got)
			if status, text := f.get(got.UnsubscribeURL); status != 200 {
				t.Fatalf("%d %s", status, text)
			}
			gone := l.next(f, 2, "UnsubscribeConfirmation")
			f.genuine(gone)
			if status, _ := f.get(gone.SubscribeURL); status != 200 {
				t.Error(status)
			}
			f.publish(topic, "again", nil)
			if again := l.next(f, 3, "Notification"); again.Message != "again" {
				t.Errorf("%+v", again)
			}
		})
	}
}

// TestSignedInABurst: messages that are published faster than anybody can sign are genuine,
// as their receiver's SDK, which checks digests, and the signature say.
func TestSignedInABurst(t *testing.T) {
	f := dev(t)
	q := f.create("q", fromSNS("q", ""))
	topic := f.topic("t", map[string]string{"SignatureVersion": "2"})
	f.subscribe(topic, "sqs", queueARN("q"), nil)
	const publishers, each = 16, 8
	var publishing sync.WaitGroup
	for i := range publishers {
		publishing.Go(func() {
			for j := range each {
				if _, err := f.sns().Publish(t.Context(), &sns.PublishInput{TopicArn: topic, Message: aws.String(fmt.Sprint(i, " ", j))}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	publishing.Wait()
	seen := map[string]bool{}
	for len(seen) < publishers*each {
		out, err := f.sdk().ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &q, MaxNumberOfMessages: 10, WaitTimeSeconds: 5})
		if err != nil || len(out.Messages) == 0 {
			t.Fatalf("%d of %d received: %v", len(seen), publishers*each, err)
		}
		for _, m := range out.Messages {
			var p posted
			if err := json.Unmarshal([]byte(*m.Body), &p); err != nil {
				t.Fatal(err)
			}
			f.genuine(p)
			seen[p.Message] = true
		}
	}
}

// TestSNSVerified: signatures and policies decide, links still work.
func TestSNSVerified(t *testing.T) {
	f := verify(t)
	f.create("q", fromSNS("q", ""))
	topic := f.topic("t", nil)
	queued := f.subscribe(topic, "sqs", queueARN("q"), nil)
	stranger, ctx := f.as(other).sns(), t.Context()
	publish := func(c *sns.Client) string {
		_, err := c.Publish(ctx, &sns.PublishInput{TopicArn: topic, Message: aws.String("m")})
		if err == nil {
			return ""
		}
		return code(err)
	}
	if got := publish(stranger); got != "AuthorizationError" {
		t.Error(got)
	}
	if got := publish(f.as(aws.Credentials{AccessKeyID: "AKIANOBODY", SecretAccessKey: "x"}).sns()); got != "InvalidClientTokenId" {
		t.Error(got)
	}
	if got := publish(f.as(aws.Credentials{AccessKeyID: owner.AccessKeyID, SecretAccessKey: "x"}).sns()); got != "SignatureDoesNotMatch" {
		t.Error(got)
	}
	_, err := f.sns().AddPermission(ctx, &sns.AddPermissionInput{TopicArn: topic, Label: aws.String("l"), AWSAccountId: []string{"111122223333"}, ActionName: []string{"Publish", "Subscribe"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := publish(stranger) + publish(f.sns()); got != "" {
		t.Error(got)
	}
	if got := publish(f.as(worker).sns()); got != "AuthorizationError" {
		t.Error(got) // the account may, this user may not
	}
	l := listen(t)
	if _, err := stranger.Subscribe(ctx, &sns.SubscribeInput{TopicArn: topic, Protocol: aws.String("http"), Endpoint: &l.URL}); err != nil {
		t.Fatal(err)
	}
	asked := l.next(f, 0, "SubscriptionConfirmation")
	if status, text := f.get(asked.SubscribeURL); status != 200 {
		t.Fatalf("%d %s", status, text)
	}
	if got := publish(f.sns()); got != "" {
		t.Error(got)
	}
	note := l.next(f, 1, "Notification")
	f.genuine(note)
	// Unsigned: not for a queue, but for an endpoint that confirmed without a signature.
	if status, text := f.get(f.url + "/?Action=Unsubscribe&Version=2010-03-31&SubscriptionArn=" + *queued); status != 403 || !strings.Contains(string(text), "<Code>AuthorizationError</Code>") {
		t.Errorf("%d %s", status, text)
	}
	if status, text := f.get(note.UnsubscribeURL); status != 200 {
		t.Errorf("%d %s", status, text)
	}
	if status, text := f.get(f.url + "/?Action=Publish&Version=2010-03-31&Message=m&TopicArn=" + *topic); status != 403 {
		t.Errorf("%d %s", status, text)
	}
}
