package sns

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/iam"
)

// unsigned is who follows a link.
func (f *fixture) unsigned() *fixture { return f.as(iam.Anonymous()) }

// follow calls what a link in a message asks for, without a signature, from anywhere.
func (f *fixture) follow(link string) (string, error) {
	f.Helper()
	rest, ok := strings.CutPrefix(link, baseURL+"/?")
	if !ok {
		f.Fatal(link)
	}
	q, err := url.ParseQuery(rest)
	if err != nil {
		f.Fatal(err)
	}
	u := f.unsigned().in("eu-central-1")
	if q.Get("Action") == "Unsubscribe" {
		_, err := try[snsapi.UnsubscribeInput](u, snsapi.Unsubscribe, &snsapi.UnsubscribeInput{SubscriptionArn: new(q.Get("SubscriptionArn"))})
		return "", err
	}
	if q.Get("Action") != "ConfirmSubscription" {
		f.Fatal(link)
	}
	out, err := try[snsapi.ConfirmSubscriptionResponse](u, snsapi.ConfirmSubscription, &snsapi.ConfirmSubscriptionInput{TopicArn: new(q.Get("TopicArn")), Token: new(q.Get("Token"))})
	if err != nil {
		return "", err
	}
	return *out.SubscriptionArn, nil
}

const web = "http://example.com/in"

// TestHandshake walks through the life of an HTTP subscription by its links.
func TestHandshake(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic := f.topic("t", nil)
		arn := f.subscribe(topic, "http", web, nil)
		f.publish(topic, "too early")
		f.wait(time.Minute)
		asked := f.out.took(web)
		if len(asked) != 1 || asked[0].kind() != typeSubscribe {
			t.Fatalf("%+v", asked)
		}
		f.same(f.attributes(topic)["SubscriptionsPending"]+f.attributes(topic)["SubscriptionsConfirmed"], "10")
		e := f.open(string(asked[0].Body))
		f.same(e.Message, "You have chosen to subscribe to the topic "+topic+".\nTo confirm the subscription, visit the SubscribeURL included in this message.")
		for range 2 { // twice is once
			got, err := f.follow(e.SubscribeURL)
			f.same(err, error(nil))
			f.same(got, arn)
		}
		a := f.subscription(arn)
		f.same(a["PendingConfirmation"]+a["ConfirmationWasAuthenticated"], "falsefalse")
		f.publish(topic, "one")
		f.wait(time.Second)
		got := f.out.took(web)
		if len(got) != 1 || got[0].kind() != typeNotification {
			t.Fatalf("%+v", got)
		}
		e = f.open(string(got[0].Body))
		f.same(e.Message, "one")

		_, err := f.follow(e.UnsubscribeURL)
		f.same(err, error(nil))
		f.refused(snsapi.GetSubscriptionAttributes, &snsapi.GetSubscriptionAttributesInput{SubscriptionArn: &arn}, "NotFound", "Subscription does not exist")
		f.same(f.attributes(topic)["SubscriptionsDeleted"]+f.attributes(topic)["SubscriptionsConfirmed"], "10")
		f.publish(topic, "lost")
		f.wait(time.Second)
		got = f.out.took(web)
		if len(got) != 1 || got[0].kind() != typeUnsubscribe {
			t.Fatalf("%+v", got)
		}
		e = f.open(string(got[0].Body))
		f.same(e.Message, "You have chosen to deactivate subscription "+arn+".\nTo cancel this operation and restore the subscription, visit the SubscribeURL included in this message.")

		back, err := f.follow(e.SubscribeURL)
		f.same(err, error(nil))
		f.same(back, arn)
		f.publish(topic, "two")
		f.wait(time.Second)
		got = f.out.took(web)
		if len(got) != 1 || f.open(string(got[0].Body)).Message != "two" {
			t.Fatalf("%+v", got)
		}
		// It is the subscription of its endpoint again.
		f.same(f.subscribe(topic, "http", web, nil), arn)
		f.same(f.attributes(topic)["SubscriptionsDeleted"]+f.attributes(topic)["SubscriptionsConfirmed"], "01")
	})
}

// TestRestoreAfterSubscribingAnew: an endpoint has one subscription of a topic.
func TestRestoreAfterSubscribingAnew(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic := f.topic("t", nil)
		old := f.confirmed(topic, "http", web, nil)
		f.does(snsapi.Unsubscribe, &snsapi.UnsubscribeInput{SubscriptionArn: &old})
		token := f.token(old)
		f.confirmed(topic, "http", web, nil)
		f.invalid(snsapi.ConfirmSubscription, &snsapi.ConfirmSubscriptionInput{TopicArn: &topic, Token: &token}, "Invalid parameter: Token")
		f.wait(time.Second)
		f.out.took("")
		f.publish(topic, "m")
		f.wait(time.Second)
		if got := f.out.took(web); len(got) != 1 {
			t.Errorf("delivered %d times", len(got))
		}
	})
}

