package sns

import (
	"fmt"
	"strings"
	"testing"

	"github.com/spillway/spillway/internal/api/snsapi"
)

func TestPublishChecks(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic := f.topic("t", nil)
		for _, c := range []struct {
			in         *snsapi.PublishInput
			code, text string
		}{
			{&snsapi.PublishInput{TopicArn: &topic}, "ValidationError", "1 validation error detected: Value null at 'message' failed to satisfy constraint: Member must not be null"},
			{&snsapi.PublishInput{Message: new("m")}, "InvalidParameter", "Invalid parameter: TopicArn or TargetArn Reason: no value for required parameter"},
			{message(topic, "m", func(in *snsapi.PublishInput) { in.PhoneNumber = new("+15550100123") }), "InvalidParameter", "Invalid parameter: TopicArn or TargetArn Reason: no value for required parameter"},
			{message(topic, ""), "InvalidParameter", "Invalid parameter: Empty message"},
			{message(topic, "m", subject("")), "InvalidParameter", "Invalid parameter: Subject"},
			{message(topic, "m", subject("a\nb")), "InvalidParameter", "Invalid parameter: Subject"},
			{message(topic, "m", subject("a\x01b")), "InvalidParameter", "Invalid parameter: Subject"},
			{message(topic, "m", subject("ä")), "InvalidParameter", "Invalid parameter: Subject"},
			{message(topic, "m", subject(strings.Repeat("s", 101))), "InvalidParameter", "Invalid parameter: Subject"},
			{message(topic, strings.Repeat("m", 262_145)), "InvalidParameter", "Invalid parameter: Message too long"},
			{message(topic, "m", dedup("d")), "InvalidParameter", "Invalid parameter: MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type"},
			{message(topic, "m", structured), "InvalidParameter", "Invalid parameter: Message Structure - JSON message body failed to parse"},
			{message(topic, "[]", structured), "InvalidParameter", "Invalid parameter: Message Structure - JSON message body failed to parse"},
			{message(topic, "{}", structured), "InvalidParameter", "Invalid parameter: Message Structure - No default entry in JSON message body"},
			{message(topic, `{"sqs":"x"}`, structured), "InvalidParameter", "Invalid parameter: Message Structure - No default entry in JSON message body"},
			{message(topic, `{"default":1,"sqs":"x"}`, structured), "InvalidParameter", "Invalid parameter: Message Structure - No default entry in JSON message body"},
			{message(topic, "m", func(in *snsapi.PublishInput) { in.MessageStructure = new("xml") }), "InvalidParameter", "Invalid parameter: MessageStructure"},
			{&snsapi.PublishInput{TargetArn: new("arn:aws:sns:us-east-1:000000000000:endpoint/GCM/a/00000000-0000-4000-8000-000000000000"), Message: new("m")}, "InvalidParameter", "Invalid parameter: TargetArn Reason: No endpoint found for the target arn specified"},
			{&snsapi.PublishInput{TargetArn: new("arn:aws:sns:us-east-1:000000000000"), Message: new("m")}, "InvalidParameter", "Invalid parameter: TargetArn Reason: An ARN must have at least 6 elements, not 5"},
			{&snsapi.PublishInput{TargetArn: new("arn:aws:sns:eu-west-1:000000000000:endpoint/GCM/a/x"), Message: new("m")}, "InvalidParameter", "Invalid parameter: TargetArn"},
			{&snsapi.PublishInput{TargetArn: new("arn:aws:sns:us-east-1:000000000000:none"), Message: new("m")}, "NotFound", "Topic does not exist"},
		} {
			f.refused(snsapi.Publish, c.in, c.code, c.text)
		}
		for _, s := range []string{"s", strings.Repeat("s", 100), "\"quoted\" <x>"} {
			f.publish(topic, "m", subject(s))
		}
		out := must[snsapi.PublishResponse](f, snsapi.Publish, &snsapi.PublishInput{TargetArn: &topic, Message: new("m")}) // may be a topic
		if !validUUID(*out.MessageId) || out.SequenceNumber != nil {
			t.Errorf("%+v", out)
		}
	})
}

// TestPublishSize: names, types and values of attributes count; the subject does not.
func TestPublishSize(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic := f.topic("t", nil)
		f.publish(topic, strings.Repeat("m", 262_144), subject("s"))
		of := "name" + "String" + "value" + "b" + "Binary" + "xy"
		a := []func(*snsapi.PublishInput){with("name", "String", "value"), with("b", "Binary", "xy")}
		f.publish(topic, strings.Repeat("m", 262_144-len(of)), a...)
		f.invalid(snsapi.Publish, message(topic, strings.Repeat("m", 262_145-len(of)), a...), "Invalid parameter: Message too long")
		f.invalid(snsapi.Publish, message(topic, strings.Repeat("ä", 131_073)), "Invalid parameter: Message too long") // bytes, not characters
	})
}

