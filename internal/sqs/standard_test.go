package sqs

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/service"
)

// The tests of this file follow facts-sqs.md sections 5 to 8 and 10, and the list
// in section 15.

func TestReceiveShowsWhatWasAsked(t *testing.T) {
	virtually(t, func(f *fixture) {
		q := f.create("q", nil)
		text := func(s string) sqsapi.MessageAttributeValue {
			return sqsapi.MessageAttributeValue{DataType: new("String"), StringValue: &s}
		}
		sent := must[sqsapi.SendMessageResult](f, sqsapi.SendMessage, &sqsapi.SendMessageRequest{
			QueueUrl: q, MessageBody: new("hello"), MessageAttributes: map[string]sqsapi.MessageAttributeValue{
				"Help.Me": text("Me"), "Hello": text("There"), "General": text("Kenobi"),
			},
		})
		if *sent.MD5OfMessageBody != "5d41402abc4b2a76b9719d911017c592" || *sent.MD5OfMessageAttributes != "4c360f3fdafd970e05fae2f149d997f5" || sent.SequenceNumber != nil {
			t.Errorf("%+v", sent)
		}
		see := func(names ...string) sqsapi.Message {
			m := f.receive(q, hidden(0), func(in *sqsapi.ReceiveMessageRequest) {
				in.MessageAttributeNames, in.MessageSystemAttributeNames = names, []string{"SequenceNumber", "SentTimestamp"}
			})
			if len(m) != 1 || len(m[0].Attributes) != 1 || m[0].Attributes["SentTimestamp"] == "" {
				t.Fatalf("%+v", m)
			}
			return m[0]
		}
		for _, x := range []struct {
			names string
			want  int
		}{{"All", 3}, {".*", 3}, {"*", 3}, {"Hel.*", 2}, {"Help", 0}, {"Hello,AWS.x,..x", 1}, {"", 0}} {
			m := see(strings.Split(x.names, ",")...)
			if len(m.MessageAttributes) != x.want || (m.MD5OfMessageAttributes != nil) != (x.want > 0) {
				t.Errorf("%q: %d attributes, digest %v", x.names, len(m.MessageAttributes), m.MD5OfMessageAttributes)
			}
		}
	})
}

func TestDigestsOfAttributes(t *testing.T) {
	t.Parallel()
	for want, in := range map[string][]attribute{
		"235c5c510d26fb653d073faed50ae77c": {{"timestamp", "Number", kindText, []byte("1493147359900")}},
		"ae7155c6026991b6d54b11589678bf9c": {{"Foo", "String", kindText, []byte("Bar")}},
		"d838729972a4b70e2d2acd9d59ac847c": {{"blob", "Binary", kindBinary, []byte{1, 2, 3}}, {"color", "String", kindText, []byte("blue")}, {"count", "Number", kindText, []byte("3")}},
		"5ae4d5d7636402d80f4eb6d213245a88": {{"AWSTraceHeader", "String", kindText, []byte("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1")}},
	} {
		if got := *digestOfAttributes(in).hex(); got != want {
			t.Errorf("%s: %s, want %s", in[0].name, got, want)
		}
	}
}

func TestVisibility(t *testing.T) {
	virtually(t, func(f *fixture) {
		q := f.create("q", attrs{"VisibilityTimeout": "5"})
		f.send(q, "a")
		first := f.bodies(q, "a")[0]
		f.bodies(q)
		f.wait(5 * time.Second)
		second := f.bodies(q, "a")[0]
		if *first.ReceiptHandle == *second.ReceiptHandle || second.Attributes["ApproximateReceiveCount"] != "2" {
			t.Errorf("%+v", second)
		}
		f.visibility(q, first, 10) // the older handle still works on a standard queue
		f.wait(9 * time.Second)
		f.bodies(q)
		f.wait(time.Second)
		f.visibility(q, second, 7) // lapsed: hides it again
		f.wait(6 * time.Second)
		f.bodies(q)
		f.wait(time.Second)
		third := f.bodies(q, "a")[0]
		f.visibility(q, third, 0)
		f.same(f.receive(q, hidden(0)), "a")
		f.same(f.receive(q, hidden(0)), "a")
		f.delete(q, first)
		f.delete(q, third)
		f.refused(sqsapi.ChangeMessageVisibility, &sqsapi.ChangeMessageVisibilityRequest{QueueUrl: q, ReceiptHandle: third.ReceiptHandle, VisibilityTimeout: new(int32(5))},
			"InvalidParameterValue", "Reason: Message does not exist or is not available for visibility timeout change.")
	})
}

