package gateway_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/spillway/spillway/internal/gateway"
	"github.com/spillway/spillway/internal/service"
)

func itoa(n int) string { return strconv.Itoa(n) }

var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// TestBeforeTheOperation: facts-sqs.md 1.3 and 1.5, through both fronts.
func TestBeforeTheOperation(t *testing.T) {
	t.Parallel()
	addr, _ := start(t, gateway.Config{Services: []*service.Service{newToy().service()}})
	scope := "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=0"
	const unknown = `{"__type":"com.amazon.coral.service#UnknownOperationException","message":`
	const queue = "/000000000000/q"
	for name, c := range map[string]struct {
		method, path, body string
		header             []string
		status             int
		want               string // part of the body
		queryError         string
	}{
		"unknown target":           {"POST", "/", "{}", target("Nope"), 400, unknown, "InvalidAction;Sender"},
		"unknown service, scope":   {"POST", "/", "{}", []string{"X-Amz-Target", "Nope.Nope", "Authorization", scope, "Content-Type", jsonType}, 400, unknown, "InvalidAction;Sender"},
		"unknown service":          {"POST", "/", "{}", []string{"X-Amz-Target", "Nope.Nope", "Content-Type", jsonType}, 400, unknown, ""},
		"target without dot":       {"POST", "/", "{}", []string{"X-Amz-Target", "Nope", "Content-Type", jsonType}, 400, unknown, ""},
		"missing target":           {"POST", "/", "{}", []string{"Content-Type", jsonType, "Host", "sqs.us-east-1.amazonaws.com"}, 400, unknown, "InvalidAction;Sender"},
		"not implemented":          {"POST", "/", "{}", target("TagQueue"), 400, unknown, "InvalidAction;Sender"},
		"not json":                 {"POST", "/", "<x/>", target("SendMessage"), 400, "com.amazon.coral.service#SerializationException", "MalformedInput;Sender"},
		"json array":               {"POST", "/", "[]", target("SendMessage"), 400, "SerializationException", "MalformedInput;Sender"},
		"no action":                {"GET", "/", "", nil, 404, "<UnknownOperationException/>", ""},
		"no action at a queue":     {"GET", queue + "?x=y", "", []string{"Accept", "application/json"}, 404, "<UnknownOperationException/>", ""},
		"unknown action":           {"GET", "/?Action=Nope&Version=2012-11-05", "", nil, 400, "<Code>InvalidAction</Code><Message>The action Nope is not valid for this web service.</Message>", ""},
		"unknown action, scope":    {"GET", "/?Action=Nope", "", []string{"Authorization", scope}, 400, "<ErrorResponse xmlns=\"http://queue.amazonaws.com/doc/2012-11-05/\"><Error><Type>Sender</Type>", ""},
		"unknown action, queue":    {"POST", queue, "Action=Nope", []string{"Content-Type", formType}, 400, "<Message>The action Nope is not valid for this endpoint.</Message>", ""},
		"unknown, queue path form": {"POST", "/queue/eu-west-1/000000000000/q", "Action=Nope", []string{"Content-Type", formType}, 400, "not valid for this endpoint.", ""},
		"unknown action, json":     {"GET", queue + "?Action=Nope", "", []string{"Accept", "application/json"}, 400, `{"Error":{"Code":"InvalidAction"`, ""},
		"missing parameter":        {"GET", queue + "?Action=SendMessage", "", nil, 400, "<Code>MissingParameter</Code>", ""},
		"query works":              {"POST", queue, "Action=SendMessage&MessageBody=hi", []string{"Content-Type", formType}, 200, "<MessageId>hi</MessageId>", ""},
		"query works, old form":    {"POST", queue, "Action=SendMessage&MessageBody=hi", nil, 200, "<MessageId>hi</MessageId>", ""},
		"query works, as json":     {"GET", queue + "?Action=SendMessage&MessageBody=hi", "", []string{"Accept", "application/json"}, 200, `"MessageId":"hi"`, ""},
		"json works":               {"POST", "/", sendMessage("hi"), target("SendMessage"), 200, `{"MessageId":"hi"}`, ""},
		"json works at a queue":    {"POST", queue, sendMessage("hi"), target("SendMessage"), 200, `{"MessageId":"hi"}`, ""},
		"a panic":                  {"POST", "/", sendMessage("panic"), target("SendMessage"), 500, `com.amazon.coral.service#InternalFailure`, "InternalFailure;Receiver"},
		"a panic in query":         {"GET", queue + "?Action=SendMessage&MessageBody=panic", "", nil, 500, `<Code>InternalFailure</Code>`, ""},
		"an internal error":        {"POST", "/", sendMessage("fail"), target("SendMessage"), 500, `InternalFailure`, "InternalFailure;Receiver"},
	} {
		for front, client := range fronts(t) {
			res := do(t, client, c.method, "http://"+addr+c.path, c.body, c.header...)
			if res.StatusCode != c.status || !strings.Contains(res.text, c.want) || strings.Contains(res.text, "secret") {
				t.Errorf("%s, %s: %d %s", name, front, res.StatusCode, res.text)
			}
			if c.status == 404 && res.text != c.want {
				t.Errorf("%s, %s: %q, want exactly %q", name, front, res.text, c.want)
			}
			if got := res.Header.Get("x-amzn-query-error"); got != c.queryError {
				t.Errorf("%s, %s: x-amzn-query-error: %q, want %q", name, front, got, c.queryError)
			}
			if id := res.Header.Get("x-amzn-RequestId"); !uuid.MatchString(id) {
				t.Errorf("%s, %s: request id %q", name, front, id)
			}
			if res.Header.Get("Server") != "" {
				t.Errorf("%s, %s: says what it is", name, front)
			}
		}
	}
}

