package sns

import (
	"strings"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/iam"
)

func permission(topic, label string, accounts, actions []string) *snsapi.AddPermissionInput {
	return &snsapi.AddPermissionInput{TopicArn: &topic, Label: &label, AWSAccountId: accounts, ActionName: actions}
}

// denied wants AuthorizationError, whose text is AWS's for every service.
const denied = "AuthorizationError"

func TestTopicsAreTheirOwnersByDefault(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic, stranger := f.topic("t", nil), f.by(other)
		sub := f.subscribe(topic, "sqs", queueARN("q"), nil)
		text := "User: arn:aws:iam::111111111111:root is not authorized to perform: ..."
		stranger.refused(snsapi.Publish, message(topic, "m"), denied, text)
		stranger.refused(snsapi.PublishBatch, batch(topic, entry("a", "m")), denied, text)
		stranger.refused(snsapi.Subscribe, subscriptionOf(topic, "sqs", queueARN("q"), nil), denied, text)
		stranger.refused(snsapi.GetTopicAttributes, &snsapi.GetTopicAttributesInput{TopicArn: &topic}, denied, text)
		stranger.refused(snsapi.SetTopicAttributes, setTopic(topic, "DisplayName", "x"), denied, text)
		stranger.refused(snsapi.DeleteTopic, &snsapi.DeleteTopicInput{TopicArn: &topic}, denied, text)
		stranger.refused(snsapi.ListSubscriptionsByTopic, &snsapi.ListSubscriptionsByTopicInput{TopicArn: &topic}, denied, text)
		stranger.refused(snsapi.AddPermission, permission(topic, "l", []string{other}, []string{"Publish"}), denied, text)
		stranger.refused(snsapi.RemovePermission, &snsapi.RemovePermissionInput{TopicArn: &topic, Label: new("l")}, denied, text)
		stranger.refused(snsapi.TagResource, &snsapi.TagResourceRequest{ResourceArn: &topic, Tags: []snsapi.Tag{}}, denied, text)
		stranger.refused(snsapi.PutDataProtectionPolicy, &snsapi.PutDataProtectionPolicyInput{ResourceArn: &topic, DataProtectionPolicy: new("{}")}, denied, text)
		stranger.refused(snsapi.GetSubscriptionAttributes, &snsapi.GetSubscriptionAttributesInput{SubscriptionArn: &sub}, denied, text)
		stranger.refused(snsapi.SetSubscriptionAttributes, setSubscription(sub, "RawMessageDelivery", "true"), denied, text)
		stranger.refused(snsapi.Unsubscribe, &snsapi.UnsubscribeInput{SubscriptionArn: &sub}, denied, text)
		f.unsigned().refused(snsapi.Publish, message(topic, "m"), denied, "...")
		f.unsigned().refused(snsapi.ListTopics, &snsapi.ListTopicsInput{}, denied, "...")
		// A user of the account without policies: the topic's own lets them in, as on AWS.
		user := f.as(&iam.Principal{Account: account, ARN: "arn:aws:iam::" + account + ":user/u", UserID: "AIDAU"})
		user.publish(topic, "m")
		user.refused(snsapi.TagResource, &snsapi.TagResourceRequest{ResourceArn: &topic, Tags: []snsapi.Tag{}}, denied, "...")
	})
}

func TestAddPermission(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic := f.topic("t", nil)
		added := func() string {
			text, ok := strings.CutPrefix(f.attributes(topic)["Policy"], strings.TrimSuffix(defaultPolicyText, "]}"))
			if !ok {
				t.Fatal(f.attributes(topic)["Policy"])
			}
			return strings.TrimSuffix(text, "]}")
		}
		f.does(snsapi.AddPermission, permission(topic, "one", []string{other}, []string{"Publish"}))
		f.same(added(), `,{"Sid":"one","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"SNS:Publish","Resource":"`+topic+`"}`)
		f.by(other).publish(topic, "m")
		f.by("222222222222").refused(snsapi.Publish, message(topic, "m"), denied, "...")
		f.by(other).refused(snsapi.GetTopicAttributes, &snsapi.GetTopicAttributesInput{TopicArn: &topic}, denied, "...")
		f.invalid(snsapi.AddPermission, permission(topic, "one", []string{other}, []string{"Subscribe"}), "Invalid parameter: Statement already exists")
		f.invalid(snsapi.AddPermission, permission(topic, "two", []string{other}, []string{"CreateTopic"}), "Invalid parameter: Policy statement action out of service scope!")
		f.invalid(snsapi.AddPermission, permission(topic, "two", []string{"me"}, []string{"Publish"}), "Invalid parameter: AWSAccountId")
		f.does(snsapi.RemovePermission, &snsapi.RemovePermissionInput{TopicArn: &topic, Label: new("one")})
		f.does(snsapi.RemovePermission, &snsapi.RemovePermissionInput{TopicArn: &topic, Label: new("nope")})
		f.same(added(), "")
		f.by(other).refused(snsapi.Publish, message(topic, "m"), denied, "...")
		f.does(snsapi.AddPermission, permission(topic, "two", []string{other, "222222222222"}, []string{"Subscribe", "Receive", "GetTopicAttributes"}))
		f.same(added(), `,{"Sid":"two","Effect":"Allow","Principal":{"AWS":["arn:aws:iam::111111111111:root","arn:aws:iam::222222222222:root"]},"Action":["SNS:Subscribe","SNS:Receive","SNS:GetTopicAttributes"],"Resource":"`+topic+`"}`)
		f.by("222222222222").attributes(topic)
		f.refused(snsapi.AddPermission, permission("arn:aws:sns:us-east-1:000000000000:none", "l", []string{other}, []string{"Publish"}), "NotFound", "Topic does not exist")
	})
}