func TestVisibilityEndsAfterTwelveHoursInAll(t *testing.T) {
	virtually(t, func(f *fixture) {
		q := f.create("q", nil)
		f.send(q, "a")
		m := f.receive(q, hidden(43_200))[0]
		f.wait(time.Second)
		f.refused(sqsapi.ChangeMessageVisibility, &sqsapi.ChangeMessageVisibilityRequest{QueueUrl: q, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: new(int32(43_200))},
			"InvalidParameterValue", "Reason: Total VisibilityTimeout for the message is beyond the limit [43200 seconds]")
		f.visibility(q, m, 43_199)
	})
}

func TestDelay(t *testing.T) {
	virtually(t, func(f *fixture) {
		q := f.create("q", attrs{"DelaySeconds": "10"})
		f.send(q, "queue")
		must[sqsapi.SendMessageResult](f, sqsapi.SendMessage, &sqsapi.SendMessageRequest{QueueUrl: q, MessageBody: new("own"), DelaySeconds: new(int32(5))})
		must[sqsapi.SendMessageResult](f, sqsapi.SendMessage, &sqsapi.SendMessageRequest{QueueUrl: q, MessageBody: new("none"), DelaySeconds: new(int32(0))})
		if a := f.get(q); a["ApproximateNumberOfMessagesDelayed"] != "2" || a["ApproximateNumberOfMessages"] != "1" {
			t.Errorf("%v", a)
		}
		f.bodies(q, "none")
		f.set(q, attrs{"DelaySeconds": "0"}) // does not affect messages already there
		f.wait(5 * time.Second)
		f.bodies(q, "own")
		f.wait(5 * time.Second)
		f.bodies(q, "queue")
	})
}

func TestLongPoll(t *testing.T) {
	virtually(t, func(f *fixture) {
		q := f.create("q", attrs{"ReceiveMessageWaitTimeSeconds": "20"})
		start := time.Now()
		f.bodies(q)
		if d := time.Since(start); d != 20*time.Second {
			t.Errorf("an empty long poll took %v", d)
		}
		start = time.Now()
		f.same(f.receive(q, polling(0)))
		if d := time.Since(start); d != 0 {
			t.Errorf("a short poll took %v", d)
		}
		sent := make(chan struct{})
		time.AfterFunc(2*time.Second, func() {
			defer close(sent)
			f.send(q, "a")
			f.send(q, "b")
		})
		start = time.Now()
		f.bodies(q, "a")
		if d := time.Since(start); d != 2*time.Second {
			t.Errorf("a long poll with a message took %v", d)
		}
		<-sent
	})
}

func TestRetention(t *testing.T) {
	virtually(t, func(f *fixture) {
		q := f.create("q", attrs{"MessageRetentionPeriod": "60"})
		f.send(q, "in flight")
		m := f.receive(q, hidden(3600))
		f.send(q, "waiting")
		f.wait(61 * time.Second)
		if a := f.get(q); a["ApproximateNumberOfMessages"] != "0" || a["ApproximateNumberOfMessagesNotVisible"] != "0" {
			t.Errorf("%v", a)
		}
		f.bodies(q)
		f.delete(q, m...)
	})
}

