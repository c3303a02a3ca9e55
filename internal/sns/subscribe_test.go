package sns

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/api/snsapi"
)

const (
	functionARN = "arn:aws:lambda:us-east-1:000000000000:function:f"
	hoseARN     = "arn:aws:firehose:us-east-1:000000000000:deliverystream/s"
	streamARN   = "arn:aws:kinesis:us-east-1:000000000000:stream/s"
	roleARN     = "arn:aws:iam::000000000000:role/r"
)

func TestSubscribeEndpoints(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic, fifo := f.topic("t", nil), f.topic("t.fifo", nil)
		for _, c := range []struct{ topic, protocol, endpoint, text string }{
			{topic, "carrier-pigeon", "x", "Invalid parameter: Amazon SNS does not support this protocol string: carrier-pigeon"},
			{topic, "SQS", queueARN("q"), "Invalid parameter: Amazon SNS does not support this protocol string: SQS"},
			{topic, "http", "https://example.com", "Invalid parameter: Endpoint must match the specified protocol"},
			{topic, "https", "http://example.com", "Invalid parameter: Endpoint must match the specified protocol"},
			{topic, "http", "example.com", "Invalid parameter: Endpoint must match the specified protocol"},
			{topic, "http", "http:///path", "Invalid parameter: Endpoint Reason: the URL has no host"},
			{topic, "sqs", baseURL + "/000000000000/q", "Invalid parameter: SQS endpoint ARN"},
			{topic, "sqs", "q", "Invalid parameter: SQS endpoint ARN"}, {topic, "sqs", topic, "Invalid parameter: SQS endpoint ARN"},
			{topic, "sqs", queueARN("q.fifo"), "Invalid parameter: Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics"},
			{topic, "lambda", "f", "Invalid parameter: Lambda endpoint ARN"}, {topic, "lambda", queueARN("q"), "Invalid parameter: Lambda endpoint ARN"},
			{topic, "firehose", streamARN, "Invalid parameter: Firehose endpoint ARN"}, {topic, "kinesis", hoseARN, "Invalid parameter: Kinesis endpoint ARN"},
			{topic, "application", "app", "Invalid parameter: ApplicationEndpoint ARN"},
			{topic, "email", "nobody", "Invalid parameter: Email address"}, {topic, "email", "A <a@example.com>", "Invalid parameter: Email address"},
			{topic, "firehose", hoseARN, "Invalid parameter: Attributes Reason: SubscriptionRoleArn: must be set for protocol firehose"},
			{topic, "http", "http://example.com/" + strings.Repeat("a", 2048), "Invalid parameter: Endpoint"},
			{fifo, "http", "http://example.com", "Invalid parameter: Invalid parameter: Endpoint Reason: Please use FIFO SQS queue"},
			{fifo, "lambda", functionARN, "Invalid parameter: Invalid parameter: Endpoint Reason: Please use FIFO SQS queue"},
		} {
			f.invalid(snsapi.Subscribe, subscriptionOf(c.topic, c.protocol, c.endpoint, nil), c.text)
		}
		for _, number := range []string{"+1555--0100123", "/15550100123", "+15550100123.", "+1555 01001x", "", "+15550-.100123", "12"} {
			if number == "" {
				f.refused(snsapi.Subscribe, subscriptionOf(topic, "sms", number, nil), "NotFound", "Endpoint not specified in subscription")
				continue
			}
			f.invalid(snsapi.Subscribe, subscriptionOf(topic, "sms", number, nil), "Invalid SMS endpoint: "+number)
		}
		for _, number := range []string{"+15550100123", "+1-555-0100-123", "+1 555.0100/123"} {
			f.subscribe(topic, "sms", number, nil)
		}
		f.refused(snsapi.Subscribe, &snsapi.SubscribeInput{TopicArn: &topic}, "ValidationError",
			"1 validation error detected: Value null at 'protocol' failed to satisfy constraint: Member must not be null")
		f.refused(snsapi.Subscribe, &snsapi.SubscribeInput{TopicArn: &topic, Protocol: new("sqs")}, "NotFound", "Endpoint not specified in subscription")
		// What does not exist, is in another region, or behind loopback, can be subscribed.
		f.subscribe(topic, "sqs", queueARN("missing"), nil)
		f.subscribe(topic, "sqs", "arn:aws:sqs:eu-west-1:000000000000:q", nil)
		f.subscribe(topic, "http", "http://127.0.0.1:9999/", nil)
		f.subscribe(topic, "lambda", functionARN, nil)
		f.subscribe(topic, "firehose", hoseARN, attrs{"SubscriptionRoleArn": roleARN})
		f.subscribe(topic, "kinesis", streamARN, nil)
		f.subscribe(topic, "application", "arn:aws:sns:us-east-1:000000000000:endpoint/GCM/a/00000000-0000-4000-8000-000000000000", nil)
		f.subscribe(fifo, "sqs", queueARN("standard"), nil)
		f.subscribe(fifo, "sqs", queueARN("q.fifo"), nil)
		f.wait(time.Second)
	})
}

