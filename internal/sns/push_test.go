package sns

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/deliver"
)

func createApplication(name, platform string, a attrs) *snsapi.CreatePlatformApplicationInput {
	return &snsapi.CreatePlatformApplicationInput{Name: &name, Platform: &platform, Attributes: a}
}

func (f *fixture) application(name, platform string) string {
	f.Helper()
	return *must[snsapi.CreatePlatformApplicationResponse](f, snsapi.CreatePlatformApplication,
		createApplication(name, platform, attrs{"PlatformCredential": "secret", "PlatformPrincipal": "key"})).PlatformApplicationArn
}

func createEndpoint(app, token string, a attrs) *snsapi.CreatePlatformEndpointInput {
	return &snsapi.CreatePlatformEndpointInput{PlatformApplicationArn: &app, Token: &token, Attributes: a}
}

func (f *fixture) endpoint(app, token string, a attrs) string {
	f.Helper()
	return *must[snsapi.CreateEndpointResponse](f, snsapi.CreatePlatformEndpoint, createEndpoint(app, token, a)).EndpointArn
}

func (f *fixture) endpointAttributes(arn string) attrs {
	f.Helper()
	return must[snsapi.GetEndpointAttributesResponse](f, snsapi.GetEndpointAttributes, &snsapi.GetEndpointAttributesInput{EndpointArn: &arn}).Attributes
}

func TestPlatformApplications(t *testing.T) {
	virtually(t, func(f *fixture) {
		both := attrs{"PlatformCredential": "c", "PlatformPrincipal": "p"}
		for _, c := range []struct {
			name, platform string
			a              attrs
			text           string
		}{
			{"a", "PIGEON", both, "Invalid parameter: Platform Reason: PIGEON is not supported"},
			{"", "APNS", both, "Invalid parameter:  Reason: cannot be empty"},
			{strings.Repeat("a", 257), "APNS", both, "Invalid parameter: " + strings.Repeat("a", 257) + " Reason: must be at most 256 characters long"},
			{"a b", "APNS", both, "Invalid parameter: a b Reason: must contain only characters 'a'-'z', 'A'-'Z', '0'-'9', '_', '-', and '.'"},
			{"a", "APNS", attrs{"PlatformPrincipal": "p"}, "Invalid parameter: Attributes Reason: PlatformPrincipal attribute provided without PlatformCredential"},
			{"a", "APNS", attrs{"PlatformCredential": "p"}, "Invalid parameter: Attributes Reason: PlatformCredential attribute provided without PlatformPrincipal"},
			{"a", "GCM", attrs{"PlatformCredential": "p", "Nope": "x"}, "Invalid parameter: Attributes Reason: Invalid attribute name: Nope"},
		} {
			f.invalid(snsapi.CreatePlatformApplication, createApplication(c.name, c.platform, c.a), c.text)
		}
		for _, missing := range []attrs{nil, {}} {
			f.refused(snsapi.CreatePlatformApplication, createApplication("a", "GCM", missing), "ValidationError", "1 validation error detected: Value null at 'attributes' failed to satisfy constraint: Member must not be null")
		}
		must[snsapi.CreatePlatformApplicationResponse](f, snsapi.CreatePlatformApplication, createApplication("g", "GCM", attrs{"PlatformCredential": "server key"}))
		app := f.application("a.b-c_1", "APNS_SANDBOX")
		f.same(app, "arn:aws:sns:us-east-1:000000000000:app/APNS_SANDBOX/a.b-c_1")
		get := &snsapi.GetPlatformApplicationAttributesInput{PlatformApplicationArn: &app}
		f.does(snsapi.SetPlatformApplicationAttributes, &snsapi.SetPlatformApplicationAttributesInput{PlatformApplicationArn: &app, Attributes: attrs{"SuccessFeedbackSampleRate": "5"}})
		// Credentials are never shown.
		f.same(must[snsapi.GetPlatformApplicationAttributesResponse](f, snsapi.GetPlatformApplicationAttributes, get).Attributes, attrs{"Enabled": "true", "SuccessFeedbackSampleRate": "5"})
		list := must[snsapi.ListPlatformApplicationsResponse](f, snsapi.ListPlatformApplications, &snsapi.ListPlatformApplicationsInput{})
		if len(list.PlatformApplications) != 2 || fmt.Sprint(list.PlatformApplications[0].Attributes) != "map[Enabled:true SuccessFeedbackSampleRate:5]" {
			t.Errorf("%+v", list)
		}
		for range 2 {
			f.does(snsapi.DeletePlatformApplication, &snsapi.DeletePlatformApplicationInput{PlatformApplicationArn: &app})
		}
		f.refused(snsapi.GetPlatformApplicationAttributes, get, "NotFound", "PlatformApplication does not exist")
		f.refused(snsapi.SetPlatformApplicationAttributes, &snsapi.SetPlatformApplicationAttributesInput{PlatformApplicationArn: &app, Attributes: both}, "NotFound", "PlatformApplication does not exist")
		f.refused(snsapi.CreatePlatformEndpoint, createEndpoint(app, "t", nil), "NotFound", "PlatformApplication does not exist")
		f.invalid(snsapi.GetPlatformApplicationAttributes, &snsapi.GetPlatformApplicationAttributesInput{PlatformApplicationArn: new("arn:aws:sns:us-east-1:000000000000")},
			"Invalid parameter: PlatformApplicationArn Reason: An ARN must have at least 6 elements, not 5")
	})
}

