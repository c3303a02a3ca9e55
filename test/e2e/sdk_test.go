package e2e

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// TestPaging: a token only for those who asked for pages (31), all of them seen
// once, by the SDK's paginators (32).
func TestPaging(t *testing.T) {
	f := dev(t)
	c := f.sdk()
	f.create("dead", "")
	var want []string
	for i := range 7 {
		want = append(want, f.create(fmt.Sprintf("source-%d", i), `{"RedrivePolicy":"{\"deadLetterTargetArn\":\"arn:aws:sqs:us-east-1:000000000000:dead\",\"maxReceiveCount\":1}"}`))
	}
	all, err := c.ListQueues(t.Context(), &sqs.ListQueuesInput{QueueNamePrefix: aws.String("source")})
	if err != nil || all.NextToken != nil || len(all.QueueUrls) != 7 {
		t.Errorf("%+v, %v", all, err)
	}
	var queues, sources []string
	for p := sqs.NewListQueuesPaginator(c, &sqs.ListQueuesInput{QueueNamePrefix: aws.String("source"), MaxResults: aws.Int32(1)}); p.HasMorePages(); {
		page, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		queues = append(queues, page.QueueUrls...)
	}
	for p := sqs.NewListDeadLetterSourceQueuesPaginator(c, &sqs.ListDeadLetterSourceQueuesInput{QueueUrl: aws.String("dead"), MaxResults: aws.Int32(3)}); p.HasMorePages(); {
		page, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, page.QueueUrls...)
	}
	for _, got := range [][]string{queues, sources} {
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%v", got)
		}
	}
	for _, in := range []*sqs.ListQueuesInput{{MaxResults: aws.Int32(0)}, {MaxResults: aws.Int32(1001)}, {MaxResults: aws.Int32(1), NextToken: aws.String("x")}} {
		if _, err := c.ListQueues(t.Context(), in); err == nil {
			t.Errorf("%+v was taken", in)
		}
	}
}

// TestErrorClasses: the SDK makes its own error types of what the server says.
func TestErrorClasses(t *testing.T) {
	f := dev(t)
	c := f.sdk()
	_, err := c.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: aws.String("nope"), MessageBody: aws.String("m")})
	var missing *types.QueueDoesNotExist
	if !errors.As(err, &missing) || missing.ErrorCode() != "AWS.SimpleQueueService.NonExistentQueue" {
		t.Errorf("%v", err)
	}
	f.create("q", "")
	_, err = c.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: aws.String("q"), ReceiptHandle: aws.String("garbage")})
	var invalid *types.ReceiptHandleIsInvalid
	if !errors.As(err, &invalid) {
		t.Errorf("%v", err)
	}
	_, err = c.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("q"), Attributes: map[string]string{"DelaySeconds": "9"}})
	var exists *types.QueueNameExists
	if !errors.As(err, &exists) {
		t.Errorf("%v", err)
	}
	_, err = c.SendMessageBatch(t.Context(), &sqs.SendMessageBatchInput{QueueUrl: aws.String("q"), Entries: []types.SendMessageBatchRequestEntry{
		{Id: aws.String("a"), MessageBody: aws.String("m")}, {Id: aws.String("a"), MessageBody: aws.String("m")},
	}})
	var twice *types.BatchEntryIdsNotDistinct
	if !errors.As(err, &twice) || twice.ErrorMessage() != "Id a repeated." {
		t.Errorf("%v", err)
	}
}

// TestFIFOThroughSDK: the members that only FIFO queues use, with the SDK checking
// digests: a repeated attempt gets the same handles, and only on FIFO (47); a
// duplicate its original's ids (15).
func TestFIFOThroughSDK(t *testing.T) {
	f := dev(t)
	c := f.sdk()
	f.create("q.fifo", `{"FifoQueue":"true"}`)
	f.create("standard", "")
	q := aws.String("q.fifo")
	send := func() *sqs.SendMessageOutput {
		out, err := c.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: q, MessageBody: aws.String("m"), MessageGroupId: aws.String("g"), MessageDeduplicationId: aws.String("d")})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	first, again := send(), send()
	if *first.MessageId != *again.MessageId || *first.SequenceNumber != *again.SequenceNumber || len(*first.SequenceNumber) != 20 {
		t.Errorf("%v %v", first, again)
	}
	receive := func(attempt string) []types.Message {
		out, err := c.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: q, ReceiveRequestAttemptId: &attempt, MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"}})
		if err != nil {
			t.Fatal(err)
		}
		return out.Messages
	}
	one, two, three := receive("a"), receive("a"), receive("b")
	if len(one) != 1 || len(two) != 1 || len(three) != 0 || *one[0].ReceiptHandle != *two[0].ReceiptHandle {
		t.Errorf("%v\n%v\n%v", one, two, three)
	}
	if a := one[0].Attributes; a["SequenceNumber"] != *first.SequenceNumber || a["MessageGroupId"] != "g" || a["MessageDeduplicationId"] != "d" {
		t.Errorf("%v", a)
	}
	_, err := c.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: aws.String("standard"), ReceiveRequestAttemptId: aws.String("a")})
	if code(err) != "InvalidParameterValue" {
		t.Errorf("%v", err)
	}
	// 13: the same fault has another code in a batch, and fails all of it.
	_, err = c.SendMessageBatch(t.Context(), &sqs.SendMessageBatchInput{QueueUrl: q, Entries: []types.SendMessageBatchRequestEntry{
		{Id: aws.String("a"), MessageBody: aws.String("m"), MessageGroupId: aws.String("g"), MessageDeduplicationId: aws.String("x")},
		{Id: aws.String("b"), MessageBody: aws.String("m"), MessageDeduplicationId: aws.String("y")},
	}})
	if code(err) != "InvalidParameterValue" || !strings.Contains(err.Error(), "The request must contain the parameter MessageGroupId.") {
		t.Errorf("%v", err)
	}
}

// TestVisibilityZero: a message received with time-out 0 can be received again at
// once, and counts (36).
func TestVisibilityZero(t *testing.T) {
	f := dev(t)
	f.create("q", "")
	f.json("SendMessage", `{"QueueUrl":"q","MessageBody":"m"}`)
	for i := range 3 {
		m := f.one("q", `"VisibilityTimeout":0,"AttributeNames":["ApproximateReceiveCount"]`)
		if m.Attributes["ApproximateReceiveCount"] != fmt.Sprint(i+1) {
			t.Errorf("%v", m.Attributes)
		}
	}
}

// TestLongPoll: it ends with the first message, over real sockets (34), and an
// explicit 0 does not wait (35).
func TestLongPoll(t *testing.T) {
	f := dev(t)
	f.create("q", `{"ReceiveMessageWaitTimeSeconds":"20"}`)
	began := time.Now()
	if got := f.receive("q", `"WaitTimeSeconds":0`); got != nil || time.Since(began) > 5*time.Second {
		t.Errorf("%v after %v", got, time.Since(began))
	}
	polled := make(chan []message, 1)
	go func() { polled <- f.receive("q", `"MaxNumberOfMessages":10`) }()
	f.waiting(1)
	f.json("SendMessage", `{"QueueUrl":"q","MessageBody":"m"}`)
	if got := <-polled; len(got) != 1 || time.Since(began) > 10*time.Second {
		t.Errorf("%v after %v", got, time.Since(began))
	}
}