func TestStrictModeRefusesKinesis(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.invalid(snsapi.Subscribe, subscriptionOf(f.topic("t", nil), "kinesis", streamARN, nil), "Invalid parameter: Amazon SNS does not support this protocol string: kinesis")
	}, func(c *Config) { c.Strict = true })
}

func TestURLsThatAreNotAllowed(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.refused(snsapi.Subscribe, subscriptionOf(f.topic("t", nil), "http", "http://10.0.0.1/", nil), "AuthorizationError", "Not authorized to subscribe http endpoints at this address")
	}, func(c *Config) { c.Outbound.Allowed = func(string) error { return errors.New("private") } })
}

func TestSubscriptionARNs(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic := f.topic("t", nil)
		answer := func(protocol, endpoint string, full *bool) string {
			in := subscriptionOf(topic, protocol, endpoint, nil)
			in.ReturnSubscriptionArn = full
			return *must[snsapi.SubscribeResponse](f, snsapi.Subscribe, in).SubscriptionArn
		}
		for protocol, endpoint := range map[string]string{"http": "http://example.com", "https": "https://example.com", "email": "a@example.com", "email-json": "a@example.com"} {
			f.same(answer(protocol, endpoint, nil), "pending confirmation")
			f.same(answer(protocol, endpoint, new(false)), "pending confirmation")
			if arn := answer(protocol, endpoint, new(true)); !strings.HasPrefix(arn, topic+":") || !validUUID(arn[len(topic)+1:]) {
				t.Error(arn)
			}
		}
		if arn := answer("sqs", queueARN("q"), nil); !validUUID(arn[len(topic)+1:]) {
			t.Error(arn)
		}
		counts := map[string]int{}
		for _, x := range must[snsapi.ListSubscriptionsByTopicResponse](f, snsapi.ListSubscriptionsByTopic, &snsapi.ListSubscriptionsByTopicInput{TopicArn: &topic}).Subscriptions {
			counts[*x.SubscriptionArn]++
			f.same(*x.Owner+*x.TopicArn, account+topic)
		}
		if counts["PendingConfirmation"] != 4 || len(counts) != 2 {
			t.Error(counts)
		}
		f.wait(time.Second)
	})
}

func TestSubscribeAgain(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic, q := f.topic("t", nil), queueARN("q")
		policy := `{"k":["a"]}`
		first := f.subscribe(topic, "sqs", q, attrs{"FilterPolicy": policy, "RawMessageDelivery": "true"})
		for _, same := range []attrs{nil, {}, {"FilterPolicy": policy}, {"RawMessageDelivery": "TRUE"}, {"FilterPolicy": policy, "RawMessageDelivery": "true", "FilterPolicyScope": "MessageAttributes"}} {
			f.same(f.subscribe(topic, "sqs", q, same), first)
		}
		for _, different := range []attrs{{"FilterPolicy": `{"k":["b"]}`}, {"RawMessageDelivery": "false"}, {"FilterPolicyScope": "MessageBody"}, {"RedrivePolicy": `{"deadLetterTargetArn":"` + queueARN("d") + `"}`}} {
			f.invalid(snsapi.Subscribe, subscriptionOf(topic, "sqs", q, different), "Invalid parameter: Attributes Reason: Subscription already exists with different attributes")
		}
		f.same(f.attributes(topic)["SubscriptionsConfirmed"], "1")
		// A moment's rivals make one.
		var wg sync.WaitGroup
		made := make([]string, 8)
		for i := range made {
			wg.Go(func() { made[i] = f.subscribe(topic, "sqs", queueARN("r"), nil) })
		}
		wg.Wait()
		for _, arn := range made {
			f.same(arn, made[0])
		}
	})
}

