package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// keys of the fixture's accounts.
var (
	owner  = aws.Credentials{AccessKeyID: "AKIAOWNER", SecretAccessKey: "owner-secret"}
	other  = aws.Credentials{AccessKeyID: "AKIAOTHER", SecretAccessKey: "other-secret"}
	worker = aws.Credentials{AccessKeyID: "AKIAWORKER", SecretAccessKey: "worker-secret"}
	nobody = aws.Credentials{}
)

// verify is a server that checks every signature. Its caller is the owner.
func verify(t *testing.T) *fixture {
	t.Helper()
	t.Parallel()
	f := start(t, `
root: {access_key_id: AKIAOWNER, secret_access_key: owner-secret}
accounts:
  - id: 111122223333
    root_keys: [{access_key_id: AKIAOTHER, secret_access_key: other-secret}]
    users:
      - name: worker
        keys: [{access_key_id: AKIAWORKER, secret_access_key: worker-secret}]
        policies:
          - Version: "2012-10-17"
            Statement:
              - {Effect: Allow, Action: "sqs:SendMessage", Resource: "*"}
`)
	f.creds = owner
	return f
}

// as is the fixture for another caller.
func (f *fixture) as(c aws.Credentials) *fixture {
	g := *f
	g.creds = c
	return &g
}

const coral = "com.amazon.coral.service#"

// TestBadCredentials: section 1.5.
func TestBadCredentials(t *testing.T) {
	f := verify(t)
	f.create("q", "")
	header := func(value string) func() response {
		return func() response {
			return f.as(nobody).json("ReceiveMessage", `{"QueueUrl":"`+f.url+`/000000000000/q"}`, "Authorization", value)
		}
	}
	signed := func(c aws.Credentials, at time.Time, spoil func(*http.Request)) func() response {
		return func() response {
			g := f.as(c)
			req, err := http.NewRequestWithContext(t.Context(), "POST", f.url+"/", strings.NewReader(`{}`))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", jsonType)
			req.Header.Set("X-Amz-Target", "AmazonSQS.ListQueues")
			g.sign(req, `{}`, at)
			spoil(req)
			return f.send(req)
		}
	}
	asIs := func(*http.Request) {}
	now := time.Now()
	for name, c := range map[string]struct {
		call        func() response
		shape, code string
		status      int
	}{
		"none":          {func() response { return f.as(nobody).json("ListQueues", `{}`) }, "AccessDeniedException", "AccessDenied", 403},
		"none, a queue": {func() response { return f.as(nobody).json("ReceiveMessage", `{"QueueUrl":"`+f.url+`/000000000000/q"}`) }, "AccessDeniedException", "AccessDenied", 403},
		"unknown key":   {signed(aws.Credentials{AccessKeyID: "AKIANOBODY", SecretAccessKey: "x"}, now, asIs), "UnrecognizedClientException", "InvalidClientTokenId", 403},
		"wrong secret":  {signed(aws.Credentials{AccessKeyID: "AKIAOWNER", SecretAccessKey: "x"}, now, asIs), "InvalidSignatureException", "SignatureDoesNotMatch", 403},
		"other body":    {signed(owner, now, func(r *http.Request) { r.Header.Set("X-Amz-Target", "AmazonSQS.CreateQueue") }), "InvalidSignatureException", "SignatureDoesNotMatch", 403},
		"too old":       {signed(owner, now.Add(-16*time.Minute), asIs), "InvalidSignatureException", "SignatureDoesNotMatch", 403},
		"too new":       {signed(owner, now.Add(16*time.Minute), asIs), "InvalidSignatureException", "SignatureDoesNotMatch", 403},
		"no algorithm":  {header("Bearer x"), "IncompleteSignatureException", "IncompleteSignature", 400},
		"half":          {header("AWS4-HMAC-SHA256 Credential=AKIAOWNER"), "IncompleteSignatureException", "IncompleteSignature", 400},
	} {
		res := c.call()
		if res.status != c.status || !strings.HasPrefix(res.text, `{"__type":"`+coral+c.shape+`"`) || res.header.Get("x-amzn-query-error") != c.code+";Sender" {
			t.Errorf("%s: %d %s, %s", name, res.status, res.text, res.header.Get("x-amzn-query-error"))
		}
	}
	if res := signed(owner, now.Add(-14*time.Minute), asIs)(); res.status != 200 {
		t.Errorf("within the skew: %d %s", res.status, res.text)
	}
	res := f.as(nobody).query("/", "Action=ListQueues")
	if res.status != 403 || !strings.Contains(res.text, "<Code>AccessDenied</Code>") {
		t.Errorf("query: %d %s", res.status, res.text)
	}
}

