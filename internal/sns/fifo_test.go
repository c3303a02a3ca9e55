package sns

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/api/sqsapi"
)

func TestFIFOPublishChecks(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic := f.topic("t.fifo", nil)
		token := "can only include alphanumeric and punctuation characters. 1 to 128 in length"
		for _, c := range []struct {
			in   *snsapi.PublishInput
			text string
		}{
			{message(topic, "m"), "Invalid parameter: The MessageGroupId parameter is required for FIFO topics"},
			{message(topic, "m", dedup("d")), "Invalid parameter: The MessageGroupId parameter is required for FIFO topics"},
			{message(topic, "m", group("g")), "Invalid parameter: The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"},
			{message(topic, "m", group(""), dedup("d")), "Invalid parameter: MessageGroupId Reason: MessageGroupId " + token},
			{message(topic, "m", group(strings.Repeat("g", 129)), dedup("d")), "Invalid parameter: MessageGroupId Reason: MessageGroupId " + token},
			{message(topic, "m", group("g"), dedup("a b")), "Invalid parameter: MessageDeduplicationId Reason: MessageDeduplicationId " + token},
		} {
			f.invalid(snsapi.Publish, c.in, c.text)
		}
		out := f.publish(topic, "m", group("g"), dedup("d"))
		if len(*out.SequenceNumber) != 20 {
			t.Error(*out.SequenceNumber)
		}
		later := f.publish(topic, "m", group("h"), dedup("e"))
		if *later.SequenceNumber <= *out.SequenceNumber {
			t.Error(*out.SequenceNumber, *later.SequenceNumber)
		}
	})
}

func TestDuplicatesGetTheOriginalsIDs(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic, q := f.topic("t.fifo", nil), f.queue("q.fifo", nil)
		f.subscribe(topic, "sqs", q, nil)
		ids := func(out *snsapi.PublishResponse) string { return *out.MessageId + *out.SequenceNumber }
		first := ids(f.publish(topic, "m", group("g"), dedup("d")))
		f.same(ids(f.publish(topic, "other", group("g"), dedup("d"))), first)
		f.same(ids(f.publish(topic, "m", group("h"), dedup("d"))), first) // the whole topic is the scope
		batched := must[snsapi.PublishBatchResponse](f, snsapi.PublishBatch, batch(topic, entry("a", "m", group("g"), dedup("d")), entry("b", "n", group("g"), dedup("e")), entry("c", "n", group("g"), dedup("e"))))
		f.same(*batched.Successful[0].MessageId+*batched.Successful[0].SequenceNumber, first)
		f.same(*batched.Successful[1].MessageId+*batched.Successful[1].SequenceNumber, *batched.Successful[2].MessageId+*batched.Successful[2].SequenceNumber)
		got := f.has(q, "m", "n")
		if e := f.open(*got[0].Body); e.MessageId+e.SequenceNumber != first {
			t.Error(*got[0].Body)
		}
		f.wait(4 * time.Minute)
		f.same(ids(f.publish(topic, "m", group("g"), dedup("d"))), first)
		f.wait(2 * time.Minute)
		if ids(f.publish(topic, "m", group("g"), dedup("d"))) == first {
			t.Error("a duplicate after more than five minutes")
		}
		f.has(q, "m")
	})
}

func TestScopeMessageGroup(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic := f.topic("t.fifo", attrs{"FifoThroughputScope": "MessageGroup"})
		q := f.queue("q.fifo", attrs{"DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"})
		f.subscribe(topic, "sqs", q, nil)
		for _, g := range []string{"g", "h", "g"} {
			f.publish(topic, g, group(g), dedup("d"))
		}
		f.has(q, "g", "h")
	})
}

func TestContentBasedDeduplication(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic := f.topic("t.fifo", attrs{"ContentBasedDeduplication": "true"})
		q, standard := f.queue("q.fifo", nil), f.queue("q", nil) // neither has it itself
		f.subscribe(topic, "sqs", q, nil)
		f.subscribe(topic, "sqs", standard, attrs{"RawMessageDelivery": "true"})
		f.publish(topic, "Test", group("g"), with("a", "String", "1"))
		f.publish(topic, "Test", group("g"), with("a", "String", "2")) // attributes do not count
		m := f.one(q)
		f.same([]string{m.Attributes["MessageDeduplicationId"], m.Attributes["MessageGroupId"]}, []string{"532eaabd9574880dbf76b9b8cc00832c20a6ec113d682299550d7a6e0f345e25", "g"})
		m = f.one(standard)
		f.same([]string{m.Attributes["MessageDeduplicationId"], m.Attributes["MessageGroupId"]}, []string{"", ""}) // not forwarded
		f.publish(topic, "Test", group("g"), dedup("mine"))
		f.same(f.one(q).Attributes["MessageDeduplicationId"], "mine")
	})
}

