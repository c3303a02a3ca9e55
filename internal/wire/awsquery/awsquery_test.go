package awsquery_test

import (
	"encoding/xml"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/smithy"
	"github.com/spillway/spillway/internal/wire"
	"github.com/spillway/spillway/internal/wire/awsquery"
	"github.com/spillway/spillway/internal/wire/wiretest"
)

const (
	responseStart = ` xmlns="http://queue.amazonaws.com/doc/2012-11-05/">`
	metadata      = `<ResponseMetadata><RequestId>rid</RequestId></ResponseMetadata>`
)

// outputs are responses in both forms, as recorded (facts-sqs.md 1.2).
var outputs = []struct {
	op        *smithy.Operation
	out       smithy.Shape
	xml, json string
}{
	{sqsapi.DeleteMessage, nil, "", ""},
	{sqsapi.ReceiveMessage, &sqsapi.ReceiveMessageResult{}, `<ReceiveMessageResult/>`, `"ReceiveMessageResult":{}`},
	{
		sqsapi.ListQueues, &sqsapi.ListQueuesResult{QueueUrls: []string{"http://h/1/a?b&c", "u"}, NextToken: new("")},
		`<ListQueuesResult><QueueUrl>http://h/1/a?b&amp;c</QueueUrl><QueueUrl>u</QueueUrl><NextToken/></ListQueuesResult>`,
		`"ListQueuesResult":{"queueUrls":["http://h/1/a?b&c","u"],"NextToken":""}`,
	},
	{
		sqsapi.GetQueueAttributes, &sqsapi.GetQueueAttributesResult{Attributes: map[string]string{"DelaySeconds": "0", "A": "\r"}},
		`<GetQueueAttributesResult><Attribute><Name>A</Name><Value>&#xD;</Value></Attribute><Attribute><Name>DelaySeconds</Name><Value>0</Value></Attribute></GetQueueAttributesResult>`,
		`"GetQueueAttributesResult":{"Attributes":[{"Name":"A","Value":"\r"},{"Name":"DelaySeconds","Value":"0"}]}`,
	},
	{
		sqsapi.ReceiveMessage, &sqsapi.ReceiveMessageResult{Messages: []sqsapi.Message{{
			MessageId: new("m"), ReceiptHandle: new("h"), MD5OfBody: new("5"), Body: new("b"),
			Attributes: map[string]string{"SenderId": "s"}, MD5OfMessageAttributes: new("6"),
			MessageAttributes: map[string]sqsapi.MessageAttributeValue{"k": {BinaryValue: []byte("x"), DataType: new("Binary"), StringListValues: []string{"1", "2"}}},
		}, {MessageId: new("n")}}},
		`<ReceiveMessageResult><Message><MessageId>m</MessageId><ReceiptHandle>h</ReceiptHandle><MD5OfBody>5</MD5OfBody><Body>b</Body>` +
			`<Attribute><Name>SenderId</Name><Value>s</Value></Attribute><MD5OfMessageAttributes>6</MD5OfMessageAttributes>` +
			`<MessageAttribute><Name>k</Name><Value><BinaryValue>eA==</BinaryValue><DataType>Binary</DataType><StringListValue>1</StringListValue><StringListValue>2</StringListValue></Value></MessageAttribute>` +
			`</Message><Message><MessageId>n</MessageId></Message></ReceiveMessageResult>`,
		`"ReceiveMessageResult":{"messages":[{"MessageId":"m","ReceiptHandle":"h","MD5OfBody":"5","Body":"b","Attributes":[{"Name":"SenderId","Value":"s"}],"MD5OfMessageAttributes":"6",` +
			`"MessageAttributes":[{"Name":"k","Value":{"BinaryValue":"eA==","DataType":"Binary","StringListValues":["1","2"]}}]},{"MessageId":"n"}]}`,
	},
	{
		sqsapi.SendMessageBatch, &sqsapi.SendMessageBatchResult{
			Successful: []sqsapi.SendMessageBatchResultEntry{{Id: new("1")}},
			Failed:     []sqsapi.BatchResultErrorEntry{{Id: new("2"), SenderFault: new(true), Code: new("c")}},
		},
		`<SendMessageBatchResult><BatchResultErrorEntry><Code>c</Code><Id>2</Id><SenderFault>true</SenderFault></BatchResultErrorEntry>` +
			`<SendMessageBatchResultEntry><Id>1</Id></SendMessageBatchResultEntry></SendMessageBatchResult>`,
		`"SendMessageBatchResult":{"Failed":[{"Code":"c","Id":"2","SenderFault":true}],"Successful":[{"Id":"1"}]}`,
	},
}