// TestSubscribeWhileTopicIsDeleted: no subscription is left of a topic that is gone; a
// topic of the same name would have it.
func TestSubscribeWhileTopicIsDeleted(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic := f.topic("t", nil)
		was := f.lookup(name{region, account, "t"})
		f.does(snsapi.DeleteTopic, &snsapi.DeleteTopicInput{TopicArn: &topic})
		_, err := f.Service.subscribe(context.Background(), was, &subscriptionRecord{Protocol: "sqs", Endpoint: queueARN("q"), Owner: account}, nil)
		f.isError(err, "NotFound", "Topic does not exist")
	})
}

func TestSubscribersRaceWithDeleteTopic(t *testing.T) {
	virtually(t, func(f *fixture) {
		for range 20 {
			topic := f.topic("t", nil)
			var wg sync.WaitGroup
			for i := range 16 {
				wg.Go(func() {
					if i == 8 {
						f.does(snsapi.DeleteTopic, &snsapi.DeleteTopicInput{TopicArn: &topic})
						return
					}
					_, err := try[snsapi.SubscribeResponse](f, snsapi.Subscribe, subscriptionOf(topic, "sqs", queueARN(fmt.Sprint(i)), nil))
					if err != nil {
						f.isError(err, "NotFound", "Topic does not exist")
					}
				})
			}
			wg.Wait()
			f.topic("t", nil)
			f.same(f.attributes(topic)["SubscriptionsConfirmed"], "0")
			f.does(snsapi.DeleteTopic, &snsapi.DeleteTopicInput{TopicArn: &topic})
		}
	})
}

func TestSubscriptionAttributes(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic := f.topic("t", nil)
		arn := f.subscribe(topic, "sqs", queueARN("q"), nil)
		f.same(f.subscription(arn), attrs{
			"SubscriptionPrincipal": "arn:aws:iam::000000000000:root", "Owner": account, "RawMessageDelivery": "false", "TopicArn": topic, "Endpoint": queueARN("q"),
			"Protocol": "sqs", "PendingConfirmation": "false", "ConfirmationWasAuthenticated": "true", "SubscriptionArn": arn,
		})
		web := f.subscribe(topic, "http", "http://example.com", nil)
		a := f.subscription(web)
		f.same(a["EffectiveDeliveryPolicy"], `{"healthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":3,"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"},"sicklyRetryPolicy":null,"throttlePolicy":null,"requestPolicy":{"headerContentType":"text/plain; charset=UTF-8"},"guaranteed":false}`)
		f.same(a["PendingConfirmation"]+a["ConfirmationWasAuthenticated"], "truefalse")
		hose := f.subscribe(topic, "firehose", hoseARN, attrs{"SubscriptionRoleArn": roleARN})
		f.same(f.subscription(hose)["SubscriptionRoleArn"], roleARN)
		for _, c := range []struct{ arn, code, text string }{
			{"", "InvalidParameter", "Invalid parameter: SubscriptionArn Reason: no value for required parameter"},
			{"pending confirmation", "InvalidParameter", "Invalid parameter: SubscriptionArn Reason: An ARN must have at least 6 elements, not 1"},
			{topic, "InvalidParameter", "Invalid parameter: SubscriptionId"},
			{topic + ":00000000-0000-4000-8000-000000000000", "NotFound", "Subscription does not exist"},
		} {
			f.refused(snsapi.GetSubscriptionAttributes, &snsapi.GetSubscriptionAttributesInput{SubscriptionArn: &c.arn}, c.code, c.text)
			f.refused(snsapi.SetSubscriptionAttributes, setSubscription(c.arn, "RawMessageDelivery", "true"), c.code, c.text)
		}
		f.wait(time.Second)
	})
}

