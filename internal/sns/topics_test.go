package sns

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/api/snsapi"
)

func TestCreateTopicNames(t *testing.T) {
	virtually(t, func(f *fixture) {
		for _, c := range []struct {
			name string
			a    attrs
		}{
			{"x.fifo", nil}, {"x", attrs{"FifoTopic": "true"}}, {strings.Repeat("a", 257), nil}, {"", nil}, {"a b", nil}, {"a.b", nil},
			{"ä", nil}, {"a/b", nil}, {".fifo", attrs{"FifoTopic": "true"}}, {strings.Repeat("a", 252) + ".fifo", attrs{"FifoTopic": "true"}},
			{"x.fifo", attrs{"FifoTopic": "false"}},
		} {
			f.invalid(snsapi.CreateTopic, &snsapi.CreateTopicInput{Name: &c.name, Attributes: c.a}, "Invalid parameter: Topic Name")
		}
		for _, name := range []string{"a", strings.Repeat("a", 256), "A-_9", strings.Repeat("a", 251) + ".fifo"} {
			if got := f.topic(name, nil); got != "arn:aws:sns:us-east-1:000000000000:"+name {
				t.Error(got)
			}
		}
		f.topic("standard", attrs{"FifoTopic": "false"})
		if _, ok := f.attributes("arn:aws:sns:us-east-1:000000000000:standard")["FifoTopic"]; ok {
			t.Error("FifoTopic is shown on a standard topic")
		}
		f.refused(snsapi.CreateTopic, &snsapi.CreateTopicInput{}, "ValidationError",
			"1 validation error detected: Value null at 'name' failed to satisfy constraint: Member must not be null")
	})
}

func TestCreateTopicAgain(t *testing.T) {
	virtually(t, func(f *fixture) {
		create := func(a attrs, tags ...snsapi.Tag) *snsapi.CreateTopicInput {
			return &snsapi.CreateTopicInput{Name: new("t"), Attributes: a, Tags: tags}
		}
		tag := func(k, v string) snsapi.Tag { return snsapi.Tag{Key: &k, Value: &v} }
		first := must[snsapi.CreateTopicResponse](f, snsapi.CreateTopic, create(attrs{"DisplayName": "d"}, tag("a", "1"), tag("b", "2")))
		for _, in := range []*snsapi.CreateTopicInput{
			create(nil), create(attrs{"DisplayName": "d"}), create(nil, tag("b", "2"), tag("a", "1")), create(attrs{"SignatureVersion": "1", "FifoTopic": "false"}),
		} {
			if got := must[snsapi.CreateTopicResponse](f, snsapi.CreateTopic, in); *got.TopicArn != *first.TopicArn {
				t.Error(*got.TopicArn)
			}
		}
		f.invalid(snsapi.CreateTopic, create(attrs{"DisplayName": "e"}), "Invalid parameter: Attributes Reason: Topic already exists with different attributes")
		f.invalid(snsapi.CreateTopic, create(attrs{"SignatureVersion": "2"}), "Invalid parameter: Attributes Reason: Topic already exists with different attributes")
		f.invalid(snsapi.CreateTopic, create(nil, tag("a", "1"), tag("b", "2"), tag("c", "3")), "Invalid parameter: Tags Reason: Topic already exists with different tags")
		f.invalid(snsapi.CreateTopic, create(nil, tag("a", "1")), "Invalid parameter: Tags Reason: Topic already exists with different tags")
	})
}

const (
	defaultPolicyText = `{"Version":"2008-10-17","Id":"__default_policy_ID","Statement":[{"Sid":"__default_statement_ID","Effect":"Allow","Principal":{"AWS":"*"},"Action":["SNS:GetTopicAttributes","SNS:SetTopicAttributes","SNS:AddPermission","SNS:RemovePermission","SNS:DeleteTopic","SNS:Subscribe","SNS:ListSubscriptionsByTopic","SNS:Publish"],"Resource":"arn:aws:sns:us-east-1:000000000000:t","Condition":{"StringEquals":{"AWS:SourceOwner":"000000000000"}}}]}`
	defaultDelivery   = `{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":3,"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"},"disableSubscriptionOverrides":false,"defaultRequestPolicy":{"headerContentType":"text/plain; charset=UTF-8"}}}`
)