func TestConfirmSubscriptionProblems(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic, second := f.topic("t", nil), f.topic("u", nil)
		token := f.token(f.subscribe(topic, "http", web, nil))
		f.subscribe(second, "http", web, nil)
		for _, c := range []struct{ topic, token, text string }{
			{topic, "", "Invalid token"}, {topic, "x", "Invalid token"}, {topic, strings.Repeat("G", len(token)), "Invalid token"},
			{topic, newToken(), "Invalid parameter: Token"},
			{second, token, "Invalid parameter: Topic"}, {"arn:aws:sns:us-east-1:000000000000:none", token, "Invalid parameter: Topic"},
			{"x", token, "Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 1"},
		} {
			f.invalid(snsapi.ConfirmSubscription, &snsapi.ConfirmSubscriptionInput{TopicArn: &c.topic, Token: &c.token}, c.text)
		}
		f.refused(snsapi.ConfirmSubscription, &snsapi.ConfirmSubscriptionInput{TopicArn: &topic}, "ValidationError",
			"1 validation error detected: Value null at 'token' failed to satisfy constraint: Member must not be null")
		f.wait(time.Second)
	})
}

func TestTokensLastThreeDays(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic := f.topic("t", nil)
		first, late := f.subscribe(topic, "http", web, nil), f.subscribe(topic, "email", "a@example.com", nil)
		gone := f.confirmed(topic, "http", web+"2", nil)
		f.does(snsapi.Unsubscribe, &snsapi.UnsubscribeInput{SubscriptionArn: &gone})
		f.ahead = 72 * time.Hour
		f.same(f.confirm(topic, f.token(first)), first)
		f.ahead += time.Second
		for _, arn := range []string{late, gone} {
			f.invalid(snsapi.ConfirmSubscription, &snsapi.ConfirmSubscriptionInput{TopicArn: &topic, Token: new(f.token(arn))}, "Invalid parameter: Token")
		}
		// Subscribing again sends another one.
		f.same(f.subscribe(topic, "email", "a@example.com", nil), late)
		f.same(f.confirm(topic, f.token(late)), late)
		f.wait(time.Second)
	})
}

func TestSubscribingAPendingEndpointAsksAgain(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic := f.topic("t", nil)
		arn := f.subscribe(topic, "http", web, nil)
		f.same(f.subscribe(topic, "http", web, nil), arn)
		f.wait(time.Second)
		asked := f.out.took(web)
		if len(asked) != 2 {
			t.Fatalf("%+v", asked)
		}
		one, two := f.open(string(asked[0].Body)), f.open(string(asked[1].Body))
		if one.Token == two.Token {
			t.Error("the same token")
		}
		for _, e := range []envelope{one, two} { // they may come in any order
			if e.Token != f.token(arn) {
				_, err := f.follow(e.SubscribeURL)
				f.isError(err, "InvalidParameter", "Invalid parameter: Token")
			}
		}
		f.same(f.subscribe(topic, "http", web, nil), arn)
		f.confirm(topic, f.token(arn))
		f.wait(time.Second)
		f.out.took("")
		f.same(f.subscribe(topic, "http", web, nil), arn) // confirmed: nobody is asked
		f.wait(time.Minute)
		if got := f.out.took(""); len(got) != 0 {
			t.Errorf("%+v", got)
		}
	})
}

func TestAuthenticateOnUnsubscribe(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic := f.topic("t", nil)
		confirm := func(f *fixture, url, flag string) string {
			arn := f.subscribe(topic, "http", url, nil)
			in := &snsapi.ConfirmSubscriptionInput{TopicArn: &topic, Token: new(f.token(arn))}
			if flag != "" {
				in.AuthenticateOnUnsubscribe = &flag
			}
			must[snsapi.ConfirmSubscriptionResponse](f, snsapi.ConfirmSubscription, in)
			return arn
		}
		guarded := confirm(f, web+"1", "true")
		f.same(f.subscription(guarded)["ConfirmationWasAuthenticated"], "true")
		open := confirm(f, web+"2", "")
		f.same(f.subscription(open)["ConfirmationWasAuthenticated"], "false")
		end := func(arn string) *snsapi.UnsubscribeInput { return &snsapi.UnsubscribeInput{SubscriptionArn: &arn} }
		f.unsigned().refused(snsapi.Unsubscribe, end(guarded), "AuthorizationError", "The caller does not have permission to unsubscribe")
		f.unsigned().does(snsapi.Unsubscribe, end(open))
		f.does(snsapi.Unsubscribe, end(guarded))
		// An unsigned confirmation guards nothing.
		late := f.subscribe(topic, "http", web+"3", nil)
		must[snsapi.ConfirmSubscriptionResponse](f.unsigned(), snsapi.ConfirmSubscription, &snsapi.ConfirmSubscriptionInput{
			TopicArn: &topic, Token: new(f.token(late)), AuthenticateOnUnsubscribe: new("true"),
		})
		f.unsigned().does(snsapi.Unsubscribe, end(late))
		f.wait(time.Second)
	})
}