// TestFIFOOrder: several publishers, several groups, end to end.
func TestFIFOOrder(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic := f.topic("t.fifo", nil)
		queues := []string{f.queue("1.fifo", nil), f.queue("2.fifo", nil), f.queue("3", nil)}
		for _, q := range queues {
			f.subscribe(topic, "sqs", q, attrs{"RawMessageDelivery": "true"})
		}
		f.subscribe(topic, "sqs", queues[0], nil)
		const groups, each = 6, 40
		var wg sync.WaitGroup
		for g := range groups {
			wg.Go(func() {
				for i := 0; i < each; {
					if i%3 == 0 {
						f.publish(topic, fmt.Sprintf("%d-%03d", g, i), group(fmt.Sprint(g)), dedup(fmt.Sprint(g, "-", i)))
						i++
						continue
					}
					var entries []snsapi.PublishBatchRequestEntry
					for ; i < each && len(entries) < 5; i++ {
						entries = append(entries, entry(fmt.Sprint(i), fmt.Sprintf("%d-%03d", g, i), group(fmt.Sprint(g)), dedup(fmt.Sprint(g, "-", i))))
					}
					must[snsapi.PublishBatchResponse](f, snsapi.PublishBatch, batch(topic, entries...))
				}
			})
		}
		wg.Wait()
		for _, q := range queues {
			inOrder(f, q, groups, each)
		}
	})
}

// inOrder wants each message of each group once, "GROUP-NUMBER" each; FIFO queues in
// order.
func inOrder(f *fixture, q string, groups, each int) {
	f.Helper()
	last, n := map[string]string{}, 0
	for _, m := range f.receive(q) {
		g, _, _ := strings.Cut(*m.Body, "-")
		if strings.HasSuffix(q, ".fifo") && last[g] >= *m.Body {
			f.Errorf("%s: %s comes after %s", q, *m.Body, last[g])
		}
		last[g] = *m.Body
		n++
	}
	if n != groups*each {
		f.Errorf("%s has %d messages, want %d", q, n, groups*each)
	}
}

// TestFIFOOrderWhileQueuesAreLost: what cannot be delivered holds up what is behind it.
func TestFIFOOrderWhileQueuesAreLost(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic, q, second := f.topic("t.fifo", nil), f.queue("q.fifo", nil), f.queue("r.fifo", nil)
		f.subscribe(topic, "sqs", q, attrs{"RawMessageDelivery": "true"})
		f.subscribe(topic, "sqs", second, attrs{"RawMessageDelivery": "true"})
		f.gate.shake()
		for i := range 40 {
			f.publish(topic, fmt.Sprintf("g-%03d", i), group("g"), dedup(fmt.Sprint(i)))
		}
		f.wait(time.Minute)
		inOrder(f, q, 1, 40)
		inOrder(f, second, 1, 40)
		if f.gate.failed == 0 {
			t.Error("nothing failed")
		}
	})
}

// TestFIFOAcrossRestart: what was taken but not fanned out is, in order, after it.
func TestFIFOAcrossRestart(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic, q := f.topic("t.fifo", nil), f.queue("q.fifo", nil)
		f.subscribe(topic, "sqs", q, attrs{"RawMessageDelivery": "true"})
		f.gate.set(q, true)
		for i := range 10 {
			f.publish(topic, fmt.Sprintf("g-%03d", i), group("g"), dedup(fmt.Sprint(i)))
		}
		f.has(q)
		f.gate.set(q, false)
		f.restart()
		f.wait(time.Minute)
		inOrder(f, q, 1, 10)
		// A duplicate is still known.
		f.publish(topic, "again", group("g"), dedup("3"))
		f.has(q)
	})
}