// TestPresigned: a URL signed in its query works without a header, until it ends,
// and not when changed.
func TestPresigned(t *testing.T) {
	f := verify(t)
	q := f.create("q", "")
	presign := func(query string, at time.Time) string {
		req, err := http.NewRequestWithContext(t.Context(), "GET", q+"?"+query+"&X-Amz-Expires=60", nil)
		if err != nil {
			t.Fatal(err)
		}
		const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
		signed, _, err := v4.NewSigner().PresignHTTP(t.Context(), f.creds, req, empty, "sqs", "us-east-1", at)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	anonymous := f.as(nobody)
	signed := presign("Action=SendMessage&MessageBody=hello", time.Now())
	if res := anonymous.do("GET", signed, ""); res.status != 200 {
		t.Errorf("%d %s", res.status, res.text)
	}
	if m := f.one(q, ""); m.Body != "hello" {
		t.Errorf("%q", m.Body)
	}
	for name, target := range map[string]string{"changed": strings.Replace(signed, "hello", "hullo", 1), "ended": presign("Action=ReceiveMessage", time.Now().Add(-2*time.Minute))} {
		if res := anonymous.do("GET", target, ""); res.status != 403 {
			t.Errorf("%s: %d %s", name, res.status, res.text)
		}
	}
}

// TestAnonymous: only a queue policy lets callers without credentials in (1.3).
func TestAnonymous(t *testing.T) {
	f := verify(t)
	q := f.create("q", "")
	anonymous := f.as(nobody)
	send := func() response { return anonymous.do("GET", q+"?Action=SendMessage&MessageBody=m", "") }
	if res := send(); res.status != 403 {
		t.Errorf("%d %s", res.status, res.text)
	}
	f.policy(q, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sqs:SendMessage","Resource":"arn:aws:sqs:us-east-1:000000000000:q"}]}`)
	if res := send(); res.status != 200 {
		t.Errorf("%d %s", res.status, res.text)
	}
	if res := anonymous.do("GET", q+"?Action=ReceiveMessage", ""); res.status != 403 {
		t.Errorf("%d %s", res.status, res.text)
	}
	if m := f.one(q, `"AttributeNames":["SenderId"]`); m.Attributes["SenderId"] == "" {
		t.Errorf("sender %v", m.Attributes)
	}
	f.policy(q, "")
	if res := send(); res.status != 403 {
		t.Errorf("%d %s", res.status, res.text)
	}
}

func (f *fixture) policy(queueURL, policy string) {
	f.Helper()
	f.is(f.json("SetQueueAttributes", fmt.Sprintf(`{"QueueUrl":%q,"Attributes":{"Policy":%q}}`, queueURL, policy)), 200, "")
}

// TestCrossAccount: another account needs the queue's policy, its users their own
// as well, and some calls are never theirs (sections 5.4 and 11).
func TestCrossAccount(t *testing.T) {
	f := verify(t)
	q := f.create("q", "")
	for _, c := range []aws.Credentials{other, worker} {
		if res := f.as(c).json("SendMessage", `{"QueueUrl":"`+q+`","MessageBody":"m"}`); res.status != 403 {
			t.Errorf("%d %s", res.status, res.text)
		}
	}
	f.is(f.json("AddPermission", `{"QueueUrl":"`+q+`","Label":"l","AWSAccountIds":["111122223333"],"Actions":["SendMessage","ReceiveMessage","GetQueueUrl"]}`), 200, "")
	call := func(c aws.Credentials, operation, members string) int {
		return f.as(c).json(operation, `{"QueueUrl":"`+q+`"`+members+`}`).status
	}
	for _, c := range []struct {
		by                 aws.Credentials
		operation, members string
		want               int
	}{
		{other, "SendMessage", `,"MessageBody":"m"`, 200},
		{other, "SendMessageBatch", `,"Entries":[{"Id":"a","MessageBody":"m"}]`, 200}, // authorized as SendMessage
		{other, "ReceiveMessage", ``, 200},
		{other, "PurgeQueue", ``, 403},
		{other, "TagQueue", `,"Tags":{"a":"b"}`, 403},
		{other, "DeleteQueue", ``, 403},
		{worker, "SendMessage", `,"MessageBody":"m"`, 200},
		{worker, "ReceiveMessage", ``, 403}, // its own policy says nothing of it
		{owner, "PurgeQueue", ``, 200},
	} {
		if got := call(c.by, c.operation, c.members); got != c.want {
			t.Errorf("%s by %s: %d, want %d", c.operation, c.by.AccessKeyID, got, c.want)
		}
	}
	f.is(f.as(other).json("GetQueueUrl", `{"QueueName":"q","QueueOwnerAWSAccountId":"000000000000"}`), 200, `{"QueueUrl":"`+q+`"}`)
	if res := f.as(other).json("GetQueueUrl", `{"QueueName":"q"}`); !strings.Contains(res.text, "QueueDoesNotExist") {
		t.Errorf("%s", res.text)
	}
	f.is(f.as(other).json("ListQueues", `{}`), 200, `{}`)
	f.is(f.as(other).json("CreateQueue", `{"QueueName":"q"}`), 200, `{"QueueUrl":"`+f.url+`/111122223333/q"}`)
	// A deny wins over the permission.
	f.policy(q, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sqs:*","Resource":"*"},{"Effect":"Deny","Principal":{"AWS":"111122223333"},"Action":"sqs:SendMessage","Resource":"*"}]}`)
	if got := call(other, "SendMessage", `,"MessageBody":"m"`); got != 403 {
		t.Errorf("denied: %d", got)
	}
}

// TestPermissionText: the policy that AddPermission writes (33).
func TestPermissionText(t *testing.T) {
	f := verify(t)
	q := f.create("q", "")
	const arn = "arn:aws:sqs:us-east-1:000000000000:q"
	policy := func() string {
		return decode[struct{ Attributes map[string]string }](f, f.json("GetQueueAttributes", `{"QueueUrl":"`+q+`","AttributeNames":["All"]}`)).Attributes["Policy"]
	}
	f.json("AddPermission", `{"QueueUrl":"`+q+`","Label":"one","AWSAccountIds":["111122223333"],"Actions":["ReceiveMessage"]}`)
	want := `{"Version":"2008-10-17","Id":"` + arn + `/SQSDefaultPolicy","Statement":[{"Sid":"one","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"SQS:ReceiveMessage","Resource":"` + arn + `"}]}`
	if got := policy(); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	f.json("RemovePermission", `{"QueueUrl":"`+q+`","Label":"one"}`)
	if got := policy(); got != "" {
		t.Errorf("left: %s", got)
	}
	f.json("AddPermission", `{"QueueUrl":"`+q+`","Label":"two","AWSAccountIds":["111122223333","444455556666"],"Actions":["ReceiveMessage","SendMessage"]}`)
	if got := policy(); !strings.Contains(got, `"Principal":{"AWS":["arn:aws:iam::111122223333:root","arn:aws:iam::444455556666:root"]},"Action":["SQS:ReceiveMessage","SQS:SendMessage"]`) {
		t.Errorf("%s", got)
	}
}

// TestSDKVerified: the SDK's own signer, and the error class it makes of a refusal.
func TestSDKVerified(t *testing.T) {
	f := verify(t)
	c := f.sdk()
	out, err := c.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("q")})
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{"plain", "a b+c/é?=&", strings.Repeat("x", 1<<18)} {
		if _, err := c.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: out.QueueUrl, MessageBody: &body}); err != nil {
			t.Error(err)
		}
	}
	_, err = f.as(worker).sdk().ListQueues(t.Context(), &sqs.ListQueuesInput{})
	if code(err) != "AccessDenied" && code(err) != "AccessDeniedException" {
		t.Errorf("%v", err)
	}
}