func TestHint(t *testing.T) {
	t.Parallel()
	addr, _ := start(t, gateway.Config{Services: []*service.Service{newToy().service()}})
	for front, client := range fronts(t) {
		res := do(t, client, "POST", "http://"+addr, sendMessage("hint"), target("SendMessage")...)
		if got := res.Header.Get("x-spillway-hint"); got != "try another" || res.StatusCode != 400 {
			t.Errorf("%s: %d, hint %q", front, res.StatusCode, got)
		}
	}
}

// TestCall is what services are told.
func TestCall(t *testing.T) {
	t.Parallel()
	const auth = "AWS4-HMAC-SHA256 Credential=%s/20260101/%s/sqs/aws4_request, SignedHeaders=host, Signature=0"
	for name, c := range map[string]struct {
		path, host, auth               string
		account, region, base, decoded string
	}{
		"plain":           {"/", "localhost:4566", "", "000000000000", "us-east-1", "http://localhost:4566", "/"},
		"account key":     {"/", "localhost:4566", fmt.Sprintf(auth, "111122223333", "eu-west-1"), "111122223333", "eu-west-1", "http://localhost:4566", "/"},
		"bad region":      {"/", "localhost:4566", fmt.Sprintf(auth, "test", "EU_WEST"), "000000000000", "us-east-1", "http://localhost:4566", "/"},
		"region of host":  {"/", "sqs.eu-central-1.localhost.localstack.cloud:4566", "", "000000000000", "eu-central-1", "http://sqs.eu-central-1.localhost.localstack.cloud:4566", "/"},
		"legacy host":     {"/000000000000/a%20b", "eu-west-2.queue.amazonaws.com", "", "000000000000", "eu-west-2", "http://eu-west-2.queue.amazonaws.com", "/000000000000/a b"},
		"scope over host": {"/", "sqs.eu-west-1.amazonaws.com", fmt.Sprintf(auth, "test", "us-west-2"), "000000000000", "us-west-2", "http://sqs.eu-west-1.amazonaws.com", "/"},
	} {
		s := newToy()
		addr, _ := start(t, gateway.Config{Services: []*service.Service{s.service()}})
		for front, client := range fronts(t) {
			header := append(target("SendMessage"), "Host", c.host, "X-Amzn-Trace-Id", "Root=1-2-3")
			if c.auth != "" {
				header = append(header, "Authorization", c.auth)
			}
			if res := do(t, client, "POST", "http://"+addr+c.path, sendMessage("x"), header...); res.StatusCode != 200 {
				t.Errorf("%s, %s: %d %s", name, front, res.StatusCode, res.text)
				continue
			}
			got := s.calls[len(s.calls)-1]
			if got.Account() != c.account || got.Region != c.region || got.BaseURL != c.base || got.Path != c.decoded || got.TraceHeader != "Root=1-2-3" || got.Query {
				t.Errorf("%s, %s: %+v of %s", name, front, got, got.Account())
			}
		}
	}
}
