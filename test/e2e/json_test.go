package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// TestNothingToSay: operations without output answer an empty body, those with
// output but nothing in it `{}`; both with request id, length and type (1, 2).
func TestNothingToSay(t *testing.T) {
	f := dev(t)
	url := f.create("q", "")
	handle := func() string {
		f.json("SendMessage", fmt.Sprintf(`{"QueueUrl":%q,"MessageBody":"m"}`, url))
		return f.one(url, "").ReceiptHandle
	}
	for _, c := range []struct{ operation, members, want string }{
		{"ReceiveMessage", ``, "{}"},
		{"ListQueueTags", ``, "{}"},
		{"ListDeadLetterSourceQueues", ``, "{}"},
		{"GetQueueAttributes", ``, "{}"},
		{"AddPermission", `,"Label":"l","AWSAccountIds":["111122223333"],"Actions":["SendMessage"]`, ""},
		{"RemovePermission", `,"Label":"l"`, ""},
		{"ChangeMessageVisibility", fmt.Sprintf(`,"ReceiptHandle":%q,"VisibilityTimeout":60`, handle()), ""},
		{"DeleteMessage", fmt.Sprintf(`,"ReceiptHandle":%q`, handle()), ""},
		{"SetQueueAttributes", `,"Attributes":{"DelaySeconds":"0"}`, ""},
		{"TagQueue", `,"Tags":{"a":"b"}`, ""},
		{"UntagQueue", `,"TagKeys":["a"]`, ""},
		{"PurgeQueue", ``, ""},
		{"DeleteQueue", ``, ""},
	} {
		res := f.json(c.operation, fmt.Sprintf(`{"QueueUrl":%q%s}`, url, c.members))
		if res.status != 200 || res.text != c.want || res.header.Get("Content-Length") != fmt.Sprint(len(c.want)) {
			t.Errorf("%s: %d %q, length %s", c.operation, res.status, res.text, res.header.Get("Content-Length"))
		}
		if got := res.header.Get("Content-Type"); got != jsonType {
			t.Errorf("%s: type %q", c.operation, got)
		}
		if got := res.header.Get("x-amzn-query-error"); got != "" {
			t.Errorf("%s: query error %q", c.operation, got)
		}
	}
	f.is(f.json("ListQueues", `{}`), 200, "{}")
}

