package e2e

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// TestText: what goes in comes out, through both protocols; what XML cannot carry
// is refused (41).
func TestText(t *testing.T) {
	f := dev(t)
	f.create("q", "")
	for _, body := range []string{
		"héllo wörld", "😀𝄞", "a\rb", "\r\n\t", " ", "<x a='1'>&amp;\"]]></x>", "\uE000\uFFFD", "\u2028\u0085", strings.Repeat("é", 1000),
	} {
		sum := md5.Sum([]byte(body))
		digest := hex.EncodeToString(sum[:])
		quoted, _ := json.Marshal(body)
		viaJSON := func() { f.json("SendMessage", `{"QueueUrl":"q","MessageBody":`+string(quoted)+`}`) }
		viaQuery := func() { f.query("/"+account+"/q", "Action=SendMessage&MessageBody="+url.QueryEscape(body)) }
		for _, send := range []func(){viaJSON, viaQuery} {
			send()
			if m := f.one("q", ""); m.Body != body || m.MD5OfBody != digest {
				t.Errorf("%q became %q over JSON", body, m.Body)
			}
			send()
			var got struct {
				Message struct{ Body, MD5OfBody string } `xml:"ReceiveMessageResult>Message"`
			}
			res := f.query("/"+account+"/q", "Action=ReceiveMessage")
			if err := xml.Unmarshal([]byte(res.text), &got); err != nil || got.Message.Body != body || got.Message.MD5OfBody != digest {
				t.Errorf("%q became %q over XML: %v", body, got.Message.Body, err)
			}
		}
	}
	for _, body := range []string{`\u0000`, `\u001f`, `\uFFFE`, `\uFFFF`} {
		if res := f.json("SendMessage", `{"QueueUrl":"q","MessageBody":"a`+body+`"}`); res.status != 400 || !strings.Contains(res.text, "InvalidMessageContents") {
			t.Errorf("%s: %d %s", body, res.status, res.text)
		}
	}
	if res := f.json("SendMessage", "{\"QueueUrl\":\"q\",\"MessageBody\":\"a\xff\"}"); res.status != 400 {
		t.Errorf("no UTF-8: %d %s", res.status, res.text)
	}
	// Half a surrogate pair becomes U+FFFD: so do the SDKs that compute its digest.
	f.json("SendMessage", `{"QueueUrl":"q","MessageBody":"a\ud800"}`)
	if m := f.one("q", ""); m.Body != "a\uFFFD" {
		t.Errorf("%q", m.Body)
	}
}

// TestLargest: a body of 1 MiB is taken however JSON writes it, one byte more is
// not, in the words for each kind of call (10, 12).
func TestLargest(t *testing.T) {
	f := dev(t)
	f.create("q", "")
	const mib = 1 << 20
	for name, unit := range map[string]string{"plain": "a", "escaped": `\u0061`, "newlines": `\n`} {
		res := f.json("SendMessage", `{"QueueUrl":"q","MessageBody":"`+strings.Repeat(unit, mib)+`"}`)
		if res.status != 200 {
			t.Fatalf("%s: %d %s", name, res.status, res.text)
		}
		if m := f.one("q", ""); len(m.Body) != mib {
			t.Errorf("%s: received %d bytes", name, len(m.Body))
		}
	}
	long := strings.Repeat("a", mib)
	f.is(f.json("SendMessage", `{"QueueUrl":"q","MessageBody":"a`+long+`"}`), 400,
		`{"__type":"com.amazon.coral.service#InvalidParameterValueException","message":"One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes."}`)
	half := long[mib/2:]
	f.is(f.json("SendMessageBatch", fmt.Sprintf(`{"QueueUrl":"q","Entries":[{"Id":"a","MessageBody":%q},{"Id":"b","MessageBody":"b%s"}]}`, half, half)), 400,
		`{"__type":"com.amazonaws.sqs#BatchRequestTooLong","message":"Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes."}`)
	if res := f.query("/"+account+"/q", "Action=SendMessage&MessageBody="+strings.Repeat("%61", mib)); res.status != 200 {
		t.Errorf("form: %d %s", res.status, res.text)
	}
}