func (f *fixture) same(got, want any) {
	f.Helper()
	if g, w := fmt.Sprintf("%q", got), fmt.Sprintf("%q", want); g != w {
		f.Errorf("\n got %s\nwant %s", g, w)
	}
}

func TestTopicAttributes(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.same(f.attributes(f.topic("t", nil)), attrs{
			"Policy": defaultPolicyText, "Owner": account, "SubscriptionsPending": "0", "SubscriptionsConfirmed": "0", "SubscriptionsDeleted": "0",
			"TopicArn": "arn:aws:sns:us-east-1:000000000000:t", "EffectiveDeliveryPolicy": defaultDelivery, "DisplayName": "",
		})
		fifo := f.attributes(f.topic("t.fifo", nil))
		if fifo["FifoTopic"] != "true" || fifo["ContentBasedDeduplication"] != "false" {
			t.Error(fifo)
		}
	})
}

func TestSetTopicAttributes(t *testing.T) {
	virtually(t, func(f *fixture) {
		standard, fifo := f.topic("t", nil), f.topic("t.fifo", nil)
		for _, c := range []struct{ topic, attribute, value, problem string }{
			{standard, "Nope", "x", "AttributeName"}, {standard, "", "x", "AttributeName"}, {fifo, "FifoTopic", "true", "AttributeName"},
			{standard, "FifoTopic", "false", "AttributeName"}, {standard, "Owner", account, "AttributeName"},
			{standard, "EffectiveDeliveryPolicy", "{}", "AttributeName"}, {standard, "SubscriptionsConfirmed", "1", "AttributeName"},
			{standard, "DisplayName", strings.Repeat("d", 101), "DisplayName"}, {standard, "DisplayName", "a\nb", "DisplayName"},
			{standard, "SignatureVersion", "3", "SignatureVersion"}, {standard, "TracingConfig", "On", "TracingConfig"},
			{standard, "HTTPSuccessFeedbackSampleRate", "101", "HTTPSuccessFeedbackSampleRate"}, {standard, "SQSSuccessFeedbackSampleRate", "x", "SQSSuccessFeedbackSampleRate"},
			{standard, "LambdaFailureFeedbackRoleArn", "role", "LambdaFailureFeedbackRoleArn"}, {standard, "SMSFailureFeedbackRoleArn", "arn:aws:iam::000000000000:role/r", "AttributeName"},
			{standard, "ContentBasedDeduplication", "true", "ContentBasedDeduplication"}, {fifo, "ContentBasedDeduplication", "yes", "ContentBasedDeduplication"},
			{standard, "FifoThroughputScope", "Topic", "FifoThroughputScope"}, {fifo, "FifoThroughputScope", "Group", "FifoThroughputScope"},
			{standard, "ArchivePolicy", `{"MessageRetentionPeriod":"1"}`, "ArchivePolicy"},
			{standard, "Policy", "{", "Policy Error: null"}, {standard, "Policy", `{"Statement":[{"Effect":"Perhaps"}]}`, "Policy Error: null"},
		} {
			f.invalid(snsapi.SetTopicAttributes, setTopic(c.topic, c.attribute, c.value), "Invalid parameter: "+c.problem)
		}
		for _, c := range []struct{ topic, attribute, value, shown string }{
			{standard, "DisplayName", strings.Repeat("ü", 100), strings.Repeat("ü", 100)}, {standard, "DisplayName", "", ""},
			{standard, "KmsMasterKeyId", "alias/x", "alias/x"}, {standard, "KmsMasterKeyId", "", "(gone)"},
			{standard, "SignatureVersion", "2", "2"}, {standard, "TracingConfig", "Active", "Active"},
			{standard, "HTTPSuccessFeedbackSampleRate", "100", "100"}, {standard, "SQSFailureFeedbackRoleArn", "arn:aws:iam::000000000000:role/r", "arn:aws:iam::000000000000:role/r"},
			{fifo, "ContentBasedDeduplication", "true", "true"}, {fifo, "FifoThroughputScope", "MessageGroup", "MessageGroup"},
			{standard, "Policy", "", defaultPolicyText},
		} {
			f.setTopic(c.topic, c.attribute, c.value)
			got, ok := f.attributes(c.topic)[c.attribute]
			if !ok {
				got = "(gone)"
			}
			if got != c.shown {
				t.Errorf("%s %q reads %q", c.attribute, c.value, got)
			}
		}
		f.refused(snsapi.SetTopicAttributes, setTopic("arn:aws:sns:us-east-1:000000000000:none", "DisplayName", "x"), "NotFound", "Topic does not exist")
		f.refused(snsapi.SetTopicAttributes, &snsapi.SetTopicAttributesInput{TopicArn: &standard}, "ValidationError",
			"1 validation error detected: Value null at 'attributeName' failed to satisfy constraint: Member must not be null")
		// The same problem has another prefix where attributes are a map.
		f.invalid(snsapi.CreateTopic, &snsapi.CreateTopicInput{Name: new("u"), Attributes: attrs{"Nope": "x"}}, "Invalid parameter: Attributes Reason: AttributeName")
		f.invalid(snsapi.CreateTopic, &snsapi.CreateTopicInput{Name: new("u"), Attributes: attrs{"FifoTopic": "yes"}}, "Invalid parameter: Attributes Reason: FifoTopic")
	})
}