func TestMessageAttributeChecks(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic := f.topic("t", nil)
		type value = snsapi.MessageAttributeValue
		kind := "the set of supported type prefixes is Binary, Number, and String."
		for _, c := range []struct {
			name string
			v    value
			text string
		}{
			{"a", value{DataType: new("String"), StringValue: new("")}, "The message attribute 'a' must contain non-empty message attribute value for message attribute type 'String'."},
			{"a", value{DataType: new("String")}, "The message attribute 'a' must contain non-empty message attribute value for message attribute type 'String'."},
			{"a", value{DataType: new("Binary"), BinaryValue: []byte{}}, "The message attribute 'a' must contain non-empty message attribute value for message attribute type 'Binary'."},
			{"a", value{DataType: new("String"), BinaryValue: []byte("x")}, "The message attribute 'a' with type 'String' must use field 'String'."},
			{"a", value{DataType: new("Number.int"), BinaryValue: []byte("x")}, "The message attribute 'a' with type 'Number.int' must use field 'String'."},
			{"a", value{DataType: new("Binary.jpg"), StringValue: new("x")}, "The message attribute 'a' with type 'Binary.jpg' must use field 'Binary'."},
			{"a", value{DataType: new("String."), StringValue: new("x")}, "The message attribute 'a' has an invalid message attribute type, " + kind},
			{"a", value{DataType: new("Stringx"), StringValue: new("x")}, "The message attribute 'a' has an invalid message attribute type, " + kind},
			{"a", value{DataType: new("string"), StringValue: new("x")}, "The message attribute 'a' has an invalid message attribute type, " + kind},
			{"a", value{DataType: new(""), StringValue: new("x")}, "The message attribute 'a' has an invalid message attribute type, " + kind},
			{"a", value{DataType: new("Number"), StringValue: new("x")}, "Could not cast message attribute 'a' value to number."},
			{strings.Repeat("n", 257), value{DataType: new("String"), StringValue: new("x")}, "Length of message attribute name must be less than 256 bytes."},
			{"a^b", value{DataType: new("String"), StringValue: new("x")}, "Invalid non-alphanumeric character '#x5E' was found in the message attribute name. Can only include alphanumeric characters, hyphens, underscores, or dots."},
			{".a", value{DataType: new("String"), StringValue: new("x")}, "Invalid message attribute name starting with character '.' was found."},
			{"a.", value{DataType: new("String"), StringValue: new("x")}, "Invalid message attribute name ending with character '.' was found."},
			{"a..b", value{DataType: new("String"), StringValue: new("x")}, "Message attribute name can not have successive '.' character."},
		} {
			f.refused(snsapi.Publish, &snsapi.PublishInput{TopicArn: &topic, Message: new("m"), MessageAttributes: map[string]value{c.name: c.v}}, "ParameterValueInvalid", c.text)
		}
		f.refused(snsapi.Publish, &snsapi.PublishInput{TopicArn: &topic, Message: new("m"), MessageAttributes: map[string]value{"a": {StringValue: new("x")}}}, "ValidationError",
			"1 validation error detected: Value null at 'messageAttributes.a.member.dataType' failed to satisfy constraint: Member must not be null")
		for _, number := range []string{"1", "-1.5", "+2", "3.015e2", "1E-3", ".5"} {
			f.publish(topic, "m", with("n", "Number", number))
		}
		f.publish(topic, "m", with("a-b_c.d", "String.custom", "x"), with("l", "String.Array", `["a",1,true,null]`))
	})
}

// TestPublishOrderOfChecks: which of two faults is told of.
func TestPublishOrderOfChecks(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic, fifo, missing := f.topic("t", nil), f.topic("t.fifo", nil), "arn:aws:sns:us-east-1:000000000000:none"
		long := strings.Repeat("m", 262_145)
		bad := with("a", "Nope", "x")
		f.refused(snsapi.Publish, message(missing, ""), "NotFound", "Topic does not exist")
		f.invalid(snsapi.Publish, message(topic, "", subject("")), "Invalid parameter: Empty message")
		f.invalid(snsapi.Publish, message(topic, "m", subject(""), bad), "Invalid parameter: Subject")
		f.refused(snsapi.Publish, message(topic, long, bad), "ParameterValueInvalid", "The message attribute 'a' has an invalid message attribute type, ...")
		f.invalid(snsapi.Publish, message(fifo, long), "Invalid parameter: Message too long")
		f.invalid(snsapi.Publish, message(fifo, "x", structured), "Invalid parameter: The MessageGroupId parameter is required for FIFO topics")
		f.invalid(snsapi.Publish, message(topic, "x", structured, dedup("d")), "Invalid parameter: MessageDeduplicationId Reason: ...")
		f.refused(snsapi.PublishBatch, batch(missing), "ValidationError", "1 validation error detected: ...")
		f.refused(snsapi.PublishBatch, batch(missing, entry("a", "x"), entry("a", "x")), "BatchEntryIdsNotDistinct", "Two or more batch entries in the request have the same Id.")
		f.refused(snsapi.PublishBatch, batch(missing, entry("a", "")), "NotFound", "Topic does not exist")
	})
}