// TestJSONErrors: shape, legacy code in the header, status and words (section 2,
// tests 3 to 6, 45).
func TestJSONErrors(t *testing.T) {
	t.Parallel()
	f := start(t, "sqs: {delete_cooldown: 60s, purge_cooldown: 60s}\n")
	url := f.create("q", "")
	f.create("gone", "")
	f.json("DeleteQueue", `{"QueueUrl":"gone"}`)
	f.is(f.json("PurgeQueue", `{"QueueUrl":"q"}`), 200, "")
	const (
		mine  = "com.amazonaws.sqs#"
		coral = "com.amazon.coral.service#"
		old   = "AWS.SimpleQueueService."
	)
	entries := strings.TrimSuffix(strings.Repeat(`{"Id":"a","MessageBody":"m"},`, 11), ",")
	for _, c := range []struct {
		operation, body string
		status          int
		shape, code     string
		message         string // "" for any
	}{
		{"SendMessage", `{"QueueUrl":"nope","MessageBody":"m"}`, 400, mine + "QueueDoesNotExist", old + "NonExistentQueue", "The specified queue does not exist."},
		{"SendMessage", `{"MessageBody":"m"}`, 400, mine + "QueueDoesNotExist", old + "NonExistentQueue", "The specified queue does not exist."},
		{"SendMessage", `{"QueueUrl":"","MessageBody":"m"}`, 400, mine + "QueueDoesNotExist", old + "NonExistentQueue", "The specified queue does not exist."},
		{"GetQueueUrl", `{"QueueName":"nope"}`, 400, mine + "QueueDoesNotExist", old + "NonExistentQueue", "The specified queue does not exist."},
		{"SendMessage", `{"QueueUrl":"q"}`, 400, coral + "MissingRequiredParameterException", "MissingParameter", "The request must contain the parameter MessageBody."},
		{"SendMessage", `{"QueueUrl":"q","MessageBody":""}`, 400, coral + "MissingRequiredParameterException", "MissingParameter", "The request must contain the parameter MessageBody."},
		{"DeleteMessage", `{"QueueUrl":"q","ReceiptHandle":"garbage"}`, 404, mine + "ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", `The input receipt handle "garbage" is not a valid receipt handle.`},
		{"PurgeQueue", `{"QueueUrl":"q"}`, 403, mine + "PurgeQueueInProgress", old + "PurgeQueueInProgress", "Only one PurgeQueue operation on q is allowed every 60 seconds."},
		{"CreateQueue", `{"QueueName":"gone"}`, 400, mine + "QueueDeletedRecently", old + "QueueDeletedRecently", "You must wait 60 seconds after deleting a queue before you can create another with the same name."},
		{"CreateQueue", `{"QueueName":"q","Attributes":{"VisibilityTimeout":"31"}}`, 400, mine + "QueueNameExists", "QueueAlreadyExists", "A queue already exists with the same name and a different value for attribute VisibilityTimeout"},
		{"CreateQueue", `{"QueueName":"n","Attributes":{"FifoQueue":"false"}}`, 400, mine + "InvalidAttributeName", "InvalidAttributeName", "Unknown Attribute FifoQueue."},
		{"GetQueueAttributes", `{"QueueUrl":"q","AttributeNames":["X"]}`, 400, mine + "InvalidAttributeName", "InvalidAttributeName", "Unknown Attribute X."},
		{"SendMessageBatch", `{"QueueUrl":"q","Entries":[]}`, 400, mine + "EmptyBatchRequest", old + "EmptyBatchRequest", "There should be at least one SendMessageBatchRequestEntry in the request."},
		{"SendMessageBatch", `{"QueueUrl":"q","Entries":[` + entries + `]}`, 400, mine + "TooManyEntriesInBatchRequest", old + "TooManyEntriesInBatchRequest", "Maximum number of entries per request are 10. You have sent 11."},
		{"ReceiveMessage", `{"QueueUrl":"q","MaxNumberOfMessages":11}`, 400, coral + "InvalidParameterValueException", "InvalidParameterValue", "Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided."},
		{"StartMessageMoveTask", `{"SourceArn":"arn:aws:sqs:us-east-1:000000000000:nope"}`, 404, mine + "ResourceNotFoundException", "ResourceNotFoundException", "The resource that you specified for the SourceArn parameter doesn't exist."},
		{"Nope", `{}`, 400, coral + "UnknownOperationException", "InvalidAction", ""},
		{"SendMessage", `not json`, 400, coral + "SerializationException", "MalformedInput", ""},
		{"SendMessage", `[]`, 400, coral + "SerializationException", "MalformedInput", ""},
		{"SendMessage", `"text"`, 400, coral + "SerializationException", "MalformedInput", ""},
		{"SendMessage", `{"QueueUrl":"q"`, 400, coral + "SerializationException", "MalformedInput", ""},
		{"SendMessage", `{"QueueUrl":"q","MessageBody":5}`, 400, coral + "SerializationException", "MalformedInput", "NUMBER_VALUE can not be converted to a String"},
		{"SendMessage", `{"QueueUrl":"q","MessageBody":"m","DelaySeconds":"x"}`, 400, coral + "SerializationException", "MalformedInput", "STRING_VALUE can not be converted to an Integer"},
	} {
		res := f.json(c.operation, c.body)
		var got struct{ Type, Message string }
		fields := map[string]string{}
		if err := json.Unmarshal([]byte(res.text), &fields); err != nil {
			t.Errorf("%s: %v: %s", c.body, err, res.text)
			continue
		}
		got.Type, got.Message = fields["__type"], fields["message"]
		if res.status != c.status || got.Type != c.shape || c.message != "" && got.Message != c.message {
			t.Errorf("%s %.80s:\n got %d %s\nwant %d %s %s", c.operation, c.body, res.status, res.text, c.status, c.shape, c.message)
		}
		if got := res.header.Get("x-amzn-query-error"); got != c.code+";Sender" {
			t.Errorf("%s %.80s: x-amzn-query-error %q, want %q", c.operation, c.body, got, c.code)
		}
		if got := res.header.Get("Content-Type"); got != jsonType {
			t.Errorf("%s %.80s: type %q", c.operation, c.body, got)
		}
	}
	// A missing target is told from an unknown one by nothing.
	res := f.do("POST", f.url+"/", "{}", "Content-Type", jsonType, "Host", "sqs.us-east-1.amazonaws.com")
	if res.status != 400 || !strings.HasPrefix(res.text, `{"__type":"`+coral+`UnknownOperationException"`) || res.header.Get("x-amzn-query-error") != "InvalidAction;Sender" {
		t.Errorf("no target: %d %s %v", res.status, res.text, res.header)
	}
	if f.url+"/"+account+"/q" != url {
		t.Errorf("queue URL %s", url)
	}
}