// TestSubscribersOfOtherAccounts: who subscribes owns the subscription; the topic's
// owner may end it.
func TestSubscribersOfOtherAccounts(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic, guest := f.topic("t", nil), f.by(other)
		f.setTopic(topic, "Policy", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"`+other+`"},"Action":"sns:Subscribe","Resource":"`+topic+`","Condition":{"StringEquals":{"sns:Protocol":"sqs"},"StringLike":{"sns:Endpoint":"arn:aws:sqs:*:`+other+`:*"}}}]}`)
		q := guest.queue("q", nil)
		guest.refused(snsapi.Subscribe, subscriptionOf(topic, "http", web, nil), denied, "...")
		guest.refused(snsapi.Subscribe, subscriptionOf(topic, "sqs", queueARN("q"), nil), denied, "...")
		sub := guest.subscribe(topic, "sqs", q, nil)
		f.same(guest.subscription(sub)["Owner"]+guest.subscription(sub)["SubscriptionPrincipal"], other+"arn:aws:iam::111111111111:root")
		guest.set(sub, "RawMessageDelivery", "true")
		f.publish(topic, "m")
		guest.has(q, "m")
		if l := must[snsapi.ListSubscriptionsResponse](guest, snsapi.ListSubscriptions, &snsapi.ListSubscriptionsInput{}).Subscriptions; len(l) != 1 {
			t.Error(l)
		}
		f.same(f.subscription(sub)["Owner"], other)
		f.by("222222222222").refused(snsapi.Unsubscribe, &snsapi.UnsubscribeInput{SubscriptionArn: &sub}, denied, "...")
		guest.does(snsapi.Unsubscribe, &snsapi.UnsubscribeInput{SubscriptionArn: &sub})
		sub = guest.subscribe(topic, "sqs", q, nil)
		f.does(snsapi.Unsubscribe, &snsapi.UnsubscribeInput{SubscriptionArn: &sub})
	})
}

func TestExplicitDenyBindsTheOwner(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic := f.topic("t", nil)
		f.setTopic(topic, "Policy", `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"SNS:Publish","Resource":"`+topic+`"}]}`)
		f.refused(snsapi.Publish, message(topic, "m"), denied, "...")
		f.setTopic(topic, "Policy", "") // the default again
		f.publish(topic, "m")
	})
}

// TestPlatformsAreTheirOwners: no ARN opens an endpoint to another account.
func TestPlatformsAreTheirOwners(t *testing.T) {
	virtually(t, func(f *fixture) {
		app := f.application("a", "APNS")
		arn, stranger := f.endpoint(app, "t", nil), f.by(other)
		stranger.refused(snsapi.Publish, toTarget(arn, "m"), denied, "...")
		stranger.refused(snsapi.GetEndpointAttributes, &snsapi.GetEndpointAttributesInput{EndpointArn: &arn}, denied, "...")
		stranger.refused(snsapi.SetEndpointAttributes, &snsapi.SetEndpointAttributesInput{EndpointArn: &arn, Attributes: attrs{"Enabled": "false"}}, denied, "...")
		stranger.refused(snsapi.DeleteEndpoint, &snsapi.DeleteEndpointInput{EndpointArn: &arn}, denied, "...")
		stranger.refused(snsapi.CreatePlatformEndpoint, createEndpoint(app, "u", nil), denied, "...")
		stranger.refused(snsapi.GetPlatformApplicationAttributes, &snsapi.GetPlatformApplicationAttributesInput{PlatformApplicationArn: &app}, denied, "...")
		stranger.refused(snsapi.DeletePlatformApplication, &snsapi.DeletePlatformApplicationInput{PlatformApplicationArn: &app}, denied, "...")
		f.wait(time.Second)
		if len(f.out.pushes) != 0 {
			t.Error("a stranger's message went out")
		}
	})
}

// TestOperations: every operation is served.
func TestOperations(t *testing.T) {
	t.Parallel()
	done := operations.Bind(snsapi.Service, nil).Operations
	for _, op := range snsapi.Service.Operations {
		if done[op.Name] == nil {
			t.Errorf("%s has no handler", op.Name)
		}
	}
}