func TestPlatformEndpoints(t *testing.T) {
	virtually(t, func(f *fixture) {
		app := f.application("a", "APNS")
		arn := f.endpoint(app, "token", attrs{"CustomUserData": "me"})
		if prefix := "arn:aws:sns:us-east-1:000000000000:endpoint/APNS/a/"; !strings.HasPrefix(arn, prefix) || !validUUID(arn[len(prefix):]) {
			t.Error(arn)
		}
		f.same(f.endpointAttributes(arn), attrs{"Enabled": "true", "Token": "token", "CustomUserData": "me"})
		f.same(f.endpoint(app, "token", attrs{"CustomUserData": "me"}), arn)
		f.invalid(snsapi.CreatePlatformEndpoint, createEndpoint(app, "token", attrs{"CustomUserData": "you"}),
			"Invalid parameter: Token Reason: Endpoint "+arn+" already exists with the same Token, but different attributes.")
		in := createEndpoint(app, "second", attrs{"CustomUserData": "wins", "Enabled": "FALSE"})
		in.CustomUserData = new("loses")
		second := *must[snsapi.CreateEndpointResponse](f, snsapi.CreatePlatformEndpoint, in).EndpointArn
		f.same(f.endpointAttributes(second), attrs{"Enabled": "false", "Token": "second", "CustomUserData": "wins"})
		for _, c := range []struct {
			a    attrs
			text string
		}{
			{attrs{"Nope": "x"}, "Invalid parameter: Attributes Reason: Invalid attribute name: Nope"},
			{attrs{"CustomUserData": strings.Repeat("ä", 1025)}, "Invalid parameter: Attributes Reason: Invalid value for attribute: CustomUserData: must be at most 2048 bytes long in UTF-8 encoding"},
			{attrs{"Enabled": "maybe"}, "Invalid parameter: Attributes Reason: Invalid value for attribute: Enabled: must be true or false"},
		} {
			f.invalid(snsapi.CreatePlatformEndpoint, createEndpoint(app, "third", c.a), c.text)
			f.invalid(snsapi.SetEndpointAttributes, &snsapi.SetEndpointAttributesInput{EndpointArn: &arn, Attributes: c.a}, c.text)
		}
		f.invalid(snsapi.GetEndpointAttributes, &snsapi.GetEndpointAttributesInput{EndpointArn: &app}, "Invalid parameter: EndpointArn Reason: Wrong number of slashes in relative portion of the ARN.")
		f.does(snsapi.SetEndpointAttributes, &snsapi.SetEndpointAttributesInput{EndpointArn: &arn, Attributes: attrs{"Enabled": "False", "Token": "new"}})
		f.same(f.endpointAttributes(arn), attrs{"Enabled": "false", "Token": "new", "CustomUserData": "me"})
		if f.endpoint(app, "token", nil) == arn {
			t.Error("the old token still finds it")
		}
		for range 2 {
			f.does(snsapi.DeleteEndpoint, &snsapi.DeleteEndpointInput{EndpointArn: &arn})
		}
		f.refused(snsapi.GetEndpointAttributes, &snsapi.GetEndpointAttributesInput{EndpointArn: &arn}, "NotFound", "Endpoint does not exist")
		f.refused(snsapi.SetEndpointAttributes, &snsapi.SetEndpointAttributesInput{EndpointArn: &arn, Attributes: attrs{"Enabled": "true"}}, "NotFound", "Endpoint does not exist")
		if again := f.endpoint(app, "new", nil); again == arn {
			t.Error("the deleted one is back")
		}
	})
}