func TestDeliveryPolicyOfTopic(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic := f.topic("t", nil)
		// Keys in any order and left out; they are stored in AWS's order, filled up.
		f.setTopic(topic, "DeliveryPolicy", `{ "http": {"defaultHealthyRetryPolicy": {"numRetries": 5, "maxDelayTarget": 30, "minDelayTarget": 10}, "defaultThrottlePolicy":{"maxReceivesPerSecond":7}}}`)
		a := f.attributes(topic)
		f.same(a["DeliveryPolicy"], `{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":10,"maxDelayTarget":30,"numRetries":5,"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"},"disableSubscriptionOverrides":false,"defaultThrottlePolicy":{"maxReceivesPerSecond":7}}}`)
		f.same(a["EffectiveDeliveryPolicy"], `{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":10,"maxDelayTarget":30,"numRetries":5,"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"},"disableSubscriptionOverrides":false,"defaultThrottlePolicy":{"maxReceivesPerSecond":7},"defaultRequestPolicy":{"headerContentType":"text/plain; charset=UTF-8"}}}`)
		f.setTopic(topic, "DeliveryPolicy", "")
		a = f.attributes(topic)
		if _, ok := a["DeliveryPolicy"]; ok || a["EffectiveDeliveryPolicy"] != defaultDelivery {
			t.Error(a)
		}
		retry := func(s string) string { return `{"http":{"defaultHealthyRetryPolicy":{` + s + `}}}` }
		for _, bad := range []string{
			"x", "{}", `{"http":{"nope":1}}`, `{"http":{}} x`, retry(`"numRetries":101`), retry(`"numRetries":-1`), retry(`"minDelayTarget":0`),
			retry(`"minDelayTarget":21`), retry(`"maxDelayTarget":3601,"numRetries":1`), retry(`"numRetries":3,"numNoDelayRetries":2,"numMinDelayRetries":2`),
			retry(`"backoffFunction":"random"`), retry(`"retries":3`), retry(`"numRetries":100,"minDelayTarget":37,"maxDelayTarget":37`), retry(`"numNoDelayRetries":-1`),
			`{"http":{"defaultThrottlePolicy":{"maxReceivesPerSecond":0}}}`, `{"http":{"defaultRequestPolicy":{"headerContentType":"text/html"}}}`,
			`{"http":{"defaultRequestPolicy":{"headerContentType":"text/plain\r\nX: y"}}}`,
		} {
			f.invalid(snsapi.SetTopicAttributes, setTopic(topic, "DeliveryPolicy", bad), "Invalid parameter: DeliveryPolicy: ...")
			f.invalid(snsapi.CreateTopic, &snsapi.CreateTopicInput{Name: new("u"), Attributes: attrs{"DeliveryPolicy": bad}}, "Invalid parameter: Attributes Reason: DeliveryPolicy: ...")
		}
		f.setTopic(topic, "DeliveryPolicy", retry(`"numRetries":100,"minDelayTarget":36,"maxDelayTarget":36`)) // 3600 s in all
	})
}