// TestSystemAttributes: both spellings of the list in JSON, the old one alone in
// query; attributes that are not there are left out (24, 25); the trace header
// of HTTP goes along, into the dead-letter queue too (40).
func TestSystemAttributes(t *testing.T) {
	f := dev(t)
	f.create("dead", "")
	f.create("q", `{"VisibilityTimeout":"0","RedrivePolicy":"{\"deadLetterTargetArn\":\"arn:aws:sqs:us-east-1:000000000000:dead\",\"maxReceiveCount\":3}"}`)
	f.json("SendMessage", `{"QueueUrl":"q","MessageBody":"m"}`, "X-Amzn-Trace-Id", "Root=1-5759e988-bd862e3fe1be46a994272793")
	m := f.one("q", `"AttributeNames":["SenderId"],"MessageSystemAttributeNames":["All"]`)
	if len(m.Attributes) != 5 || m.Attributes["AWSTraceHeader"] != "Root=1-5759e988-bd862e3fe1be46a994272793" || m.Attributes["ApproximateReceiveCount"] != "1" {
		t.Errorf("%v", m.Attributes)
	}
	if m = f.one("q", `"AttributeNames":["SequenceNumber","DeadLetterQueueSourceArn"]`); m.Attributes != nil {
		t.Errorf("%v", m.Attributes)
	}
	res := f.query("/"+account+"/q", "Action=ReceiveMessage&AttributeName.1=SenderId&MessageSystemAttributeName.1=All")
	if n := strings.Count(res.text, "<Attribute>"); n != 1 || !strings.Contains(res.text, "<Name>SenderId</Name>") {
		t.Errorf("%s", res.text)
	}
	f.receive("q", "")
	moved := f.one("dead", `"AttributeNames":["All"],"WaitTimeSeconds":5`)
	if moved.MessageId != m.MessageId || moved.Attributes["AWSTraceHeader"] == "" || moved.Attributes["DeadLetterQueueSourceArn"] != "arn:aws:sqs:us-east-1:000000000000:q" || moved.Attributes["ApproximateReceiveCount"] != "4" {
		t.Errorf("%+v", moved)
	}
	// An explicit system attribute goes before the header.
	f.json("SendMessage", `{"QueueUrl":"dead","MessageBody":"m","MessageSystemAttributes":{"AWSTraceHeader":{"DataType":"String","StringValue":"Root=mine"}}}`, "X-Amzn-Trace-Id", "Root=1")
	if m = f.one("dead", `"MessageSystemAttributeNames":["AWSTraceHeader"]`); m.Attributes["AWSTraceHeader"] != "Root=mine" {
		t.Errorf("%v", m.Attributes)
	}
}

// TestAttributeSelection: which message attributes come back, and that the digest
// is theirs alone (22, 23, section 6).
func TestAttributeSelection(t *testing.T) {
	f := dev(t)
	f.create("q", `{"VisibilityTimeout":"0"}`)
	text := func(s string) string { return `{"DataType":"String","StringValue":"` + s + `"}` }
	res := f.json("SendMessage", `{"QueueUrl":"q","MessageBody":"hello","MessageAttributes":{"Help.Me":`+text("Me")+`,"Hello":`+text("There")+`,"General":`+text("Kenobi")+`}}`)
	sent := decode[struct{ MD5OfMessageBody, MD5OfMessageAttributes string }](f, res)
	if sent.MD5OfMessageBody != "5d41402abc4b2a76b9719d911017c592" || sent.MD5OfMessageAttributes != "4c360f3fdafd970e05fae2f149d997f5" {
		t.Errorf("%+v", sent)
	}
	seen := map[string]bool{}
	for _, c := range []struct {
		names string
		want  int
	}{{`"All"`, 3}, {`".*"`, 3}, {`"*"`, 3}, {`"Hel.*"`, 2}, {`"Help"`, 0}, {`"Hello"`, 1}, {`"bar.*"`, 0}, {`"AWS.","..x"`, 0}, {`"General","Hello"`, 2}} {
		m := f.one("q", `"MessageAttributeNames":[`+c.names+`]`)
		if len(m.MessageAttributes) != c.want || (m.MD5OfMessageAttributes == "") != (c.want == 0) {
			t.Errorf("%s: %v, digest %q", c.names, m.MessageAttributes, m.MD5OfMessageAttributes)
		}
		seen[m.MD5OfMessageAttributes] = true
	}
	if len(seen) != 5 || !seen["4c360f3fdafd970e05fae2f149d997f5"] {
		t.Errorf("digests %v", seen)
	}
}

// TestAttributeValues: what a value may be (43), with the label in the digest.
func TestAttributeValues(t *testing.T) {
	f := dev(t)
	f.create("q", "")
	digests := map[string]bool{}
	for _, c := range []struct {
		attribute string
		status    int
	}{
		{`{"DataType":"Number.int","StringValue":"3"}`, 200},
		{`{"DataType":"Number","StringValue":"3"}`, 200},
		{`{"DataType":"Number","StringValue":""}`, 400},
		{`{"DataType":"Number","StringValue":"x"}`, 400},
		{`{"DataType":"String","StringValue":""}`, 400},
		{`{"DataType":"String"}`, 400},
		{`{"DataType":"Binary","BinaryValue":""}`, 400},
		{`{"DataType":"Binary","StringValue":"x"}`, 400},
		{`{"DataType":"","StringValue":"x"}`, 400},
		{`{"DataType":"Thing","StringValue":"x"}`, 400},
		{`{"DataType":"String","StringValue":"\u0000"}`, 400},
		{`{"DataType":"String","StringListValues":["x"]}`, 400},
	} {
		res := f.json("SendMessage", `{"QueueUrl":"q","MessageBody":"m","MessageAttributes":{"k":`+c.attribute+`}}`)
		if res.status != c.status {
			t.Errorf("%s: %d %s", c.attribute, res.status, res.text)
			continue
		}
		if res.status == 200 {
			digests[decode[struct{ MD5OfMessageAttributes string }](f, res).MD5OfMessageAttributes] = true
		} else if strings.Contains(c.attribute, "List") != strings.Contains(res.text, "UnsupportedOperation") || strings.Contains(res.text, "InvalidMessageContents") {
			t.Errorf("%s: %s", c.attribute, res.text)
		}
	}
	if len(digests) != 2 {
		t.Errorf("digests %v", digests)
	}
}
