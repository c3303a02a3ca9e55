package sns

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/spillway/spillway/internal/api/snsapi"
)

// what changes from run to run in what subscribers get.
var varying = []struct {
	*regexp.Regexp
	to string
}{
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`), "UUID"},
	{regexp.MustCompile(`Service-[0-9a-f]{32}\.pem`), "Service-HEX32.pem"},
	{regexp.MustCompile(`[0-9a-f]{256}`), "HEX256"},
	{regexp.MustCompile(`"[A-Za-z0-9+/]{342}=="`), `"BASE64-256-BYTES"`},
	{regexp.MustCompile(`"[0-9]{20}"`), `"DIGITS20"`},
}

func steady(s string) string {
	for _, v := range varying {
		s = v.ReplaceAllString(s, v.to)
	}
	return s
}

// golden compares with testdata/NAME, byte for byte. The files were checked by hand
// against what AWS sent (facts-sns.md 7).
func (f *fixture) golden(name, got string) {
	f.Helper()
	got = steady(got)
	path := "testdata/" + name
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			f.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	if got != string(want) {
		f.Errorf("%s:\n got %s\nwant %s", name, got, want)
	}
}

// everything is a message with all there can be.
var everything = []func(*snsapi.PublishInput){
	subject(`a "subject" </b>`), with("number", "Number", "1.50"), with("binary", "Binary", "\x01\x02"), with("label", "String.custom", "v"),
	with("array", "String.Array", `["a", 1, null]`),
}

const everythingText = "line\nand \"quotes\" \\ / <&> \t\x01 ä 🙂 \u2028"

func TestEnvelopes(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic, fifo := f.topic("t", nil), f.topic("t.fifo", nil)
		second := f.topic("v2", attrs{"SignatureVersion": "2"})
		q, ordered := f.queue("q", nil), f.queue("q.fifo", nil)
		f.subscribe(topic, "sqs", q, nil)
		f.subscribe(second, "sqs", q, nil)
		f.subscribe(fifo, "sqs", ordered, nil)
		f.publish(topic, "m")
		f.golden("sqs-plain.json", *f.one(q).Body)
		f.publish(topic, everythingText, everything...)
		f.golden("sqs-everything.json", *f.one(q).Body)
		f.publish(second, "m")
		f.golden("sqs-version-2.json", *f.one(q).Body)
		f.publish(fifo, "m", append([]func(*snsapi.PublishInput){group("g"), dedup("d")}, everything...)...)
		f.golden("sqs-fifo.json", *f.one(ordered).Body)
		// Whoever signs for the queue's message: SNS.
		f.publish(topic, "m")
		m := f.one(q)
		f.same(m.Attributes["SenderId"], senderID)
		if e := f.open(*m.Body); e.MessageId == *m.MessageId {
			t.Error("the queue's message id is the notification's")
		}
	})
}

func TestEnvelopeOfVariant(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic, q, raw := f.topic("t", nil), f.queue("q", nil), f.queue("raw", nil)
		f.subscribe(topic, "sqs", q, nil)
		f.subscribe(topic, "sqs", raw, attrs{"RawMessageDelivery": "true"})
		f.subscribe(topic, "lambda", functionARN, nil)
		f.confirmed(topic, "email", "a@example.com", nil)
		f.wait(time.Second) // until it was asked to confirm: that comes in no order with what follows
		f.publish(topic, `{"default":"d","sqs":"for sqs","sqs":"for sqs, last","lambda":7,"email":"for mail"}`, structured)
		f.wait(time.Second)
		f.has(q, "for sqs, last")
		f.has(raw, "for sqs, last")
		var event struct{ Records []struct{ Sns envelope } }
		if err := json.Unmarshal([]byte(f.out.events[functionARN][0]), &event); err != nil {
			t.Fatal(err)
		}
		f.same(event.Records[0].Sns.Message, "d") // no string: as if it were not there
		if m := f.out.mails[len(f.out.mails)-1]; !strings.HasPrefix(m.Body, "for mail\n") {
			t.Error(m.Body)
		}
		// A message that is JSON itself is not touched.
		f.publish(topic, `{"a": [1,  2]}`)
		f.has(raw, `{"a": [1,  2]}`)
		f.has(q, `{"a": [1,  2]}`)
	})
}

func TestRawToQueue(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic, q := f.topic("t", nil), f.queue("q", nil)
		f.subscribe(topic, "sqs", q, attrs{"RawMessageDelivery": "true"})
		f.publish(topic, everythingText[:len(everythingText)-4]+"x", with("a", "String.custom", "v"), with("b", "Binary", "\x01"), with("l", "String.Array", `["a"]`), subject("lost"))
		if got := f.receive(q); len(got) != 0 {
			t.Fatal("a queue took a control character") // refused by the queue, so dropped
		}
		f.publish(topic, "text 🙂", with("a", "String.custom", "v"), with("b", "Binary", "\x01"), with("l", "String.Array", `["a"]`), subject("lost"))
		m := f.one(q)
		f.same(*m.Body, "text 🙂")
		var names []string
		for name, v := range m.MessageAttributes {
			s := name + " " + *v.DataType
			if v.StringValue != nil {
				s += " " + *v.StringValue
			}
			names = append(names, s+fmt.Sprint(v.BinaryValue))
		}
		slices.Sort(names)
		f.same(names, []string{"a String.custom v[]", "b Binary[1]", `l String.Array ["a"][]`})
		// By the published algorithm, over the attributes as they were sent.
		f.same(*m.MD5OfMessageAttributes, attributesMD5("a", "String.custom", "v", "b", "Binary", "\x01", "l", "String.Array", `["a"]`))
	})
}

func TestLambdaEvent(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic, second := f.topic("t", nil), f.topic("v2", attrs{"SignatureVersion": "2"})
		f.subscribe(topic, "lambda", functionARN, nil)
		f.subscribe(second, "lambda", functionARN, nil)
		f.publish(topic, "m")
		f.wait(time.Second)
		f.publish(topic, everythingText, everything...)
		f.wait(time.Second)
		f.publish(second, "m")
		f.wait(time.Second)
		got := f.out.events[functionARN]
		if len(got) != 3 {
			t.Fatalf("%q", got)
		}
		f.golden("lambda-plain.json", got[0])
		f.golden("lambda-everything.json", got[1])
		f.golden("lambda-version-2.json", got[2])
	})
}

func TestFirehoseRecords(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic := f.topic("t", nil)
		f.subscribe(topic, "firehose", hoseARN, attrs{"SubscriptionRoleArn": roleARN})
		f.subscribe(topic, "firehose", hoseARN+"raw", attrs{"SubscriptionRoleArn": roleARN, "RawMessageDelivery": "true"})
		f.publish(topic, everythingText, everything...)
		f.wait(time.Second)
		f.publish(topic, "m")
		f.wait(time.Second)
		f.golden("firehose.json", strings.Join(f.out.records[hoseARN], ""))
		f.same(f.out.records[hoseARN+"raw"], []string{"|" + everythingText, "|m"})
	})
}

func TestKinesisRecords(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic := f.topic("t", nil)
		f.subscribe(topic, "kinesis", streamARN, nil)
		f.subscribe(topic, "kinesis", streamARN+"raw", attrs{"RawMessageDelivery": "true"})
		out := f.publish(topic, "m")
		f.wait(time.Second)
		f.publish(topic, "n", group("g"))
		f.wait(time.Second)
		key, body, _ := strings.Cut(f.out.records[streamARN][0], "|")
		f.same(key, *out.MessageId)
		f.golden("sqs-plain.json", body)
		f.same(f.out.records[streamARN+"raw"], []string{*out.MessageId + "|m", "g|n"})
	})
}

// head is a request's headers, sorted.
func head(p post) string {
	var lines []string
	for _, k := range slices.Sorted(maps.Keys(p.Header)) {
		lines = append(lines, strings.ToLower(k)+": "+strings.Join(p.Header[k], "; "))
	}
	return steady(strings.Join(lines, "\n"))
}

func TestHTTPRequests(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic := f.topic("t", nil)
		arn := f.subscribe(topic, "https", "https://example.com/in", nil)
		raw := f.subscribe(topic, "http", web, attrs{"RawMessageDelivery": "true"})
		f.wait(time.Second)
		asked := f.out.took("https://example.com/in")[0]
		f.golden("http-confirm.txt", head(asked)+"\n\n"+string(asked.Body))
		f.confirm(topic, f.token(arn))
		f.confirm(topic, f.token(raw))
		f.out.took("")
		f.publish(topic, everythingText, everything...)
		f.wait(time.Second)
		got := f.out.took("https://example.com/in")[0]
		f.golden("http-notification.txt", head(got)+"\n\n"+string(got.Body))
		got = f.out.took(web)[0]
		f.golden("http-raw.txt", head(got)+"\n\n"+string(got.Body))
		f.does(snsapi.Unsubscribe, &snsapi.UnsubscribeInput{SubscriptionArn: &arn})
		f.wait(time.Second)
		got = f.out.took("")[0]
		f.golden("http-unsubscribe.txt", head(got)+"\n\n"+string(got.Body))
		// The ids in the header are those of the body.
		if e := f.open(string(got.Body)); got.Header.Get("X-Amz-Sns-Message-Id") != e.MessageId {
			t.Error(got.Header)
		}
	})
}

// TestContentTypeOfNotifications: the policy is about notifications only.
func TestContentTypeOfNotifications(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic := f.topic("t", attrs{"DeliveryPolicy": `{"http":{"defaultRequestPolicy":{"headerContentType":"application/json"}}}`})
		kind := func(change func(arn string)) string {
			url := web + fmt.Sprint(time.Now().UnixNano())
			arn := f.subscribe(topic, "http", url, nil)
			f.wait(time.Second)
			f.same(f.out.took(url)[0].Header.Get("Content-Type"), "text/plain; charset=UTF-8")
			f.confirm(topic, f.token(arn))
			change(arn)
			f.publish(topic, "m")
			f.wait(time.Second)
			return f.out.took(url)[0].Header.Get("Content-Type")
		}
		f.same(kind(func(string) {}), "application/json")
		f.same(kind(func(arn string) {
			f.set(arn, "RawMessageDelivery", "true")
			f.set(arn, "DeliveryPolicy", `{"requestPolicy":{"headerContentType":"text/csv; charset=utf-8"}}`)
		}), "text/csv; charset=utf-8")
	})
}

// TestLinksUseTheConfiguredURL: and verifiers can be sent elsewhere for the certificate.
func TestLinksUseTheConfiguredURL(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic, q := f.topic("t", nil), f.queue("q", nil)
		f.subscribe(topic, "sqs", q, nil)
		f.publish(topic, "m")
		e := f.open(*f.one(q).Body)
		f.same(e.SigningCertURL, "https://sns.us-east-1.amazonaws.com/c.pem")
		if !strings.HasPrefix(e.UnsubscribeURL, "https://sns.example.com/?Action=Unsubscribe&SubscriptionArn="+topic+":") {
			t.Error(e.UnsubscribeURL)
		}
	}, func(c *Config) {
		c.URL, c.CertificateURL = "https://sns.example.com", "https://sns.us-east-1.amazonaws.com/c.pem"
	})
}

// TestTenantsOfStandardTopics: a group of a standard topic reaches the queue.
func TestTenantsOfStandardTopics(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic, q, raw := f.topic("t", nil), f.queue("q", nil), f.queue("raw", nil)
		f.subscribe(topic, "sqs", q, nil)
		f.subscribe(topic, "sqs", raw, attrs{"RawMessageDelivery": "true"})
		f.publish(topic, "m", group("tenant"))
		f.same(f.one(q).Attributes["MessageGroupId"], "tenant")
		f.same(f.one(raw).Attributes["MessageGroupId"], "tenant")
		f.invalid(snsapi.Publish, message(topic, "m", group("a b")), "Invalid parameter: MessageGroupId Reason: ...")
	})
}

func TestTraceHeaderReachesTheQueue(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic, q := f.topic("t", nil), f.queue("q", nil)
		f.subscribe(topic, "sqs", q, nil)
		f.call.TraceHeader = "Root=1-5759e988-bd862e3fe1be46a994272793"
		f.publish(topic, "m")
		f.same(f.one(q).Attributes["AWSTraceHeader"], f.call.TraceHeader)
	})
}

// FuzzAppendJSON: what is written reads back, and nothing is escaped that need not be.
func FuzzAppendJSON(f *testing.F) {
	f.Add(everythingText)
	f.Add("\xff\xc3\x28")
	f.Add(`\/ \u003c`)
	f.Fuzz(func(t *testing.T, s string) {
		b := appendJSON(nil, s)
		var back string
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatalf("%q: %v", b, err)
		}
		if utf8.ValidString(s) && back != s {
			t.Fatalf("%q reads back as %q", s, back)
		}
		escapes := strings.ReplaceAll(string(b), `\\`, "") // what follows an escaped backslash is not escaped
		if strings.Contains(escapes, `\/`) || strings.Contains(escapes, `\u003c`) || !utf8.Valid(b) {
			t.Fatalf("%q", b)
		}
	})
}