func TestSizes(t *testing.T) {
	virtually(t, func(f *fixture) {
		q := f.create("q", nil)
		body := strings.Repeat("x", 1<<20)
		f.send(q, body)
		f.refused(sqsapi.SendMessage, &sqsapi.SendMessageRequest{QueueUrl: q, MessageBody: new(body + "x")},
			"InvalidParameterValue", "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes.")
		f.refused(sqsapi.SendMessage, &sqsapi.SendMessageRequest{QueueUrl: q, MessageBody: new(body[:1<<20-7]),
			MessageAttributes: map[string]sqsapi.MessageAttributeValue{"k": {DataType: new("String"), StringValue: new("v")}}},
			"InvalidParameterValue", "Message must be shorter than")

		small := f.create("small", attrs{"MaximumMessageSize": "1024"})
		out := must[sqsapi.SendMessageBatchResult](f, sqsapi.SendMessageBatch, &sqsapi.SendMessageBatchRequest{QueueUrl: small, Entries: []sqsapi.SendMessageBatchRequestEntry{
			{Id: new("big"), MessageBody: new(body[:2048])}, {Id: new("fits"), MessageBody: new(body[:1024])},
		}})
		if len(out.Failed) != 1 || len(out.Successful) != 1 || *out.Failed[0].Code != "InvalidParameterValue" || !*out.Failed[0].SenderFault ||
			*out.Failed[0].Message != "One or more parameters cannot be validated. Reason: Message must be shorter than 1024 bytes." {
			t.Errorf("%+v", out)
		}
		var ten []sqsapi.SendMessageBatchRequestEntry
		for i := range 10 {
			ten = append(ten, sqsapi.SendMessageBatchRequestEntry{Id: new(fmt.Sprint(i)), MessageBody: new(body[:104_858])})
		}
		f.refused(sqsapi.SendMessageBatch, &sqsapi.SendMessageBatchRequest{QueueUrl: q, Entries: ten},
			"AWS.SimpleQueueService.BatchRequestTooLong", "Batch requests cannot be longer than 1048576 bytes. You have sent 1048580 bytes.")
	})
}

func TestBatchRefusals(t *testing.T) {
	virtually(t, func(f *fixture) {
		q := f.create("q", nil)
		entries := func(ids ...string) *sqsapi.SendMessageBatchRequest {
			in := &sqsapi.SendMessageBatchRequest{QueueUrl: q, Entries: []sqsapi.SendMessageBatchRequestEntry{}}
			for _, id := range ids {
				in.Entries = append(in.Entries, sqsapi.SendMessageBatchRequestEntry{Id: new(id), MessageBody: new("b")})
			}
			return in
		}
		const ns = "AWS.SimpleQueueService."
		f.refused(sqsapi.SendMessageBatch, entries(), ns+"EmptyBatchRequest", "There should be at least one SendMessageBatchRequestEntry in the request.")
		f.refused(sqsapi.SendMessageBatch, entries("a", "b", "a"), ns+"BatchEntryIdsNotDistinct", "Id a repeated.")
		f.refused(sqsapi.SendMessageBatch, entries("a", "b c"), ns+"InvalidBatchEntryId", "A batch entry id can only contain")
		f.refused(sqsapi.SendMessageBatch, entries(strings.Split("abcdefghijk", "")...), ns+"TooManyEntriesInBatchRequest", "Maximum number of entries per request are 10. You have sent 11.")
		out := must[sqsapi.DeleteMessageBatchResult](f, sqsapi.DeleteMessageBatch, &sqsapi.DeleteMessageBatchRequest{
			QueueUrl: q, Entries: []sqsapi.DeleteMessageBatchRequestEntry{{Id: new("x"), ReceiptHandle: new("garbage")}},
		})
		if len(out.Failed) != 1 || *out.Failed[0].Code != "ReceiptHandleIsInvalid" || !*out.Failed[0].SenderFault {
			t.Errorf("%+v", out)
		}
		f.refused(sqsapi.DeleteMessage, &sqsapi.DeleteMessageRequest{QueueUrl: q, ReceiptHandle: new("garbage")},
			"ReceiptHandleIsInvalid", `The input receipt handle "garbage" is not a valid receipt handle.`)
	})
}