// TestEndpointsWithOneToken: what SetEndpointAttributes can make of two of them.
func TestEndpointsWithOneToken(t *testing.T) {
	virtually(t, func(f *fixture) {
		app := f.application("a", "APNS")
		one, two := f.endpoint(app, "1", nil), f.endpoint(app, "2", nil)
		f.does(snsapi.SetEndpointAttributes, &snsapi.SetEndpointAttributesInput{EndpointArn: &two, Attributes: attrs{"Token": "1"}})
		list := func() int {
			return len(must[snsapi.ListEndpointsByPlatformApplicationResponse](f, snsapi.ListEndpointsByPlatformApplication, &snsapi.ListEndpointsByPlatformApplicationInput{PlatformApplicationArn: &app}).Endpoints)
		}
		f.same(list(), 2)
		f.does(snsapi.DeleteEndpoint, &snsapi.DeleteEndpointInput{EndpointArn: &one})
		f.same(list(), 1)
		f.same(f.endpoint(app, "1", nil), two) // the token is still its own
		f.does(snsapi.DeletePlatformApplication, &snsapi.DeletePlatformApplicationInput{PlatformApplicationArn: &app})
		if n := len(f.catalog.Keys(kindEndpoint)) + len(f.catalog.Keys(kindToken)); n != 0 {
			t.Errorf("%d records are left", n)
		}
	})
}

func TestListEndpoints(t *testing.T) {
	virtually(t, func(f *fixture) {
		app, second := f.application("a", "APNS"), f.application("b", "APNS")
		for i := range 101 {
			f.endpoint(app, fmt.Sprint(i), nil)
		}
		f.endpoint(second, "1", nil)
		in := &snsapi.ListEndpointsByPlatformApplicationInput{PlatformApplicationArn: &app}
		out := must[snsapi.ListEndpointsByPlatformApplicationResponse](f, snsapi.ListEndpointsByPlatformApplication, in)
		in.NextToken = out.NextToken
		rest := must[snsapi.ListEndpointsByPlatformApplicationResponse](f, snsapi.ListEndpointsByPlatformApplication, in)
		if len(out.Endpoints) != 100 || len(rest.Endpoints) != 1 || rest.NextToken != nil || out.Endpoints[0].Attributes["Token"] == "" {
			t.Error(len(out.Endpoints), len(rest.Endpoints))
		}
		in.PlatformApplicationArn = new(app + "x")
		f.refused(snsapi.ListEndpointsByPlatformApplication, in, "NotFound", "PlatformApplication does not exist")
	})
}

func toTarget(arn, text string) *snsapi.PublishInput {
	return &snsapi.PublishInput{TargetArn: &arn, Message: &text}
}