func TestOutputs(t *testing.T) {
	t.Parallel()
	for _, c := range outputs {
		name := c.op.Name
		res := awsquery.New().Encode(sqsapi.Service, c.op, c.out, "rid", nil)
		want := "<" + name + "Response" + responseStart + c.xml + metadata + "</" + name + "Response>"
		if string(res.Body) != want || res.ContentType != "text/xml" || res.Status != 200 {
			t.Errorf("%s:\n got %s\nwant %s", name, res.Body, want)
		}
		res = awsquery.NewJSONResult().Encode(sqsapi.Service, c.op, c.out, "rid", nil)
		result := c.json
		if result != "" {
			result += ","
		}
		want = `{"` + name + `Response":{` + result + `"ResponseMetadata":{"RequestId":"rid"}}}`
		if string(res.Body) != want || res.ContentType != "application/json" {
			t.Errorf("%s:\n got %s\nwant %s", name, res.Body, want)
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	err := sqsapi.QueueDoesNotExist.New("The specified queue does not exist.")
	err.QueryMessage = "The specified queue does not exist for this wsdl version."
	res := awsquery.New().EncodeError(sqsapi.Service, nil, err, "rid", nil)
	want := `<ErrorResponse` + responseStart + `<Error><Type>Sender</Type><Code>AWS.SimpleQueueService.NonExistentQueue</Code>` +
		`<Message>The specified queue does not exist for this wsdl version.</Message><Detail/></Error><RequestId>rid</RequestId></ErrorResponse>`
	if string(res.Body) != want || res.Status != 400 || len(res.Fields) != 0 {
		t.Errorf("got %s\nwant %s", res.Body, want)
	}
	res = awsquery.NewJSONResult().EncodeError(nil, nil, err, "rid", nil)
	want = `{"Error":{"Code":"AWS.SimpleQueueService.NonExistentQueue","Detail":null,"Message":"The specified queue does not exist for this wsdl version.","Type":"Sender"},"RequestId":"rid"}`
	if string(res.Body) != want {
		t.Errorf("got %s\nwant %s", res.Body, want)
	}
}

// TestTextRoundTrip: every character that XML can carry comes back from a
// parser as it was.
func TestTextRoundTrip(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"\r", "a\rb\r\nc\n\t", "😀\uFFFD", "]]></Body>&amp;\"'", wiretest.Text} {
		out := &sqsapi.ReceiveMessageResult{Messages: []sqsapi.Message{{Body: &s}}}
		res := awsquery.New().Encode(sqsapi.Service, sqsapi.ReceiveMessage, out, "rid", nil)
		var got struct {
			Body string `xml:"ReceiveMessageResult>Message>Body"`
		}
		if err := xml.Unmarshal(res.Body, &got); err != nil || got.Body != s {
			t.Errorf("%q became %q: %v", s, got.Body, err)
		}
	}
	out := &sqsapi.CreateQueueResult{QueueUrl: new("\x00\x1f\uFFFE\xff")}
	res := awsquery.New().Encode(sqsapi.Service, sqsapi.CreateQueue, out, "rid", nil)
	if want := "<QueueUrl>&#x0;&#x1f;&#xfffe;\uFFFD</QueueUrl>"; !strings.Contains(string(res.Body), want) {
		t.Errorf("%s lacks %s", res.Body, want)
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]smithy.Shape{
		"": &sqsapi.SetQueueAttributesRequest{},
		"Attribute.10.Name=b&Attribute.10.Value=2&Attribute.3.Name=a&Attribute.3.Value=x+%2b%c3%A9&Attribute.99999999999999999999.Name=no": &sqsapi.SetQueueAttributesRequest{Attributes: map[string]string{"a": "x +é", "b": "2"}},
		"Attribute.Name=Policy&Attribute.Value=": &sqsapi.SetQueueAttributesRequest{Attributes: map[string]string{"Policy": ""}},
		"Attribute.1.Name=Policy":                &sqsapi.SetQueueAttributesRequest{Attributes: map[string]string{"Policy": ""}},
		"AttributeName.2147483647=z&AttributeName.2=b&AttributeName.10=c&AttributeName.1=a&AttributeNames=q&AttributeName-=q": &sqsapi.GetQueueAttributesRequest{AttributeNames: []string{"a", "b", "c", "z"}},
		"AttributeName=All&&=&QueueUrl=u": &sqsapi.GetQueueAttributesRequest{AttributeNames: []string{"All"}, QueueUrl: new("u")},
		"AttributeName=":                  &sqsapi.GetQueueAttributesRequest{AttributeNames: []string{}},
		"SendMessageBatchRequestEntry.2.Id=2&SendMessageBatchRequestEntry.2.MessageAttribute.1.Name=k&SendMessageBatchRequestEntry.2.MessageAttribute.1.Value.BinaryValue=eA%3d%3D&SendMessageBatchRequestEntry.1.DelaySeconds=5": &sqsapi.SendMessageBatchRequest{Entries: []sqsapi.SendMessageBatchRequestEntry{
			{DelaySeconds: new(int32(5))},
			{Id: new("2"), MessageAttributes: map[string]sqsapi.MessageAttributeValue{"k": {BinaryValue: []byte("x")}}},
		}},
	} {
		op := &smithy.Operation{NewInput: func() smithy.Shape { return reflect.New(reflect.TypeOf(want).Elem()).Interface().(smithy.Shape) }}
		got, err := awsquery.New().Decode(op, &wire.Request{Body: []byte(query)})
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %+v, %v\nwant %+v", query, got, err, want)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	var many strings.Builder
	for i := range 10001 {
		fmt.Fprintf(&many, "a%d=&", i)
	}
	for query, want := range map[string]string{
		"DelaySeconds=x":                      "The value of parameter DelaySeconds can not be converted to an Integer",
		"DelaySeconds=99999999999":            "The value of parameter DelaySeconds can not be converted to an Integer",
		"MessageBody.1=x":                     "The value of parameter MessageBody can not be converted to a String",
		"MessageBody=%zz":                     "The request is not valid form data in UTF-8.",
		"MessageBody=%f":                      "The request is not valid form data in UTF-8.",
		"MessageBody=%ff":                     "The request is not valid form data in UTF-8.",
		"MessageAttribute.1.Value.DataType=x": "A map entry lacks its Name.",
		many.String():                         "The request has more than 10000 parameters.",
	} {
		_, err := awsquery.New().Decode(sqsapi.SendMessage, &wire.Request{RawQuery: query})
		if err == nil || err.Error() != "MalformedInput: "+want {
			t.Errorf("%.40s: %v, want %s", query, err, want)
		}
	}
}

// TestMerge: parameters may be in the query string and the body; the body wins.
func TestMerge(t *testing.T) {
	t.Parallel()
	r := &wire.Request{
		Method: "POST", RawQuery: "Action=A&Version=1&QueueUrl=q&MessageBody=q", Body: []byte("MessageBody=b&Action=Send%4dessage"),
		Header: wiretest.Header{"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"},
	}
	if action, version := awsquery.Action(r); action != "SendMessage" || version != "1" {
		t.Errorf("action %q, version %q", action, version)
	}
	got, err := awsquery.New().Decode(sqsapi.SendMessage, r)
	if want := (&sqsapi.SendMessageRequest{QueueUrl: new("q"), MessageBody: new("b")}); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	r.Header = wiretest.Header{"Content-Type": "application/x-amz-json-1.0"}
	if action, _ := awsquery.Action(r); action != "A" {
		t.Errorf("action %q came from a body that is no form", action)
	}
}

// FuzzDecode: no input panics; what is accepted survives being written again.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		"SendMessageBatchRequestEntry.2.Id=2&SendMessageBatchRequestEntry.2.MessageAttribute.1.Name=k&SendMessageBatchRequestEntry.2.MessageAttribute.1.Value.BinaryValue=eA%3d%3D",
		"SendMessageBatchRequestEntry=&SendMessageBatchRequestEntry..=1&SendMessageBatchRequestEntry.1.=1&.=&..=&=", "%41=%",
		"SendMessageBatchRequestEntry.1.MessageAttribute.Name=x&SendMessageBatchRequestEntry.1.DelaySeconds=+5",
	} {
		f.Add([]byte(s))
	}
	p := awsquery.New()
	f.Fuzz(func(t *testing.T, body []byte) {
		awsquery.Action(&wire.Request{Body: body})
		in, err := p.Decode(sqsapi.SendMessageBatch, &wire.Request{Body: body})
		if err != nil {
			return
		}
		// Writing drops what forms cannot say, such as an entry without members,
		// and numbers elements anew: from then on nothing may change.
		var forms [3]url.Values
		for i := range forms {
			forms[i] = form(in)
			if in, err = p.Decode(sqsapi.SendMessageBatch, &wire.Request{RawQuery: forms[i].Encode()}); err != nil {
				t.Fatalf("%q: %v", forms[i], err)
			}
		}
		if !reflect.DeepEqual(forms[1], forms[2]) {
			t.Fatalf("%q became %q", forms[1], forms[2])
		}
	})
}

func BenchmarkDecodeSendMessage(b *testing.B) {
	p := awsquery.New()
	v := url.Values{"Action": {"SendMessage"}, "Version": {"2012-11-05"}, "QueueUrl": {"http://localhost:4566/000000000000/orders"}, "MessageBody": {`{"order":1234,"items":[1,2,3]}`}}
	r := &wire.Request{Body: []byte(v.Encode())}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Decode(sqsapi.SendMessage, r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeReceiveMessage(b *testing.B) {
	p := awsquery.New()
	buf := make([]byte, 0, 8192)
	b.ReportAllocs()
	for b.Loop() {
		p.Encode(sqsapi.Service, outputs[4].op, outputs[4].out, "rid", buf)
	}
}