func TestFIFODeadLetters(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic, q, dead := f.topic("t.fifo", nil), f.queue("q.fifo", nil), f.queue("dead.fifo", nil)
		f.subscribe(topic, "sqs", q, attrs{"RedrivePolicy": `{"deadLetterTargetArn":"` + dead + `"}`})
		f.does(sqsapi.DeleteQueue, &sqsapi.DeleteQueueRequest{QueueUrl: queueURL(q)})
		out := f.publish(topic, "m", group("g"), dedup("d"), with("a", "String", "v"))
		m := f.one(dead)
		e := f.open(*m.Body)
		f.same([]string{e.Message, e.SequenceNumber, m.Attributes["MessageGroupId"], m.Attributes["MessageDeduplicationId"]}, []string{"m", *out.SequenceNumber, "g", "d"})
		f.same(len(m.MessageAttributes), 0)
	})
}

// TestFIFOWithoutSubscribers: nothing is kept for those who come later.
func TestFIFOWithoutSubscribers(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic, q := f.topic("t.fifo", nil), f.queue("q.fifo", nil)
		f.publish(topic, "lost", group("g"), dedup("1"))
		f.subscribe(topic, "sqs", q, nil)
		f.publish(topic, "m", group("g"), dedup("2"))
		f.has(q, "m")
		f.does(snsapi.DeleteTopic, &snsapi.DeleteTopicInput{TopicArn: &topic})
		f.topic("t.fifo", nil) // with a memory of its own
		f.subscribe(topic, "sqs", q, nil)
		f.wait(6 * time.Minute)
		f.publish(topic, "n", group("g"), dedup("2"))
		f.has(q, "n")
	})
}

// archived are messages "0" to "9", a minute apart, of a topic with an archive; at is
// the time of each.
func (f *fixture) archived() (topic string, at []time.Time) {
	f.Helper()
	topic = f.topic("t.fifo", attrs{"ArchivePolicy": `{"MessageRetentionPeriod":"1"}`})
	for i := range 10 {
		f.wait(time.Minute)
		f.publish(topic, fmt.Sprint(i), group("g"), dedup(fmt.Sprint(i)), with("odd", "Number", fmt.Sprint(i%2)))
		at = append(at, time.Now())
	}
	f.wait(time.Minute)
	return topic, at
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func TestArchivePolicy(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic := f.topic("t.fifo", nil)
		for _, bad := range []string{`{"MessageRetentionPeriod":"0"}`, `{"MessageRetentionPeriod":"366"}`, `{"MessageRetentionPeriod":"x"}`} {
			f.invalid(snsapi.SetTopicAttributes, setTopic(topic, "ArchivePolicy", bad), "Invalid parameter: ArchivePolicy: MessageRetentionPeriod must be between 1 and 365 days")
		}
		f.invalid(snsapi.SetTopicAttributes, setTopic(topic, "ArchivePolicy", "x"), "Invalid parameter: ArchivePolicy: failed to parse JSON.")
		if _, ok := f.attributes(topic)["BeginningArchiveTime"]; ok {
			t.Error("shown without an archive")
		}
		began := time.Now()
		f.setTopic(topic, "ArchivePolicy", `{"MessageRetentionPeriod":"30"}`)
		a := f.attributes(topic)
		f.same(a["ArchivePolicy"]+a["BeginningArchiveTime"], `{"MessageRetentionPeriod":"30"}`+stamp(began))
		f.refused(snsapi.DeleteTopic, &snsapi.DeleteTopicInput{TopicArn: &topic}, "InvalidState", "Invalid state: Cannot delete a topic that has an ArchivePolicy")
		f.setTopic(topic, "ArchivePolicy", "{}")
		f.does(snsapi.DeleteTopic, &snsapi.DeleteTopicInput{TopicArn: &topic})
	})
}