// TestBatchAnswers: a part that failed makes no error, and an empty list is left
// out (4, section 5.3).
func TestBatchAnswers(t *testing.T) {
	f := dev(t)
	f.create("q", "")
	f.is(f.json("DeleteMessageBatch", `{"QueueUrl":"q","Entries":[{"Id":"a","ReceiptHandle":"garbage"}]}`), 200,
		`{"Failed":[{"Code":"ReceiptHandleIsInvalid","Id":"a","Message":"The input receipt handle \"garbage\" is not a valid receipt handle.","SenderFault":true}]}`)
	res := f.json("SendMessageBatch", `{"QueueUrl":"q","Entries":[{"Id":"a","MessageBody":"m"}]}`)
	m := f.one("q", "")
	f.json("DeleteMessage", fmt.Sprintf(`{"QueueUrl":"q","ReceiptHandle":%q}`, m.ReceiptHandle))
	f.is(f.json("ChangeMessageVisibilityBatch", fmt.Sprintf(`{"QueueUrl":"q","Entries":[{"Id":"a","ReceiptHandle":%q,"VisibilityTimeout":1}]}`, m.ReceiptHandle)), 200,
		`{"Failed":[{"Code":"ReceiptHandleIsInvalid","Id":"a","Message":"Message does not exist or is not available for visibility timeout change","SenderFault":true}]}`)
	if res.status != 200 || strings.Contains(res.text, "Failed") || strings.Contains(res.text, "SequenceNumber") {
		t.Errorf("%d %s", res.status, res.text)
	}
}

// TestCaseTraps: members that AWS spells unlike the rest (1.1, 32).
func TestCaseTraps(t *testing.T) {
	f := dev(t)
	f.is(f.json("CreateQueue", `{"QueueName":"dead","tags":{"team":"a"},"Tags":{"no":"no"}}`), 200, `{"QueueUrl":"`+f.url+`/000000000000/dead"}`)
	f.is(f.json("ListQueueTags", `{"QueueUrl":"dead"}`), 200, `{"Tags":{"team":"a"}}`)
	f.is(f.json("TagQueue", `{"QueueUrl":"dead","Tags":{"team":"b"}}`), 200, ``)
	f.is(f.json("ListQueueTags", `{"QueueUrl":"dead"}`), 200, `{"Tags":{"team":"b"}}`)
	url := f.create("source", `{"RedrivePolicy":"{\"deadLetterTargetArn\":\"arn:aws:sqs:us-east-1:000000000000:dead\",\"maxReceiveCount\":\"5\"}"}`)
	f.is(f.json("ListDeadLetterSourceQueues", `{"QueueUrl":"dead"}`), 200, `{"queueUrls":["`+url+`"]}`)
	f.is(f.json("ListQueues", `{"QueueNamePrefix":"s"}`), 200, `{"QueueUrls":["`+url+`"]}`)
	f.is(f.json("GetQueueAttributes", `{"QueueUrl":"source","AttributeNames":["RedrivePolicy"]}`), 200,
		`{"Attributes":{"RedrivePolicy":"{\"deadLetterTargetArn\":\"arn:aws:sqs:us-east-1:000000000000:dead\",\"maxReceiveCount\":5}"}}`)
}

// TestAttributesAreAtomic: one bad attribute changes nothing (44); numbers may be
// bare; KMS set and cleared leaves SSE off (48).
func TestAttributesAreAtomic(t *testing.T) {
	f := dev(t)
	f.create("q", `{"VisibilityTimeout":40}`)
	res := f.json("SetQueueAttributes", `{"QueueUrl":"q","Attributes":{"DelaySeconds":"7","VisibilityTimeout":"99999"}}`)
	if res.status != 400 || !strings.Contains(res.text, "InvalidAttributeValue") {
		t.Errorf("%d %s", res.status, res.text)
	}
	f.is(f.json("GetQueueAttributes", `{"QueueUrl":"q","AttributeNames":["DelaySeconds","VisibilityTimeout","Policy"]}`), 200,
		`{"Attributes":{"DelaySeconds":"0","VisibilityTimeout":"40"}}`)
	f.json("SetQueueAttributes", `{"QueueUrl":"q","Attributes":{"KmsMasterKeyId":"alias/mine"}}`)
	f.json("SetQueueAttributes", `{"QueueUrl":"q","Attributes":{"KmsMasterKeyId":""}}`)
	f.is(f.json("GetQueueAttributes", `{"QueueUrl":"q","AttributeNames":["KmsMasterKeyId","KmsDataKeyReusePeriodSeconds","SqsManagedSseEnabled"]}`), 200,
		`{"Attributes":{"SqsManagedSseEnabled":"false"}}`)
}