func TestContents(t *testing.T) {
	virtually(t, func(f *fixture) {
		q := f.create("q", nil)
		for _, good := range []string{"\U0001F600", "a\tb\nc\rd", "\uE000\uFFFD\U0010FFFF"} {
			f.send(q, good)
			f.delete(q, f.bodies(q, good)...)
		}
		for _, bad := range []string{"\x00", "a\x0bb", "\uFFFE", "\uFFFF", "\xff"} {
			f.refused(sqsapi.SendMessage, &sqsapi.SendMessageRequest{QueueUrl: q, MessageBody: &bad}, "InvalidMessageContents", "Invalid characters found.")
		}
		f.refused(sqsapi.SendMessage, &sqsapi.SendMessageRequest{QueueUrl: q, MessageBody: new("")}, "MissingParameter", "The request must contain the parameter MessageBody.")
		for dataType, value := range map[string]string{"Number": " 1", "Number.int": "x", "String.": "v", "Text": "v", "String": "\x01"} {
			f.refused(sqsapi.SendMessage, &sqsapi.SendMessageRequest{QueueUrl: q, MessageBody: new("b"),
				MessageAttributes: map[string]sqsapi.MessageAttributeValue{"n": {DataType: &dataType, StringValue: &value}}}, "InvalidParameterValue", "")
		}
		f.refused(sqsapi.SendMessage, &sqsapi.SendMessageRequest{QueueUrl: q, MessageBody: new("b"),
			MessageAttributes: map[string]sqsapi.MessageAttributeValue{"n": {DataType: new("String"), StringValue: new("")}}},
			"InvalidParameterValue", "Message (user) attribute 'n' must contain a non-empty value of type 'String'.")
	})
}

func TestGroupsOnStandardQueues(t *testing.T) {
	virtually(t, func(f *fixture) {
		q := f.create("q", nil)
		send := func(group, body string) {
			must[sqsapi.SendMessageResult](f, sqsapi.SendMessage, &sqsapi.SendMessageRequest{QueueUrl: q, MessageBody: &body, MessageGroupId: &group})
		}
		for i := range 20 {
			send("noisy", fmt.Sprint("n", i))
		}
		send("quiet", "q0")
		// The quiet tenant does not wait behind the noisy one's backlog.
		got := f.bodies(q, "n0", "q0", "n1", "n2", "n3", "n4", "n5", "n6", "n7", "n8")
		if got[0].Attributes["MessageGroupId"] != "noisy" || got[0].Attributes["SequenceNumber"] != "" {
			t.Errorf("%v", got[0].Attributes)
		}
		f.refused(sqsapi.SendMessage, &sqsapi.SendMessageRequest{QueueUrl: q, MessageBody: new("b"), MessageGroupId: new("a b")},
			"InvalidParameterValue", "Value a b for parameter MessageGroupId is invalid.")
		f.refused(sqsapi.SendMessage, &sqsapi.SendMessageRequest{QueueUrl: q, MessageBody: new("b"), MessageDeduplicationId: new("d")},
			"InvalidParameterValue", "for parameter MessageDeduplicationId is invalid.")
	})
}

func TestDeadLetter(t *testing.T) {
	virtually(t, func(f *fixture) {
		dead := f.create("dead", nil)
		q := f.create("q", attrs{"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead", "maxReceiveCount":"1"}`})
		if got := f.get(q)["RedrivePolicy"]; got != `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":1}` {
			t.Error(got)
		}
		f.call.TraceHeader = "Root=1-5759e988-bd862e3fe1be46a994272793"
		sent := f.send(q, "poison")
		first := f.receive(q, hidden(0))
		f.bodies(q)
		got := f.bodies(dead, "poison")[0]
		a := got.Attributes
		if *got.MessageId != *sent.MessageId || a["SentTimestamp"] != first[0].Attributes["SentTimestamp"] || a["ApproximateReceiveCount"] != "2" ||
			a["DeadLetterQueueSourceArn"] != "arn:aws:sqs:us-east-1:000000000000:q" || a["AWSTraceHeader"] != f.call.TraceHeader {
			t.Errorf("%v", a)
		}
		urls := must[sqsapi.ListDeadLetterSourceQueuesResult](f, sqsapi.ListDeadLetterSourceQueues, &sqsapi.ListDeadLetterSourceQueuesRequest{QueueUrl: dead}).QueueUrls
		if len(urls) != 1 || urls[0] != *q {
			t.Errorf("%v", urls)
		}
		// Without its target the message stays receivable.
		f.send(q, "stays")
		f.receive(q, hidden(0))
		must[service.None](f, sqsapi.DeleteQueue, &sqsapi.DeleteQueueRequest{QueueUrl: dead})
		f.bodies(q, "stays")
	})
}