func TestTopicARNs(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.topic("t", nil)
		for _, c := range []struct{ arn, code, text string }{
			{"", "InvalidParameter", "Invalid parameter: TopicArn Reason: no value for required parameter"},
			{"t", "InvalidParameter", "Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 1"},
			{"arn:aws:sns:us-east-1:000000000000", "InvalidParameter", "Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 5"},
			{"arn:aws:sns:eu-west-1:000000000000:t", "InvalidParameter", "Invalid parameter: TopicArn"}, // another region: no look whether it exists
			{"arn:aws:sqs:us-east-1:000000000000:t", "InvalidParameter", "Invalid parameter: TopicArn"},
			{"arn:aws:sns:us-east-1:000000000000:u", "NotFound", "Topic does not exist"},
		} {
			f.refused(snsapi.GetTopicAttributes, &snsapi.GetTopicAttributesInput{TopicArn: &c.arn}, c.code, c.text)
			f.refused(snsapi.Publish, message(c.arn, "m"), c.code, c.text)
			f.refused(snsapi.Subscribe, subscriptionOf(c.arn, "sqs", queueARN("q"), nil), c.code, c.text)
		}
	})
}

func TestDeleteTopic(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic, q := f.topic("t", nil), f.queue("q", nil)
		arn := f.subscribe(topic, "sqs", q, nil)
		for range 2 {
			f.does(snsapi.DeleteTopic, &snsapi.DeleteTopicInput{TopicArn: &topic}) // again: no error
		}
		f.refused(snsapi.GetTopicAttributes, &snsapi.GetTopicAttributesInput{TopicArn: &topic}, "NotFound", "Topic does not exist")
		f.refused(snsapi.Publish, message(topic, "m"), "NotFound", "Topic does not exist")
		f.same(f.subscription(arn)["Endpoint"], q) // it lingers
		// A topic of the same name is another one.
		f.topic("t", nil)
		f.same(f.attributes(topic)["SubscriptionsConfirmed"], "0")
		f.publish(topic, "m")
		f.has(q)
		again := f.subscribe(topic, "sqs", q, nil)
		if again == arn {
			t.Error("the subscription of the deleted topic is back")
		}
		// Ending the old one has nothing to do with the new one.
		f.does(snsapi.Unsubscribe, &snsapi.UnsubscribeInput{SubscriptionArn: &arn})
		f.same(f.attributes(topic)["SubscriptionsDeleted"], "0")
		f.same(f.subscribe(topic, "sqs", q, nil), again)
		f.wait(2 * time.Minute)
		f.refused(snsapi.GetSubscriptionAttributes, &snsapi.GetSubscriptionAttributesInput{SubscriptionArn: &arn}, "NotFound", "Subscription does not exist")
	})
}

func TestListTopics(t *testing.T) {
	virtually(t, func(f *fixture) {
		for i := range 250 {
			f.topic(fmt.Sprintf("t%03d", i), nil)
		}
		f.by(other).topic("theirs", nil)
		f.in("eu-west-1").topic("there", nil)
		var token *string
		var sizes []int
		seen := map[string]bool{}
		for {
			out := must[snsapi.ListTopicsResponse](f, snsapi.ListTopics, &snsapi.ListTopicsInput{NextToken: token})
			sizes = append(sizes, len(out.Topics))
			for _, x := range out.Topics {
				seen[*x.TopicArn] = true
			}
			if token = out.NextToken; token == nil {
				break
			}
		}
		f.same(fmt.Sprint(sizes, len(seen)), "[100 100 50] 250")
		f.invalid(snsapi.ListTopics, &snsapi.ListTopicsInput{NextToken: new("garbage")}, "Invalid parameter: nextToken...")
		if out := must[snsapi.ListTopicsResponse](f, snsapi.ListTopics, &snsapi.ListTopicsInput{NextToken: new("")}); len(out.Topics) != 100 {
			t.Error(len(out.Topics)) // the empty token of some SDKs is none
		}
	})
}