func batch(topic string, entries ...snsapi.PublishBatchRequestEntry) *snsapi.PublishBatchInput {
	return &snsapi.PublishBatchInput{TopicArn: &topic, PublishBatchRequestEntries: entries}
}

func entry(id, text string, change ...func(*snsapi.PublishInput)) snsapi.PublishBatchRequestEntry {
	in := message("", text, change...)
	return snsapi.PublishBatchRequestEntry{
		Id: &id, Message: &text, Subject: in.Subject, MessageStructure: in.MessageStructure, MessageAttributes: in.MessageAttributes,
		MessageGroupId: in.MessageGroupId, MessageDeduplicationId: in.MessageDeduplicationId,
	}
}

func TestPublishBatch(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic, q := f.topic("t", nil), f.queue("q", nil)
		f.subscribe(topic, "sqs", q, nil)
		out := must[snsapi.PublishBatchResponse](f, snsapi.PublishBatch, batch(topic, entry("a", "1"), entry("b", ""), entry("c", "3", with("k", "String", "v"))))
		if len(out.Failed) != 1 || len(out.Successful) != 2 {
			t.Fatalf("%+v", out)
		}
		e := out.Failed[0]
		f.same(fmt.Sprint(*e.Id, *e.Code, *e.Message, *e.SenderFault), "bInvalidParameterInvalid parameter: Empty messagetrue")
		f.same(*out.Successful[0].Id+*out.Successful[1].Id, "ac")
		ids := map[string]string{}
		for _, m := range f.receive(q) {
			e := f.open(*m.Body)
			ids[e.Message] = e.MessageId
		}
		f.same(ids, map[string]string{"1": *out.Successful[0].MessageId, "3": *out.Successful[1].MessageId})
		out = must[snsapi.PublishBatchResponse](f, snsapi.PublishBatch, batch(topic, entry("a", "1")))
		if out.Failed == nil || len(out.Failed) != 0 || out.Successful == nil {
			t.Errorf("%+v: both lists are always there", out)
		}
		f.has(q, "1")
		for _, empty := range []string{topic, f.topic("t.fifo", nil)} {
			out = must[snsapi.PublishBatchResponse](f, snsapi.PublishBatch, batch(empty, entry("a", "")))
			if len(out.Failed) != 1 || out.Successful == nil || len(out.Successful) != 0 {
				t.Errorf("%+v", out)
			}
		}
	})
}

func TestPublishBatchFailsAsAWhole(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic, fifo, q := f.topic("t", nil), f.topic("t.fifo", nil), f.queue("q", nil)
		f.subscribe(topic, "sqs", q, nil)
		f.subscribe(fifo, "sqs", q, nil)
		var eleven []snsapi.PublishBatchRequestEntry
		for i := range 11 {
			eleven = append(eleven, entry(fmt.Sprint(i), "m"))
		}
		half := strings.Repeat("m", 131_073)
		for _, c := range []struct {
			in         *snsapi.PublishBatchInput
			code, text string
		}{
			{batch(topic, eleven...), "TooManyEntriesInBatchRequest", "The batch request contains more entries than permissible."},
			{batch(topic, entry("a", "m"), entry("a", "m")), "BatchEntryIdsNotDistinct", "Two or more batch entries in the request have the same Id."},
			{batch(topic, entry("a b", "m")), "InvalidBatchEntryId", "The Id of a batch entry in the batch request contains an impermissible character: a b"},
			{batch(topic, entry(strings.Repeat("i", 81), "m")), "InvalidBatchEntryId", "The Id of a batch entry in the batch request is too long: " + strings.Repeat("i", 81)},
			{batch(topic, entry("a", half), entry("b", half)), "BatchRequestTooLong", "The length of all the messages put together is more than the limit."},
			{batch(topic), "ValidationError", "1 validation error detected: Value null at 'publishBatchRequestEntries' failed to satisfy constraint: Member must not be null"},
			{&snsapi.PublishBatchInput{TopicArn: &topic, PublishBatchRequestEntries: []snsapi.PublishBatchRequestEntry{}}, "ValidationError", "1 validation error detected: Value '[]' at 'publishBatchRequestEntries' failed to satisfy constraint: ..."},
			{batch(topic, entry("a", "m"), entry("b", "m", with("k", "Nope", "v"))), "ParameterValueInvalid", "The message attribute 'k' has an invalid message attribute type, ..."},
			{batch(topic, entry("a", "m"), entry("b", "m", structured)), "InvalidParameter", "Invalid parameter: Message Structure - JSON message body failed to parse"},
			{batch(topic, entry("a", "m"), entry("b", "m", dedup("d"))), "InvalidParameter", "Invalid parameter: MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type"},
			{batch(fifo, entry("a", "m", group("g"), dedup("d")), entry("b", "m", dedup("e"))), "InvalidParameter", "Invalid parameter: The MessageGroupId parameter is required for FIFO topics"},
			{batch(fifo, entry("a", "m", group("g"))), "InvalidParameter", "Invalid parameter: The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"},
			{batch(topic, entry("a", "m"), func() snsapi.PublishBatchRequestEntry {
				e := entry("b", "m")
				e.MessageAttributes = map[string]snsapi.MessageAttributeValue{"k": {StringValue: new("v")}}
				return e
			}()), "ValidationError", "1 validation error detected: Value null at 'publishBatchRequestEntries.2.member.messageAttributes.k.member.dataType' failed to satisfy constraint: Member must not be null"},
		} {
			f.refused(snsapi.PublishBatch, c.in, c.code, c.text)
		}
		f.has(q) // nothing of any of them
	})
}