func TestUnsubscribe(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic, q := f.topic("t", nil), f.queue("q", nil)
		arn := f.subscribe(topic, "sqs", q, nil)
		end := func(arn string) *snsapi.UnsubscribeInput { return &snsapi.UnsubscribeInput{SubscriptionArn: &arn} }
		f.unsigned().refused(snsapi.Unsubscribe, end(arn), "AuthorizationError", "The caller does not have permission to unsubscribe")
		f.same(f.subscription(arn)["Endpoint"], q)
		f.does(snsapi.Unsubscribe, end(arn))
		f.does(snsapi.Unsubscribe, end(arn)) // again: no error
		f.unsigned().does(snsapi.Unsubscribe, end(arn))
		f.publish(topic, "m")
		f.has(q)
		f.does(snsapi.Unsubscribe, end(topic+":00000000-0000-4000-8000-000000000000"))
		pending := f.subscribe(topic, "http", web, nil)
		for _, c := range []struct{ arn, text string }{
			{"", "Invalid parameter: SubscriptionArn Reason: no value for required parameter"},
			{"pending confirmation", "Invalid parameter: SubscriptionArn Reason: An ARN must have at least 6 elements, not 1"},
			{"arn:aws:sns:us-east-1:000000000000", "Invalid parameter: SubscriptionArn Reason: An ARN must have at least 6 elements, not 5"},
			{topic + ":not-a-uuid", "Invalid parameter: SubscriptionId"}, {topic, "Invalid parameter: SubscriptionId"},
			{pending, "Invalid parameter: SubscriptionArn Reason: This operation is not allowed on a subscription pending confirmation"},
		} {
			f.invalid(snsapi.Unsubscribe, end(c.arn), c.text)
		}
		f.same(f.subscription(pending)["PendingConfirmation"], "true")
		f.refused(snsapi.Unsubscribe, &snsapi.UnsubscribeInput{}, "ValidationError", "1 validation error detected: Value null at 'subscriptionArn' failed to satisfy constraint: Member must not be null")
		f.wait(time.Second)
	})
}

// TestEndedSubscriptionsAreForgotten: when the time to undo it is over, with the next
// change.
func TestEndedSubscriptionsAreForgotten(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic := f.topic("t", nil)
		for _, url := range []string{web + "1", web + "2"} {
			arn := f.confirmed(topic, "http", url, nil)
			f.does(snsapi.Unsubscribe, &snsapi.UnsubscribeInput{SubscriptionArn: &arn})
			f.wait(time.Second)
			f.ahead += 72*time.Hour + time.Second
		}
		if n := len(f.catalog.Keys(kindSubscription)); n != 1 {
			t.Errorf("%d are kept", n)
		}
	})
}

func TestConfirmationsOfMail(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic := f.topic("t", attrs{"DisplayName": "Ops"})
		arn := f.subscribe(topic, "email", "a@example.com", nil)
		f.wait(time.Second)
		f.same(len(f.out.mails), 1)
		m := f.out.mails[0]
		f.same([]string{m.To, m.FromName, m.Subject}, []string{"a@example.com", "Ops", "AWS Notification - Subscription Confirmation"})
		if !strings.Contains(m.Body, baseURL+"/?Action=ConfirmSubscription&TopicArn="+topic+"&Token="+f.token(arn)) {
			t.Error(m.Body)
		}
		f.confirm(topic, f.token(arn))
		f.subscribe(topic, "email-json", "a@example.com", nil)
		f.confirm(topic, f.token(f.subscribe(topic, "email-json", "a@example.com", nil)))
		f.publish(topic, "text\nmore", subject("Look"))
		f.wait(time.Second)
		plain, structured := 0, 0
		for _, m := range f.out.mails {
			switch {
			case m.Subject == "Look" && strings.HasPrefix(m.Body, "text\nmore\n\n--\n") && strings.Contains(m.Body, baseURL+"/?Action=Unsubscribe&SubscriptionArn="+arn):
				plain++
			case m.Subject == "Look" && f.open(m.Body).Message == "text\nmore":
				structured++
			}
		}
		if plain != 1 || structured != 1 {
			t.Errorf("%q", f.out.mails)
		}
	})
}
