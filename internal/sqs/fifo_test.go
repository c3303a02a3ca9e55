package sqs

import (
	"testing"
	"time"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/service"
)

// The tests of this file follow facts-sqs.md section 9 and the list in section 15.

func TestFIFOFillsFromOneGroupBeforeTheNext(t *testing.T) {
	virtually(t, func(f *fixture) {
		q := f.fifo("q.fifo", nil)
		for _, m := range [][2]string{{"g1", "g1-m1"}, {"g2", "g2-m1"}, {"g1", "g1-m2"}, {"g1", "g1-m3"}} {
			f.sendTo(q, m[0], m[1])
		}
		f.bodies(q, "g1-m1", "g1-m2", "g1-m3", "g2-m1")
		f.bodies(q) // both groups are blocked
		f.sendTo(q, "g1", "g1-m4")
		f.bodies(q)
	})
}

func TestFIFOGroupIsBlockedUntilAllInFlightAreGone(t *testing.T) {
	virtually(t, func(f *fixture) {
		q := f.fifo("q.fifo", nil)
		for _, b := range []string{"1", "2", "3"} {
			f.sendTo(q, "g", b)
		}
		two := f.receive(q, most(2))
		f.same(two, "1", "2")
		f.delete(q, two[0])
		f.bodies(q)
		f.delete(q, two[1])
		f.bodies(q, "3")
	})
}

func TestFIFOVisibleOnlyUpToTheFirstHidden(t *testing.T) {
	virtually(t, func(f *fixture) {
		q := f.fifo("q.fifo", nil)
		for _, b := range []string{"1", "2", "3"} {
			f.sendTo(q, "g", b)
		}
		three := f.bodies(q, "1", "2", "3")
		f.visibility(q, three[0], 0)
		f.bodies(q, "1")
	})
}

func TestFIFOGroupThatReturnsGoesBehindOthers(t *testing.T) {
	virtually(t, func(f *fixture) {
		q := f.fifo("q.fifo", nil)
		f.sendTo(q, "g1", "g1-m1")
		first := f.receive(q, most(1))
		f.sendTo(q, "g2", "g2-m1")
		f.visibility(q, first[0], 0)
		f.bodies(q, "g2-m1", "g1-m1")
	})
}

func TestFIFOReceiptHandleExpires(t *testing.T) {
	virtually(t, func(f *fixture) {
		q := f.fifo("q.fifo", nil)
		f.sendTo(q, "g", "a")
		m := f.receive(q, hidden(2))[0]
		f.wait(2 * time.Second)
		f.refused(sqsapi.DeleteMessage, &sqsapi.DeleteMessageRequest{QueueUrl: q, ReceiptHandle: m.ReceiptHandle},
			"InvalidParameterValue", "Reason: The receipt handle has expired.")
		again := f.bodies(q, "a")
		f.delete(q, again...)
		f.delete(q, again...) // gone: no error
	})
}

func TestFIFODuplicates(t *testing.T) {
	virtually(t, func(f *fixture) {
		q := f.fifo("q.fifo", nil)
		first := f.sendTo(q, "g", "a")
		again := f.sendTo(q, "other", "a")
		if *again.MessageId != *first.MessageId || *again.SequenceNumber != *first.SequenceNumber || len(*first.SequenceNumber) != 20 {
			t.Fatalf("%v, %v", *first, *again)
		}
		f.delete(q, f.bodies(q, "a")...)
		f.wait(5*time.Minute - time.Second)
		f.sendTo(q, "g", "a")
		f.bodies(q)
		f.wait(time.Second)
		f.sendTo(q, "g", "a")
		f.bodies(q, "a")
		must[service.None](f, sqsapi.PurgeQueue, &sqsapi.PurgeQueueRequest{QueueUrl: q})
		f.sendTo(q, "g", "a")
		f.bodies(q, "a")
	})
}

func TestFIFODuplicatesByContentAndScope(t *testing.T) {
	virtually(t, func(f *fixture) {
		q := f.fifo("q.fifo", attrs{"ContentBasedDeduplication": "true"})
		send := func(q *string, group, attribute string) {
			must[sqsapi.SendMessageResult](f, sqsapi.SendMessage, &sqsapi.SendMessageRequest{
				QueueUrl: q, MessageBody: new("same"), MessageGroupId: &group,
				MessageAttributes: map[string]sqsapi.MessageAttributeValue{"a": {DataType: new("String"), StringValue: &attribute}},
			})
		}
		send(q, "g", "1")
		send(q, "g", "2")
		m := f.bodies(q, "same")
		if id := m[0].Attributes["MessageDeduplicationId"]; id != "0967115f2813a3541eaef77de9d9d5773f1c0c04314b0bbfe4ff3b3b1c55b5d5" {
			t.Errorf("deduplication id %s", id)
		}
		byGroup := f.fifo("groups.fifo", attrs{"ContentBasedDeduplication": "true", "DeduplicationScope": "messageGroup"})
		send(byGroup, "g", "1")
		send(byGroup, "h", "1")
		f.bodies(byGroup, "same", "same")
	})
}

