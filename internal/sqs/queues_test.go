package sqs

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/iam"
	"github.com/spillway/spillway/internal/service"
	"github.com/spillway/spillway/internal/smithy"
)

// The tests of this file follow facts-sqs.md sections 3, 4, 5.1, 5.4 and 11.

func TestCreateQueue(t *testing.T) {
	virtually(t, func(f *fixture) {
		create := func(name string, a attrs) *sqsapi.CreateQueueRequest {
			return &sqsapi.CreateQueueRequest{QueueName: &name, Attributes: a}
		}
		url := f.create("q", attrs{"VisibilityTimeout": "40"})
		if *url != "http://localhost:4566/000000000000/q" {
			t.Error(*url)
		}
		f.create("q", attrs{"VisibilityTimeout": "40"})
		f.set(url, attrs{"VisibilityTimeout": "50"})
		f.refused(sqsapi.CreateQueue, create("q", attrs{"VisibilityTimeout": "40"}), "QueueAlreadyExists",
			"A queue already exists with the same name and a different value for attribute VisibilityTimeout")
		f.create("q", nil)
		for _, x := range []struct {
			name string
			a    attrs
			code string
			text string
		}{
			{"x", attrs{"FifoQueue": "false"}, "InvalidAttributeName", "Unknown Attribute FifoQueue."},
			{"x.fifo", nil, "InvalidParameterValue", "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"},
			{"x", attrs{"FifoQueue": "true"}, "InvalidParameterValue", "must end with .fifo suffix"},
			{"x", attrs{"ContentBasedDeduplication": "true"}, "InvalidAttributeName", "Unknown Attribute ContentBasedDeduplication."},
			{"x", attrs{"DeduplicationScope": "queue"}, "InvalidAttributeName", "You can specify the DeduplicationScope only when FifoQueue is set to true."},
			{"x", attrs{"KmsMasterKeyId": "k", "SqsManagedSseEnabled": "true"}, "InvalidAttributeName", "You can use one type of server-side encryption"},
			{"x", attrs{"QueueArn": "a"}, "InvalidAttributeName", "Unknown Attribute QueueArn."},
			{"x", attrs{"DelaySeconds": "901"}, "InvalidAttributeValue", "Invalid value for the parameter DelaySeconds."},
			{"x", attrs{"DelaySeconds": ""}, "InvalidAttributeValue", ""},
			{"x", attrs{"DelaySeconds": " 1"}, "InvalidAttributeValue", ""},
			{"x", attrs{"DelaySeconds": "1.0"}, "InvalidAttributeValue", ""},
			{"x", attrs{"Policy": "{"}, "InvalidAttributeValue", "Invalid value for the parameter Policy."},
			{"a b", nil, "InvalidParameterValue", "Can only include"},
			{strings.Repeat("a", 81), nil, "InvalidParameterValue", "Can only include"},
			{"f.fifo", attrs{"FifoQueue": "true", "FifoThroughputLimit": "perMessageGroupId"}, "InvalidAttributeValue", "is allowed only when"},
		} {
			f.refused(sqsapi.CreateQueue, create(x.name, x.a), x.code, x.text)
		}
	})
}

func TestDeleteQueue(t *testing.T) {
	virtually(t, func(f *fixture) {
		q := f.create("q", nil)
		f.send(q, "lost")
		must[service.None](f, sqsapi.DeleteQueue, &sqsapi.DeleteQueueRequest{QueueUrl: q})
		f.refused(sqsapi.DeleteQueue, &sqsapi.DeleteQueueRequest{QueueUrl: q}, "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")
		f.wait(59 * time.Second)
		f.refused(sqsapi.CreateQueue, &sqsapi.CreateQueueRequest{QueueName: new("q")}, "AWS.SimpleQueueService.QueueDeletedRecently",
			"You must wait 60 seconds after deleting a queue before you can create another with the same name.")
		f.wait(time.Second)
		f.bodies(f.create("q", nil))
	})
}

func TestDeleteQueueEndsLongPolls(t *testing.T) {
	virtually(t, func(f *fixture) {
		q := f.create("q", nil)
		deleted := make(chan struct{})
		time.AfterFunc(time.Second, func() {
			defer close(deleted)
			must[service.None](f, sqsapi.DeleteQueue, &sqsapi.DeleteQueueRequest{QueueUrl: q})
		})
		f.refused(sqsapi.ReceiveMessage, &sqsapi.ReceiveMessageRequest{QueueUrl: q, WaitTimeSeconds: new(int32(20))}, "AWS.SimpleQueueService.NonExistentQueue", "")
		<-deleted
	})
}