func TestMoveTasks(t *testing.T) {
	virtually(t, func(f *fixture) {
		dead := f.create("dead", nil)
		const deadARN = "arn:aws:sqs:us-east-1:000000000000:dead"
		f.refused(sqsapi.StartMessageMoveTask, &sqsapi.StartMessageMoveTaskRequest{SourceArn: new(deadARN)},
			"InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue.")
		policy := attrs{"RedrivePolicy": `{"deadLetterTargetArn":"` + deadARN + `","maxReceiveCount":1}`}
		a, b := f.create("a", policy), f.create("b", policy)
		sent := f.send(a, "from a")
		f.send(b, "from b")
		for _, q := range []*string{a, b} {
			f.receive(q, hidden(0))
			f.bodies(q)
		}
		if n := f.get(dead)["ApproximateNumberOfMessages"]; n != "2" {
			t.Fatalf("%s dead", n)
		}
		start := func() *string {
			return must[sqsapi.StartMessageMoveTaskResult](f, sqsapi.StartMessageMoveTask, &sqsapi.StartMessageMoveTaskRequest{SourceArn: new(deadARN)}).TaskHandle
		}
		list := func() sqsapi.ListMessageMoveTasksResultEntry {
			return must[sqsapi.ListMessageMoveTasksResult](f, sqsapi.ListMessageMoveTasks, &sqsapi.ListMessageMoveTasksRequest{SourceArn: new(deadARN)}).Results[0]
		}
		start()
		f.wait(time.Second)
		back := f.bodies(a, "from a")[0]
		if *back.MessageId == *sent.MessageId || back.Attributes["ApproximateReceiveCount"] != "1" || back.Attributes["DeadLetterQueueSourceArn"] != "" {
			t.Errorf("a moved message is a new one: %v", back.Attributes)
		}
		f.bodies(b, "from b")
		if e := list(); *e.Status != "COMPLETED" || e.TaskHandle != nil || *e.ApproximateNumberOfMessagesMoved != 2 || e.DestinationArn != nil {
			t.Errorf("%v", *e.Status)
		}
		for i := range 20 {
			f.send(dead, fmt.Sprint(i))
		}
		handle := must[sqsapi.StartMessageMoveTaskResult](f, sqsapi.StartMessageMoveTask, &sqsapi.StartMessageMoveTaskRequest{
			SourceArn: new(deadARN), DestinationArn: new("arn:aws:sqs:us-east-1:000000000000:a"), MaxNumberOfMessagesPerSecond: new(int32(1)),
		}).TaskHandle
		f.refused(sqsapi.StartMessageMoveTask, &sqsapi.StartMessageMoveTaskRequest{SourceArn: new(deadARN)}, "InvalidParameterValue", "There is already a task running.")
		f.wait(5500 * time.Millisecond)
		moved := must[sqsapi.CancelMessageMoveTaskResult](f, sqsapi.CancelMessageMoveTask, &sqsapi.CancelMessageMoveTaskRequest{TaskHandle: handle}).ApproximateNumberOfMessagesMoved
		f.wait(2 * time.Second)
		if e := list(); *e.Status != "CANCELLED" || *e.ApproximateNumberOfMessagesMoved != 6 || *moved > 6 {
			t.Errorf("%v after %d", *e.Status, *e.ApproximateNumberOfMessagesMoved)
		}
		f.refused(sqsapi.CancelMessageMoveTask, &sqsapi.CancelMessageMoveTaskRequest{TaskHandle: handle}, "ResourceNotFoundException", "Task does not exist.")
		f.refused(sqsapi.CancelMessageMoveTask, &sqsapi.CancelMessageMoveTaskRequest{TaskHandle: new("%")}, "InvalidParameterValue", "Value for parameter TaskHandle is invalid.")
		f.refused(sqsapi.ListMessageMoveTasks, &sqsapi.ListMessageMoveTasksRequest{SourceArn: new("arn:aws:sqs:us-east-1:000000000000:none")},
			"ResourceNotFoundException", "The resource that you specified for the SourceArn parameter doesn't exist.")
	})
}