// TestSubscriptionAttributeProblems: the same problem has one prefix in Subscribe and
// another in SetSubscriptionAttributes.
func TestSubscriptionAttributeProblems(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic, fifo := f.topic("t", nil), f.topic("t.fifo", nil)
		arns := map[string]string{
			"sqs": f.subscribe(topic, "sqs", queueARN("q"), nil), "http": f.subscribe(topic, "http", "http://example.com/1", nil),
			"email": f.subscribe(topic, "email", "a@example.com", nil), "fifo": f.subscribe(fifo, "sqs", queueARN("q.fifo"), nil),
			"lambda": f.subscribe(topic, "lambda", functionARN, nil),
		}
		for _, c := range []struct{ of, attribute, value, text string }{
			{"sqs", "Nope", "x", "AttributeName"}, {"sqs", "Owner", "x", "AttributeName"}, {"sqs", "PendingConfirmation", "false", "AttributeName"},
			{"sqs", "RawMessageDelivery", "", "RawMessageDelivery: Invalid value []. Must be true or false."},
			{"sqs", "RawMessageDelivery", "yes", "RawMessageDelivery: Invalid value [yes]. Must be true or false."},
			{"email", "RawMessageDelivery", "true", "RawMessageDelivery: Delivery protocol [email] does not support raw message delivery."},
			{"lambda", "RawMessageDelivery", "true", "RawMessageDelivery: Delivery protocol [lambda] does not support raw message delivery."},
			{"sqs", "RedrivePolicy", `{"deadLetterTargetArn":"x"}`, "RedrivePolicy: deadLetterTargetArn is an invalid arn"},
			{"sqs", "RedrivePolicy", `{"a":1}`, "RedrivePolicy: deadLetterTargetArn is an invalid arn"},
			{"sqs", "RedrivePolicy", `{"deadLetterTargetArn":"` + topic + `"}`, "RedrivePolicy: deadLetterTargetArn is an invalid arn"},
			{"sqs", "RedrivePolicy", "x", "RedrivePolicy: failed to parse JSON. ..."},
			{"fifo", "RedrivePolicy", `{"deadLetterTargetArn":"` + queueARN("d") + `"}`, "RedrivePolicy: must use a FIFO queue as DLQ for a FIFO Subscription to a FIFO Topic."},
			{"sqs", "FilterPolicy", "x", "FilterPolicy: failed to parse JSON. ..."},
			{"sqs", "FilterPolicy", `{"k":[]}`, "FilterPolicy: Empty arrays are not allowed..."},
			{"sqs", "FilterPolicy", `{"k":"v"}`, `FilterPolicy: "k" must be an object or an array...`},
			{"sqs", "FilterPolicy", `{"a":["1"],"b":["1"],"c":["1"],"d":["1"],"e":["1"],"f":["1"]}`, "FilterPolicy: Filter policy can not have more than 5 keys"},
			{"sqs", "FilterPolicy", `{"a":{"b":["c"]}}`, "Filter policy scope MessageAttributes does not support nested filter policy"},
			{"sqs", "FilterPolicyScope", "Body", "FilterPolicyScope: Invalid value [Body]. Please use either MessageBody or MessageAttributes"},
			{"sqs", "FilterPolicyScope", "", "FilterPolicyScope: Invalid value []. Please use either MessageBody or MessageAttributes"},
			{"sqs", "DeliveryPolicy", `{"healthyRetryPolicy":{"numRetries":1}}`, "DeliveryPolicy: ..."},
			{"http", "DeliveryPolicy", `{"healthyRetryPolicy":{"numRetries":101}}`, "DeliveryPolicy: healthyRetryPolicy.numRetries must be between 0 and 100"},
			{"http", "DeliveryPolicy", `{"http":{}}`, "DeliveryPolicy: failed to parse JSON."},
			{"http", "DeliveryPolicy", `{"requestPolicy":{"headerContentType":"text/html"}}`, "DeliveryPolicy: requestPolicy.headerContentType is not supported"},
			{"http", "DeliveryPolicy", `{"throttlePolicy":{"maxReceivesPerSecond":0}}`, "DeliveryPolicy: throttlePolicy.maxReceivesPerSecond must be greater than or equal to 1"},
			{"sqs", "ReplayPolicy", `{"PointType":"Timestamp","StartingPoint":"2000-01-01T00:00:00Z"}`, "ReplayPolicy: is supported for subscriptions of FIFO topics only"},
		} {
			f.invalid(snsapi.SetSubscriptionAttributes, setSubscription(arns[c.of], c.attribute, c.value), "Invalid parameter: "+c.text)
			in := map[string]*snsapi.SubscribeInput{
				"sqs": subscriptionOf(topic, "sqs", queueARN("new"), nil), "http": subscriptionOf(topic, "http", "http://example.com/new", nil),
				"email": subscriptionOf(topic, "email", "new@example.com", nil), "fifo": subscriptionOf(fifo, "sqs", queueARN("new.fifo"), nil),
				"lambda": subscriptionOf(topic, "lambda", functionARN+"2", nil),
			}[c.of]
			in.Attributes = attrs{c.attribute: c.value}
			f.invalid(snsapi.Subscribe, in, "Invalid parameter: Attributes Reason: "+c.text)
		}
		f.same(f.attributes(topic)["SubscriptionsConfirmed"]+f.attributes(topic)["SubscriptionsPending"], "22")
		f.wait(time.Second)
	})
}