func TestAttributes(t *testing.T) {
	virtually(t, func(f *fixture) {
		q := f.create("q", nil)
		want := []string{
			"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed", "ApproximateNumberOfMessagesNotVisible", "CreatedTimestamp",
			"DelaySeconds", "LastModifiedTimestamp", "MaximumMessageSize", "MessageRetentionPeriod", "QueueArn", "ReceiveMessageWaitTimeSeconds",
			"SqsManagedSseEnabled", "VisibilityTimeout",
		}
		if got := slices.Sorted(maps.Keys(f.get(q))); !slices.Equal(got, want) {
			t.Errorf("%v", got)
		}
		if a := f.get(q); a["MaximumMessageSize"] != "1048576" || a["SqsManagedSseEnabled"] != "true" || a["QueueArn"] != "arn:aws:sqs:us-east-1:000000000000:q" {
			t.Errorf("%v", a)
		}
		if a := f.get(f.fifo("q.fifo", nil)); a["FifoQueue"] != "true" || a["DeduplicationScope"] != "queue" || a["FifoThroughputLimit"] != "perQueue" || a["ContentBasedDeduplication"] != "false" || len(a) != 16 {
			t.Errorf("%v", a)
		}
		f.refused(sqsapi.GetQueueAttributes, &sqsapi.GetQueueAttributesRequest{QueueUrl: q, AttributeNames: []string{"Nope"}}, "InvalidAttributeName", "Unknown Attribute Nope.")
		// All or none.
		f.refused(sqsapi.SetQueueAttributes, &sqsapi.SetQueueAttributesRequest{QueueUrl: q, Attributes: attrs{"DelaySeconds": "5", "VisibilityTimeout": "99999"}}, "InvalidAttributeValue", "VisibilityTimeout")
		if a := f.get(q, "DelaySeconds", "Policy"); a["DelaySeconds"] != "0" || len(a) != 1 {
			t.Errorf("%v", a)
		}
		f.set(q, attrs{"KmsMasterKeyId": "alias/k"})
		if a := f.get(q); a["SqsManagedSseEnabled"] != "false" || a["KmsDataKeyReusePeriodSeconds"] != "300" {
			t.Errorf("%v", a)
		}
		f.set(q, attrs{"KmsMasterKeyId": ""})
		if a := f.get(q); a["SqsManagedSseEnabled"] != "false" || a["KmsMasterKeyId"] != "" || a["KmsDataKeyReusePeriodSeconds"] != "" {
			t.Errorf("%v", a)
		}
		f.refused(sqsapi.SetQueueAttributes, &sqsapi.SetQueueAttributesRequest{QueueUrl: new("q.fifo"), Attributes: attrs{"FifoQueue": "false"}},
			"InvalidAttributeValue", "Reason: Modifying queue type is not supported.")
		f.set(new("q.fifo"), attrs{"FifoQueue": "true"})
	})
}