func TestFilteredPublishes(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic := f.topic("t", nil)
		for _, c := range []struct {
			policy, scope string
			text          string
			change        []func(*snsapi.PublishInput)
			gets          bool
		}{
			{`{"k":[{"anything-but":"a"}]}`, "", "m", nil, false},
			{`{"k":[null]}`, "", "m", nil, false},
			{`{"k":[{"exists":false}]}`, "", "m", nil, true},
			{`{"k":["10"]}`, "", "m", []func(*snsapi.PublishInput){with("k", "Number", "10")}, false},
			{`{"k":[10]}`, "", "m", []func(*snsapi.PublishInput){with("k", "String", "10")}, false},
			{`{"k":[{"numeric":["=",301.5]}]}`, "", "m", []func(*snsapi.PublishInput){with("k", "Number", "3.015e2")}, true},
			{`{"k":["a"]}`, "", "m", []func(*snsapi.PublishInput){with("k", "String.Array", `["b","a"]`)}, true},
			{`{"k":["a"]}`, "", "m", []func(*snsapi.PublishInput){with("k", "Binary", "a")}, false},
			{`{"k":["a"]}`, "MessageBody", "not JSON", nil, false},
			{`{"k":["a"]}`, "MessageBody", `{"k":"a"}`, nil, true},
			{`{"k":{"l":["a"]}}`, "MessageBody", `{"k":[{"l":"b"},{"l":"a"}]}`, nil, true},
			{`{"k.l":["a"]}`, "MessageBody", `{"k":{"l":"a"}}`, nil, true},
			{`{"k":["a"]}`, "MessageBody", `{"default":"x","sqs":"{\"k\":\"a\"}"}`, []func(*snsapi.PublishInput){structured}, true},
			{`{"k":["a"]}`, "MessageBody", `{"default":"{\"k\":\"a\"}","sqs":"x"}`, []func(*snsapi.PublishInput){structured}, false},
		} {
			q := f.queue("q", nil)
			a := attrs{"FilterPolicy": c.policy, "RawMessageDelivery": "true"}
			if c.scope != "" {
				a["FilterPolicyScope"] = c.scope
			}
			arn := f.subscribe(topic, "sqs", q, a)
			was := f.Stats().FilteredOut.Load()
			out := f.publish(topic, c.text, c.change...)
			if got := len(f.receive(q)) == 1; got != c.gets || !validUUID(*out.MessageId) {
				t.Errorf("%s %s %q: delivered: %v", c.policy, c.scope, c.text, got)
			}
			if counted := f.Stats().FilteredOut.Load() != was; counted == c.gets {
				t.Errorf("%s: counted: %v", c.policy, counted)
			}
			f.does(snsapi.Unsubscribe, &snsapi.UnsubscribeInput{SubscriptionArn: &arn})
		}
	})
}

// TestPublishCounts: what is pending or gets everything is not filtered out.
func TestPublishCounts(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic, q := f.topic("t", nil), f.queue("q", nil)
		f.subscribe(topic, "sqs", q, nil)
		f.subscribe(topic, "email", "a@example.com", nil)
		f.publish(topic, "m")
		s := f.Stats()
		f.same(fmt.Sprint(s.Published.Load(), s.FilteredOut.Load()), "1 0")
		f.subscribe(topic, "sqs", queueARN("r"), attrs{"FilterPolicy": `{"k":["v"]}`})
		f.publish(topic, "m")
		f.same(fmt.Sprint(s.Published.Load(), s.FilteredOut.Load()), "2 1")
	})
}