func TestRawMessageDeliveryReadsBackInLowerCase(t *testing.T) {
	virtually(t, func(f *fixture) {
		arn := f.subscribe(f.topic("t", nil), "sqs", queueARN("q"), attrs{"RawMessageDelivery": "TrUe"})
		f.same(f.subscription(arn)["RawMessageDelivery"], "true")
		f.set(arn, "RawMessageDelivery", "FALSE")
		f.same(f.subscription(arn)["RawMessageDelivery"], "false")
	})
}

func TestFilterPolicyScopeIsKeptButHidden(t *testing.T) {
	virtually(t, func(f *fixture) {
		arn := f.subscribe(f.topic("t", nil), "sqs", queueARN("q"), nil)
		shown := func() string {
			a := f.subscription(arn)
			return a["FilterPolicy"] + " " + a["FilterPolicyScope"]
		}
		f.set(arn, "FilterPolicyScope", "MessageBody")
		f.same(shown(), " ")
		f.set(arn, "FilterPolicy", `{"a":{"b":["c"]}}`)
		f.same(shown(), `{"a":{"b":["c"]}} MessageBody`)
		f.invalid(snsapi.SetSubscriptionAttributes, setSubscription(arn, "FilterPolicyScope", "MessageAttributes"),
			"Invalid parameter: Filter policy scope MessageAttributes does not support nested filter policy")
		for _, none := range []string{"", "{}", " { } "} {
			f.set(arn, "FilterPolicy", `{"a":{"b":["c"]}}`)
			f.set(arn, "FilterPolicy", none)
			f.same(shown(), " ")
		}
		f.set(arn, "FilterPolicy", `{"a":["c"]}`)
		f.same(shown(), `{"a":["c"]} MessageBody`) // the scope was kept
		f.set(arn, "FilterPolicyScope", "MessageAttributes")
		f.same(shown(), `{"a":["c"]} MessageAttributes`)
	})
}

func TestFilterPolicyLimits(t *testing.T) {
	virtually(t, func(f *fixture) {
		arn := f.subscribe(f.topic("t", nil), "sqs", queueARN("q"), nil)
		values := func(n int) string {
			var out []string
			for i := range n {
				out = append(out, fmt.Sprintf("%q", fmt.Sprint(i)))
			}
			return "[" + strings.Join(out, ",") + "]"
		}
		f.set(arn, "FilterPolicy", `{"a":`+values(15)+`,"b":`+values(10)+`}`) // 150
		f.invalid(snsapi.SetSubscriptionAttributes, setSubscription(arn, "FilterPolicy", `{"a":`+values(151)+`}`), "Invalid parameter: FilterPolicy: Filter policy is too complex...")
		f.set(arn, "FilterPolicy", `{"$or":["a"]}`) // a key like any other
	})
}

func TestRedrivePolicyCanBeRemoved(t *testing.T) {
	virtually(t, func(f *fixture) {
		policy := `{"deadLetterTargetArn":"` + queueARN("d") + `"}`
		arn := f.subscribe(f.topic("t", nil), "sqs", queueARN("q"), attrs{"RedrivePolicy": policy})
		f.same(f.subscription(arn)["RedrivePolicy"], policy)
		for _, none := range []string{"", "{}"} {
			f.set(arn, "RedrivePolicy", policy)
			f.set(arn, "RedrivePolicy", none)
			if v, ok := f.subscription(arn)["RedrivePolicy"]; ok {
				t.Error(v)
			}
		}
		// A FIFO topic's subscription of a standard queue has a standard one.
		f.subscribe(f.topic("t.fifo", nil), "sqs", queueARN("q"), attrs{"RedrivePolicy": policy})
	})
}