func TestReplay(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic, at := f.archived()
		q, raw, odd := f.queue("q.fifo", nil), f.queue("raw.fifo", nil), f.queue("odd.fifo", nil)
		whole := `{"PointType":"Timestamp","StartingPoint":"` + stamp(at[0]) + `"}`
		part := `{"PointType":"Timestamp","StartingPoint":"` + stamp(at[2]) + `","EndingPoint":"` + stamp(at[5]) + `"}`
		arn := f.subscribe(topic, "sqs", q, attrs{"ReplayPolicy": whole}) // at once
		f.wait(time.Minute)
		got := f.has(q, "0", "1", "2", "3", "4", "5", "6", "7", "8", "9")
		e := f.open(*got[3].Body)
		if !e.Replayed || e.SequenceNumber == "" || e.Timestamp != stamp(at[3]) {
			t.Error(*got[3].Body)
		}
		f.golden("sqs-replayed.json", *got[3].Body)
		f.same(f.subscription(arn)["ReplayStatus"], "Completed")
		f.same(f.subscription(arn)["ReplayPolicy"], whole)

		arn = f.subscribe(topic, "sqs", raw, attrs{"RawMessageDelivery": "true"})
		f.set(arn, "ReplayPolicy", part)
		f.wait(time.Minute)
		f.has(raw, "2", "3", "4", "5")
		for range 2 { // another one, and the same again: no duplicates to the queue
			f.set(arn, "ReplayPolicy", whole)
			f.wait(time.Minute)
			f.has(raw, "0", "1", "2", "3", "4", "5", "6", "7", "8", "9")
		}
		f.set(arn, "ReplayPolicy", "")
		if a := f.subscription(arn); a["ReplayPolicy"]+a["ReplayStatus"] != "" {
			t.Error(a)
		}

		f.subscribe(topic, "sqs", odd, attrs{"ReplayPolicy": whole, "FilterPolicy": `{"odd":[1]}`})
		f.wait(time.Minute)
		f.has(odd, "1", "3", "5", "7", "9")
		f.publish(topic, "live", group("g"), dedup("live"), with("odd", "Number", "1"))
		m := f.one(odd)
		if f.open(*m.Body).Replayed {
			t.Error(*m.Body)
		}
	})
}

func TestReplayProblems(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic, at := f.archived()
		bare := f.topic("bare.fifo", nil)
		q := queueARN("q.fifo")
		for _, c := range []struct{ topic, policy, text string }{
			{bare, `{"PointType":"Timestamp","StartingPoint":"` + stamp(at[0]) + `"}`, "ReplayPolicy: the topic has no ArchivePolicy"},
			{topic, `{"PointType":"Timestamp","StartingPoint":"` + stamp(at[0].Add(-time.Hour)) + `"}`, "ReplayPolicy: StartingPoint is before BeginningArchiveTime of the topic"},
			{topic, `{"PointType":"Sequence","StartingPoint":"` + stamp(at[0]) + `"}`, "ReplayPolicy: PointType must be Timestamp"},
			{topic, `{"PointType":"Timestamp","StartingPoint":"yesterday"}`, "ReplayPolicy: StartingPoint must be a timestamp"},
			{topic, `{"PointType":"Timestamp","StartingPoint":"` + stamp(at[1]) + `","EndingPoint":"` + stamp(at[0]) + `"}`, "ReplayPolicy: EndingPoint must be a timestamp after StartingPoint"},
			{topic, `x`, "ReplayPolicy: failed to parse JSON."},
		} {
			f.invalid(snsapi.SetSubscriptionAttributes, setSubscription(f.subscribe(c.topic, "sqs", q, nil), "ReplayPolicy", c.policy), "Invalid parameter: "+c.text)
			f.invalid(snsapi.Subscribe, subscriptionOf(c.topic, "sqs", queueARN("new.fifo"), attrs{"ReplayPolicy": c.policy}), "Invalid parameter: Attributes Reason: "+c.text)
		}
	})
}

func TestReplayGoesOnAfterRestart(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic, at := f.archived()
		q := f.queue("q.fifo", nil)
		f.gate.set(q, true)
		arn := f.subscribe(topic, "sqs", q, attrs{"ReplayPolicy": `{"PointType":"Timestamp","StartingPoint":"` + stamp(at[0]) + `"}`})
		f.wait(time.Minute)
		f.has(q)
		if s := f.subscription(arn)["ReplayStatus"]; s == "Completed" || s == "Failed" {
			t.Error(s)
		}
		f.gate.set(q, false)
		f.restart()
		f.wait(time.Minute)
		f.has(q, "0", "1", "2", "3", "4", "5", "6", "7", "8", "9")
		f.same(f.subscription(arn)["ReplayStatus"], "Completed")
	})
}

func TestReplayOfAnArchiveThatEnded(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic, at := f.archived()
		q := f.queue("q.fifo", nil)
		f.gate.set(q, true)
		arn := f.subscribe(topic, "sqs", q, attrs{"ReplayPolicy": `{"PointType":"Timestamp","StartingPoint":"` + stamp(at[0]) + `"}`})
		f.setTopic(topic, "ArchivePolicy", "")
		f.wait(time.Minute)
		f.gate.set(q, false)
		f.same(f.subscription(arn)["ReplayStatus"], "Failed")
		f.has(q)
	})
}