func TestFIFORefusals(t *testing.T) {
	virtually(t, func(f *fixture) {
		q := f.fifo("q.fifo", attrs{"DelaySeconds": "3"})
		in := func(change func(*sqsapi.SendMessageRequest)) *sqsapi.SendMessageRequest {
			r := &sqsapi.SendMessageRequest{QueueUrl: q, MessageBody: new("b"), MessageGroupId: new("g"), MessageDeduplicationId: new("d")}
			change(r)
			return r
		}
		f.refused(sqsapi.SendMessage, in(func(r *sqsapi.SendMessageRequest) { r.MessageGroupId = nil }),
			"MissingParameter", "The request must contain the parameter MessageGroupId.")
		f.refused(sqsapi.SendMessage, in(func(r *sqsapi.SendMessageRequest) { r.MessageDeduplicationId = nil }),
			"InvalidParameterValue", "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
		f.refused(sqsapi.SendMessage, in(func(r *sqsapi.SendMessageRequest) { r.MessageDeduplicationId = new("") }),
			"InvalidParameterValue", "Value  for parameter MessageDeduplicationId is invalid.")
		f.refused(sqsapi.SendMessage, in(func(r *sqsapi.SendMessageRequest) { r.DelaySeconds = new(int32(1)) }),
			"InvalidParameterValue", "Value 1 for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid for this queue type.")
		f.refused(sqsapi.SendMessageBatch, &sqsapi.SendMessageBatchRequest{QueueUrl: q, Entries: []sqsapi.SendMessageBatchRequestEntry{
			{Id: new("1"), MessageBody: new("b"), MessageGroupId: new("g"), MessageDeduplicationId: new("d")},
			{Id: new("2"), MessageBody: new("b"), MessageDeduplicationId: new("e")},
		}}, "InvalidParameterValue", "The request must contain the parameter MessageGroupId.")

		must[sqsapi.SendMessageResult](f, sqsapi.SendMessage, in(func(r *sqsapi.SendMessageRequest) { r.DelaySeconds = new(int32(0)) }))
		f.bodies(q)
		if a := f.get(q); a["ApproximateNumberOfMessagesDelayed"] != "1" || a["ApproximateNumberOfMessages"] != "0" {
			t.Errorf("counters %v", a)
		}
		f.wait(3 * time.Second)
		f.bodies(q, "b")
	})
}

func TestFIFOReceiveAttempt(t *testing.T) {
	virtually(t, func(f *fixture) {
		q := f.fifo("q.fifo", nil)
		f.sendTo(q, "g", "a")
		f.sendTo(q, "g", "b")
		attempt := func(in *sqsapi.ReceiveMessageRequest) { in.ReceiveRequestAttemptId = new("try") }
		first := f.receive(q, attempt)
		f.same(first, "a", "b")
		f.wait(20 * time.Second)
		again := f.receive(q, attempt)
		f.same(again, "a", "b")
		if *first[0].ReceiptHandle != *again[0].ReceiptHandle {
			t.Error("the handles differ")
		}
		f.wait(20 * time.Second) // 40 s after the first receive, 20 s after the repeated one
		f.bodies(q)
		f.delete(q, first[0])
		f.same(f.receive(q, attempt)) // not given again once one was deleted
	})
}

func TestFIFODeadLetterKeepsOrder(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.fifo("dead.fifo", nil)
		q := f.fifo("q.fifo", attrs{"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead.fifo","maxReceiveCount":1}`})
		f.refused(sqsapi.SetQueueAttributes, &sqsapi.SetQueueAttributesRequest{QueueUrl: q, Attributes: attrs{
			"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:none.fifo","maxReceiveCount":1}`,
		}}, "InvalidParameterValue", "Dead letter target does not exist.")
		f.sendTo(q, "g", "1")
		f.sendTo(q, "g", "2")
		f.same(f.receive(q, most(1), hidden(0)), "1")
		f.bodies(q)
		f.same(f.receive(q, most(1)), "2")
		dead := f.bodies(new("dead.fifo"), "1")
		if a := dead[0].Attributes; a["ApproximateReceiveCount"] != "2" || a["MessageGroupId"] != "g" || a["DeadLetterQueueSourceArn"] == "" {
			t.Errorf("%v", a)
		}
	})
}