func TestTags(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic, missing := f.topic("t", nil), "arn:aws:sns:us-east-1:000000000000:none"
		tag := func(k, v string) snsapi.Tag { return snsapi.Tag{Key: &k, Value: &v} }
		add := func(arn string, tags ...snsapi.Tag) *snsapi.TagResourceRequest {
			return &snsapi.TagResourceRequest{ResourceArn: &arn, Tags: tags}
		}
		list := func() (out string) {
			for _, x := range must[snsapi.ListTagsForResourceResponse](f, snsapi.ListTagsForResource, &snsapi.ListTagsForResourceRequest{ResourceArn: &topic}).Tags {
				out += *x.Key + "=" + *x.Value + " "
			}
			return out
		}
		f.same(list(), "")
		must[snsapi.TagResourceResponse](f, snsapi.TagResource, add(topic, tag("b", "2"), tag("a", "1")))
		must[snsapi.TagResourceResponse](f, snsapi.TagResource, add(topic, tag("b", "3")))
		f.same(list(), "a=1 b=3 ")
		f.invalid(snsapi.TagResource, add(topic, tag("a", "1"), tag("a", "1")), "Invalid parameter: Duplicated keys are not allowed.")
		must[snsapi.UntagResourceResponse](f, snsapi.UntagResource, &snsapi.UntagResourceRequest{ResourceArn: &topic, TagKeys: []string{"a", "nope"}})
		f.same(list(), "b=3 ")
		var many []snsapi.Tag
		for i := range 50 {
			many = append(many, tag(fmt.Sprint(i), ""))
		}
		f.refused(snsapi.TagResource, add(topic, many...), "TagLimitExceeded", "Could not complete request: tag quota of per resource exceeded")
		f.same(list(), "b=3 ")
		// It is not the error that the other operations have.
		f.refused(snsapi.TagResource, add(missing, tag("a", "1")), "ResourceNotFound", "Resource does not exist")
		f.refused(snsapi.UntagResource, &snsapi.UntagResourceRequest{ResourceArn: &missing, TagKeys: []string{"a"}}, "ResourceNotFound", "Resource does not exist")
		f.refused(snsapi.ListTagsForResource, &snsapi.ListTagsForResourceRequest{ResourceArn: &missing}, "ResourceNotFound", "Resource does not exist")
	})
}

func TestDataProtectionPolicy(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic := f.topic("t", nil)
		get := func() string {
			return *must[snsapi.GetDataProtectionPolicyResponse](f, snsapi.GetDataProtectionPolicy, &snsapi.GetDataProtectionPolicyInput{ResourceArn: &topic}).DataProtectionPolicy
		}
		put := func(text string) *snsapi.PutDataProtectionPolicyInput {
			return &snsapi.PutDataProtectionPolicyInput{ResourceArn: &topic, DataProtectionPolicy: &text}
		}
		f.same(get(), "")
		f.does(snsapi.PutDataProtectionPolicy, put(`{"Name":"p"}`))
		f.same(get(), `{"Name":"p"}`)
		f.invalid(snsapi.PutDataProtectionPolicy, put("x"), "Invalid parameter: DataProtectionPolicy")
		f.invalid(snsapi.PutDataProtectionPolicy, put(`{"a":"`+strings.Repeat("x", 30_720)+`"}`), "Invalid parameter: DataProtectionPolicy")
		if _, ok := f.attributes(topic)["DataProtectionPolicy"]; ok {
			t.Error("it is listed with the attributes")
		}
		must[snsapi.CreateTopicResponse](f, snsapi.CreateTopic, &snsapi.CreateTopicInput{Name: new("u"), DataProtectionPolicy: new(`{"Name":"q"}`)})
		f.refused(snsapi.GetDataProtectionPolicy, &snsapi.GetDataProtectionPolicyInput{ResourceArn: new("arn:aws:sns:us-east-1:000000000000:none")}, "NotFound", "Topic does not exist")
	})
}