func TestDeliveryPolicyOfSubscription(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic := f.topic("t", attrs{"DeliveryPolicy": `{"http":{"defaultThrottlePolicy":{"maxReceivesPerSecond":5}}}`})
		arn := f.subscribe(topic, "http", "http://example.com", attrs{"DeliveryPolicy": `{"requestPolicy":{"headerContentType":"application/json"},"healthyRetryPolicy":{"numRetries":1}}`})
		a := f.subscription(arn)
		f.same(a["DeliveryPolicy"], `{"healthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":1,"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"},"requestPolicy":{"headerContentType":"application/json"}}`)
		f.same(a["EffectiveDeliveryPolicy"], `{"healthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":1,"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"},"sicklyRetryPolicy":null,"throttlePolicy":{"maxReceivesPerSecond":5},"requestPolicy":{"headerContentType":"application/json"},"guaranteed":false}`)
		f.setTopic(topic, "DeliveryPolicy", `{"http":{"disableSubscriptionOverrides":true}}`)
		f.same(f.subscription(arn)["EffectiveDeliveryPolicy"], `{"healthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":3,"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"},"sicklyRetryPolicy":null,"throttlePolicy":null,"requestPolicy":{"headerContentType":"text/plain; charset=UTF-8"},"guaranteed":false}`)
		// Only raw ones may have other types.
		html := `{"requestPolicy":{"headerContentType":"text/html"}}`
		f.invalid(snsapi.SetSubscriptionAttributes, setSubscription(arn, "DeliveryPolicy", html), "Invalid parameter: DeliveryPolicy: ...")
		f.set(arn, "RawMessageDelivery", "true")
		f.set(arn, "DeliveryPolicy", html)
		f.set(arn, "DeliveryPolicy", "")
		if v, ok := f.subscription(arn)["DeliveryPolicy"]; ok {
			t.Error(v)
		}
		f.wait(time.Second)
	})
}

func TestListSubscriptions(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic, second := f.topic("t", nil), f.topic("u", nil)
		for i := range 101 {
			f.subscribe(topic, "sqs", queueARN(fmt.Sprint(i)), nil)
		}
		f.subscribe(second, "sqs", queueARN("q"), nil)
		sizes, token := []int(nil), (*string)(nil)
		for {
			out := must[snsapi.ListSubscriptionsByTopicResponse](f, snsapi.ListSubscriptionsByTopic, &snsapi.ListSubscriptionsByTopicInput{TopicArn: &topic, NextToken: token})
			sizes = append(sizes, len(out.Subscriptions))
			if token = out.NextToken; token == nil {
				break
			}
		}
		f.same(fmt.Sprint(sizes), "[100 1]")
		all := must[snsapi.ListSubscriptionsResponse](f, snsapi.ListSubscriptions, &snsapi.ListSubscriptionsInput{})
		rest := must[snsapi.ListSubscriptionsResponse](f, snsapi.ListSubscriptions, &snsapi.ListSubscriptionsInput{NextToken: all.NextToken})
		if len(all.Subscriptions) != 100 || len(rest.Subscriptions) != 2 || rest.NextToken != nil {
			t.Error(len(all.Subscriptions), len(rest.Subscriptions))
		}
		if out := must[snsapi.ListSubscriptionsResponse](f.by(other), snsapi.ListSubscriptions, &snsapi.ListSubscriptionsInput{}); len(out.Subscriptions) != 0 {
			t.Error(out)
		}
	})
}

func TestDeclaredSubscriptionsNeedNoConfirmation(t *testing.T) {
	virtually(t, func(f *fixture) {
		ctx := context.Background()
		declare := func() {
			if err := f.DeclareTopic(ctx, region, &snsapi.CreateTopicInput{Name: new("t")}); err != nil {
				t.Fatal(err)
			}
			if err := f.DeclareSubscription(ctx, region, "t", baseURL, &snsapi.SubscribeInput{Protocol: new("http"), Endpoint: new("http://example.com")}); err != nil {
				t.Fatal(err)
			}
		}
		declare()
		declare() // at every start
		topic := name{region, account, "t"}.arn()
		f.publish(topic, "m")
		f.wait(time.Second)
		posts := f.out.took("")
		if len(posts) != 1 || posts[0].kind() != typeNotification {
			t.Errorf("%+v", posts)
		}
		f.subscribe(topic, "https", "https://example.com", nil)
		if err := f.DeclareSubscription(ctx, region, "t", baseURL, &snsapi.SubscribeInput{Protocol: new("https"), Endpoint: new("https://example.com")}); err != nil {
			t.Fatal(err)
		}
		f.same(f.attributes(topic)["SubscriptionsPending"], "0")
		if err := f.DeclareTopic(ctx, region, &snsapi.CreateTopicInput{Name: new("t"), Attributes: attrs{"DisplayName": "other"}}); err == nil {
			t.Error("a topic with other attributes was taken")
		}
	})
}