func TestRedriveAllowPolicy(t *testing.T) {
	virtually(t, func(f *fixture) {
		policy := attrs{"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":1}`}
		dead := f.create("dead", nil)
		f.create("before", policy)
		f.set(dead, attrs{"RedriveAllowPolicy": `{"redrivePermission":"denyAll"}`})
		f.refused(sqsapi.CreateQueue, &sqsapi.CreateQueueRequest{QueueName: new("after"), Attributes: policy}, "InvalidParameterValue", "")
		f.send(new("before"), "x")
		f.receive(new("before"), hidden(0))
		f.bodies(new("before"))
		f.bodies(dead, "x") // attached before: goes on
		f.set(dead, attrs{"RedriveAllowPolicy": `{"redrivePermission":"byQueue","sourceQueueArns":["arn:aws:sqs:us-east-1:000000000000:after"]}`})
		f.create("after", policy)
		for _, bad := range []string{`{"redrivePermission":"byQueue"}`, `{"redrivePermission":"allowAll","sourceQueueArns":["arn:aws:sqs:us-east-1:000000000000:after"]}`} {
			f.refused(sqsapi.SetQueueAttributes, &sqsapi.SetQueueAttributesRequest{QueueUrl: dead, Attributes: attrs{"RedriveAllowPolicy": bad}}, "InvalidParameterValue", "")
		}
	})
}

func TestPurge(t *testing.T) {
	virtually(t, func(f *fixture) {
		q := f.create("q", nil)
		f.send(q, "in flight")
		m := f.bodies(q, "in flight")
		f.send(q, "visible")
		purge := &sqsapi.PurgeQueueRequest{QueueUrl: q}
		must[service.None](f, sqsapi.PurgeQueue, purge)
		f.bodies(q)
		f.delete(q, m...)
		f.refused(sqsapi.PurgeQueue, purge, "AWS.SimpleQueueService.PurgeQueueInProgress", "Only one PurgeQueue operation on q is allowed every 60 seconds.")
		f.wait(time.Minute)
		must[service.None](f, sqsapi.PurgeQueue, purge)
	})
}

func TestListQueues(t *testing.T) {
	virtually(t, func(f *fixture) {
		for i := range 5 {
			f.create(fmt.Sprint("a", i), nil)
		}
		f.create("b", nil)
		list := func(in *sqsapi.ListQueuesRequest) *sqsapi.ListQueuesResult {
			return must[sqsapi.ListQueuesResult](f, sqsapi.ListQueues, in)
		}
		if out := list(&sqsapi.ListQueuesRequest{QueueNamePrefix: new("a")}); len(out.QueueUrls) != 5 || out.NextToken != nil {
			t.Errorf("%+v", out)
		}
		seen := 0
		in := &sqsapi.ListQueuesRequest{MaxResults: new(int32(2))}
		for {
			out := list(in)
			seen += len(out.QueueUrls)
			if in.NextToken = out.NextToken; in.NextToken == nil {
				break
			}
		}
		if seen != 6 {
			t.Errorf("saw %d", seen)
		}
		f.refused(sqsapi.ListQueues, &sqsapi.ListQueuesRequest{MaxResults: new(int32(1001))}, "InvalidParameterValue", "MaxResults must be an integer between 1 and 1000.")
		f.call.Region = "eu-west-1"
		if out := list(&sqsapi.ListQueuesRequest{}); out.QueueUrls != nil {
			t.Errorf("regions are namespaces: %v", out.QueueUrls)
		}
	})
}

func TestPermissions(t *testing.T) {
	virtually(t, func(f *fixture) {
		q := f.create("q", nil)
		add := func(label string, accounts, actions []string) *sqsapi.AddPermissionRequest {
			return &sqsapi.AddPermissionRequest{QueueUrl: q, Label: &label, AWSAccountIds: accounts, Actions: actions}
		}
		must[service.None](f, sqsapi.AddPermission, add("one", []string{"111111111111"}, []string{"ReceiveMessage"}))
		const one = `{"Version":"2008-10-17","Id":"arn:aws:sqs:us-east-1:000000000000:q/SQSDefaultPolicy","Statement":[{"Sid":"one","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"SQS:ReceiveMessage","Resource":"arn:aws:sqs:us-east-1:000000000000:q"}]}`
		if got := f.get(q)["Policy"]; got != one {
			t.Error(got)
		}
		f.refused(sqsapi.AddPermission, add("one", []string{"111111111111"}, []string{"SendMessage"}), "InvalidParameterValue", "Value one for parameter Label is invalid. Reason: Already exists.")
		must[service.None](f, sqsapi.AddPermission, add("two", []string{"111111111111", "222222222222"}, []string{"SendMessage", "*"}))
		if got := f.get(q)["Policy"]; !strings.Contains(got, `"Action":["SQS:SendMessage","SQS:*"]`) || !strings.Contains(got, `"AWS":["arn:aws:iam::111111111111:root","arn:aws:iam::222222222222:root"]`) {
			t.Error(got)
		}
		f.refused(sqsapi.AddPermission, add("x", []string{"111111111111"}, []string{"DeleteQueue"}), "InvalidParameterValue", "Only the queue owner is allowed to invoke this action.")
		f.refused(sqsapi.AddPermission, add("x", []string{"111111111111"}, []string{"Fly"}), "InvalidParameterValue", "Please refer to the appropriate WSDL")
		remove := func(label string) *sqsapi.RemovePermissionRequest {
			return &sqsapi.RemovePermissionRequest{QueueUrl: q, Label: &label}
		}
		f.refused(sqsapi.RemovePermission, remove("nope"), "InvalidParameterValue", "Reason: can't find label.")
		for _, label := range []string{"one", "two"} {
			must[service.None](f, sqsapi.RemovePermission, remove(label))
		}
		if _, ok := f.get(q)["Policy"]; ok {
			t.Error("a policy without statements is still there")
		}
	})
}

func TestTags(t *testing.T) {
	virtually(t, func(f *fixture) {
		q := f.create("q", nil)
		tag := func(tags attrs) *sqsapi.TagQueueRequest { return &sqsapi.TagQueueRequest{QueueUrl: q, Tags: tags} }
		must[service.None](f, sqsapi.TagQueue, tag(attrs{"a": "1", "b": ""}))
		must[service.None](f, sqsapi.TagQueue, tag(attrs{"a": "2"}))
		must[service.None](f, sqsapi.UntagQueue, &sqsapi.UntagQueueRequest{QueueUrl: q, TagKeys: []string{"b", "nope"}})
		if got := must[sqsapi.ListQueueTagsResult](f, sqsapi.ListQueueTags, &sqsapi.ListQueueTagsRequest{QueueUrl: q}).Tags; !maps.Equal(got, attrs{"a": "2"}) {
			t.Errorf("%v", got)
		}
		many := attrs{}
		for i := range 50 {
			many[fmt.Sprint(i)] = ""
		}
		f.refused(sqsapi.TagQueue, tag(many), "InvalidParameterValue", "Too many tags added for queue q.")
		f.refused(sqsapi.TagQueue, tag(nil), "MissingParameter", "")
		f.refused(sqsapi.TagQueue, tag(attrs{"": "x"}), "InvalidParameterValue", "Tag keys must be between 1 and 128 characters in length.")
	})
}

func TestQueueURLs(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("q", nil)
		for _, url := range []string{
			"q", "http://localhost:4566/000000000000/q", "https://sqs.us-east-1.amazonaws.com/000000000000/q",
			"https://queue.amazonaws.com/000000000000/q", "https://us-east-1.queue.amazonaws.com/000000000000/q",
			"http://sqs.us-east-1.localhost.localstack.cloud:4566/000000000000/q", "http://localhost:4566/queue/us-east-1/000000000000/q",
			"https://sqs-fips.us-east-1.amazonaws.com/000000000000/q", "https://sqs.us-east-1.api.aws/000000000000/q", "/000000000000/q",
		} {
			f.get(&url)
		}
		for _, url := range []string{
			"", "nope", "http://localhost:4566/q", "https://sqs.eu-west-1.amazonaws.com/000000000000/q",
			"http://localhost:4566/111111111111/q", "http://localhost:4566/queue/eu-west-1/000000000000/q", "http://localhost", "://",
		} {
			f.refused(sqsapi.GetQueueAttributes, &sqsapi.GetQueueAttributesRequest{QueueUrl: &url}, "AWS.SimpleQueueService.NonExistentQueue", "")
		}
		f.call.Query, f.call.Path = true, "/000000000000/q"
		if got := f.get(nil, "QueueArn"); len(got) != 1 {
			t.Errorf("%v", got)
		}
		f.refused(sqsapi.ListQueues, &sqsapi.ListQueuesRequest{}, "InvalidAction", "The action ListQueues is not valid for this endpoint.")
	})
}

// TestAccess: what an operation asks the gateway to authorize.
func TestAccess(t *testing.T) {
	virtually(t, func(f *fixture) {
		q := f.create("q", attrs{"Policy": `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sqs:*","Resource":"*"}}`})
		other := &iam.Principal{Account: "111111111111", ARN: "arn:aws:iam::111111111111:root", Root: true}
		ops := f.Operations().Operations
		allowed := func(op string, in smithy.Shape) bool {
			c := f.now()
			c.Principal = other
			a, err := ops[op].Access(c, in)
			if err != nil {
				t.Fatal(err)
			}
			return iam.Authorize(other, iam.Access(a), &iam.Context{Now: c.Now}) == nil
		}
		if !allowed("SendMessage", &sqsapi.SendMessageRequest{QueueUrl: q}) || !allowed("SendMessageBatch", &sqsapi.SendMessageBatchRequest{QueueUrl: q}) {
			t.Error("the policy lets the other account send")
		}
		if allowed("DeleteQueue", &sqsapi.DeleteQueueRequest{QueueUrl: q}) || allowed("ListQueueTags", &sqsapi.ListQueueTagsRequest{QueueUrl: q}) {
			t.Error("no policy opens these to another account")
		}
	})
}

// TestOperations: every operation of the model has a handler.
func TestOperations(t *testing.T) {
	virtually(t, func(f *fixture) {
		ops := f.Operations().Operations
		for _, op := range sqsapi.Service.Operations {
			if ops[op.Name] == nil {
				t.Errorf("%s has no handler", op.Name)
			}
		}
	})
}