func TestPublishToEndpoints(t *testing.T) {
	virtually(t, func(f *fixture) {
		app := f.application("a", "APNS")
		arn := f.endpoint(app, "token", nil)
		in := toTarget(arn, "<hello>")
		with("AWS.SNS.MOBILE.APNS.TTL", "String", "60")(in)
		with("other", "String", "x")(in)
		must[snsapi.PublishResponse](f, snsapi.Publish, in)
		f.wait(time.Second)
		in = toTarget(arn, `{"default":"d","APNS":"{\"aps\":{\"alert\":\"own\"}}"}`)
		structured(in)
		must[snsapi.PublishResponse](f, snsapi.Publish, in)
		f.wait(time.Second)
		p := f.out.pushes
		if len(p) != 2 {
			t.Fatalf("%+v", p)
		}
		f.same([]string{p[0].Platform, p[0].Token, p[0].Credentials["PlatformCredential"], p[0].Payload, fmt.Sprint(p[0].Attributes)},
			[]string{"APNS", "token", "secret", `{"aps":{"alert":"<hello>"}}`, "map[AWS.SNS.MOBILE.APNS.TTL:60]"})
		f.same(p[1].Payload, `{"aps":{"alert":"own"}}`)
		f.does(snsapi.SetEndpointAttributes, &snsapi.SetEndpointAttributesInput{EndpointArn: &arn, Attributes: attrs{"Enabled": "false"}})
		f.refused(snsapi.Publish, toTarget(arn, "m"), "EndpointDisabled", "Endpoint is disabled")
		f.invalid(snsapi.Publish, toTarget(strings.Replace(arn, "/a/", "/b/", 1), "m"), "Invalid parameter: TargetArn Reason: No endpoint found for the target arn specified")
	})
}

func TestPayloads(t *testing.T) {
	t.Parallel()
	n := &notification{Message: `a "b"`}
	for platform, want := range map[string]string{
		"APNS": `{"aps":{"alert":"a \"b\""}}`, "APNS_VOIP_SANDBOX": `{"aps":{"alert":"a \"b\""}}`, "MACOS": `{"aps":{"alert":"a \"b\""}}`,
		"GCM": `{"data":{"default":"a \"b\""}}`, "ADM": `{"data":{"message":"a \"b\""}}`, "WNS": `a "b"`, "BAIDU": `a "b"`, "MPNS": `a "b"`,
	} {
		if got := payloadFor(platform, n); got != want {
			t.Errorf("%s: %s", platform, got)
		}
	}
}

// TestTokensThatAreGone: the platform's word disables the endpoint.
func TestTokensThatAreGone(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic := f.topic("t", nil)
		arn := f.endpoint(f.application("a", "GCM"), "token", nil)
		f.subscribe(topic, "application", arn, nil)
		f.out.push = func(Push) (deliver.Outcome, bool) { return deliver.Fail(errors.New("unregistered"), true), true }
		f.publish(topic, "m")
		f.wait(time.Second)
		f.same(f.endpointAttributes(arn)["Enabled"], "false")
		f.publish(topic, "m")
		f.wait(time.Hour)
		f.same(len(f.out.pushes), 1)
		f.refused(snsapi.Publish, toTarget(arn, "m"), "EndpointDisabled", "Endpoint is disabled")
	})
}

func TestSubscriptionsSurviveTheirEndpoint(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic, dead := f.topic("t", nil), f.queue("dead", nil)
		arn := f.endpoint(f.application("a", "GCM"), "token", nil)
		sub := f.subscribe(topic, "application", arn, attrs{"RedrivePolicy": `{"deadLetterTargetArn":"` + dead + `"}`})
		f.does(snsapi.DeleteEndpoint, &snsapi.DeleteEndpointInput{EndpointArn: &arn})
		f.same(f.subscription(sub)["Endpoint"], arn)
		f.publish(topic, "m")
		f.wait(time.Second)
		f.has(dead, "m")
	})
}

// TestPlatformsThatNobodySendsTo: their messages are in the outbox.
func TestPlatformsThatNobodySendsTo(t *testing.T) {
	virtually(t, func(f *fixture) {
		arn := f.endpoint(f.application("a", "BAIDU"), "token", nil)
		out := must[snsapi.PublishResponse](f, snsapi.Publish, toTarget(arn, "m"))
		f.wait(time.Second)
		m, err := f.Outbox(0, 10)
		if err != nil || len(m) != 1 {
			t.Fatalf("%+v %v", m, err)
		}
		f.same([]string{m[0].Protocol, m[0].To, m[0].Body, m[0].ID}, []string{"application", arn, "m", *out.MessageId})
		f.same(len(f.out.pushes), 0)
	})
}
