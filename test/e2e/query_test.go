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

const (
	start2012  = ` xmlns="http://queue.amazonaws.com/doc/2012-11-05/">`
	metadata   = `<ResponseMetadata><RequestId>RID</RequestId></ResponseMetadata>`
	anyVersion = "Version=2012-11-05&"
)

// success is a whole answer of the query protocol.
func success(operation, result string) string {
	return "<" + operation + "Response" + start2012 + result + metadata + "</" + operation + "Response>"
}

func failure(code, message string) string {
	return "<ErrorResponse" + start2012 + "<Error><Type>Sender</Type><Code>" + code + "</Code><Message>" + message + "</Message><Detail/></Error><RequestId>RID</RequestId></ErrorResponse>"
}

// TestQuery: whole bodies of the old protocol (1, 2, 3, section 1.2).
func TestQuery(t *testing.T) {
	f := dev(t)
	q := f.create("q", "")
	at := "/" + account + "/q"
	md5Of := func(s string) string { sum := md5.Sum([]byte(s)); return hex.EncodeToString(sum[:]) }
	for _, c := range []struct {
		path, form string
		status     int
		want       string
	}{
		{"/", "Action=CreateQueue&QueueName=new&Attribute.1.Name=DelaySeconds&Attribute.1.Value=5&Tag.1.Key=k&Tag.1.Value=v", 200, success("CreateQueue", "<CreateQueueResult><QueueUrl>"+f.url+"/000000000000/new</QueueUrl></CreateQueueResult>")},
		{"/", "Action=GetQueueUrl&QueueName=q", 200, success("GetQueueUrl", "<GetQueueUrlResult><QueueUrl>"+q+"</QueueUrl></GetQueueUrlResult>")},
		{"/", "Action=ListQueueTags&QueueUrl=new", 200, success("ListQueueTags", "<ListQueueTagsResult><Tag><Key>k</Key><Value>v</Value></Tag></ListQueueTagsResult>")},
		{at, "Action=ReceiveMessage", 200, success("ReceiveMessage", "<ReceiveMessageResult/>")},
		{"/", "Action=ReceiveMessage&QueueUrl=q", 200, success("ReceiveMessage", "<ReceiveMessageResult/>")},
		{at, "Action=GetQueueAttributes&AttributeName.1=VisibilityTimeout&AttributeName.2=DelaySeconds", 200, success("GetQueueAttributes", "<GetQueueAttributesResult><Attribute><Name>DelaySeconds</Name><Value>0</Value></Attribute><Attribute><Name>VisibilityTimeout</Name><Value>30</Value></Attribute></GetQueueAttributesResult>")},
		{at, "Action=SetQueueAttributes&Attribute.Name=VisibilityTimeout&Attribute.Value=31", 200, success("SetQueueAttributes", "")},
		{at, "Action=TagQueue&Tag.1.Key=a&Tag.1.Value=b", 200, success("TagQueue", "")},
		{at, "Action=UntagQueue&TagKey.1=a", 200, success("UntagQueue", "")},
		{at, "Action=AddPermission&Label=l&AWSAccountId.1=111122223333&ActionName.1=SendMessage&ActionName.2=ReceiveMessage", 200, success("AddPermission", "")},
		{at, "Action=RemovePermission&Label=l", 200, success("RemovePermission", "")},
		{at, "Action=PurgeQueue", 200, success("PurgeQueue", "")},
		{at, "Action=DeleteMessageBatch&DeleteMessageBatchRequestEntry.1.Id=a&DeleteMessageBatchRequestEntry.1.ReceiptHandle=x", 200, success("DeleteMessageBatch", `<DeleteMessageBatchResult><BatchResultErrorEntry><Code>ReceiptHandleIsInvalid</Code><Id>a</Id><Message>The input receipt handle "x" is not a valid receipt handle.</Message><SenderFault>true</SenderFault></BatchResultErrorEntry></DeleteMessageBatchResult>`)},
		{at, "Action=DeleteMessage&ReceiptHandle=x", 404, failure("ReceiptHandleIsInvalid", `The input receipt handle "x" is not a valid receipt handle.`)},
		{at, "Action=SendMessage", 400, failure("MissingParameter", "The request must contain the parameter MessageBody.")},
		{"/", "Action=SendMessage&QueueUrl=nope&MessageBody=m", 400, failure("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist for this wsdl version.")},
		{"/000000000000/nope", "Action=SendMessage&MessageBody=m", 400, failure("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist for this wsdl version.")},
		{at, "Action=SendMessage&MessageBody=m&DelaySeconds=901", 400, failure("InvalidParameterValue", "Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be &gt;= 0 and &lt;= 900.")},
	} {
		res := f.query(c.path, anyVersion+c.form)
		got := strings.ReplaceAll(strings.ReplaceAll(res.text, "&#34;", `"`), "&quot;", `"`)
		if res.status != c.status || got != c.want {
			t.Errorf("%s %s:\n got %d %s\nwant %d %s", c.path, c.form, res.status, got, c.status, c.want)
		}
		if kind := res.header.Get("Content-Type"); kind != "text/xml" {
			t.Errorf("%s: type %q", c.form, kind)
		}
		if got := res.header.Get("x-amzn-query-error"); got != "" {
			t.Errorf("%s: x-amzn-query-error %q in the query protocol", c.form, got)
		}
	}
	// Messages: sent by a GET, with attributes flattened, received in document order.
	send := f.do("GET", q+"?"+anyVersion+"Action=SendMessage&MessageBody=a%26b&MessageAttribute.1.Name=n&MessageAttribute.1.Value.DataType=Binary&MessageAttribute.1.Value.BinaryValue=AQID"+
		"&MessageSystemAttribute.1.Name=AWSTraceHeader&MessageSystemAttribute.1.Value.DataType=String&MessageSystemAttribute.1.Value.StringValue=Root%3D1-2-3", "")
	var sent struct {
		Result struct{ MessageId, MD5OfMessageBody, MD5OfMessageAttributes, MD5OfMessageSystemAttributes string } `xml:"SendMessageResult"`
	}
	if err := xml.Unmarshal([]byte(send.text), &sent); err != nil || sent.Result.MD5OfMessageBody != md5Of("a&b") || len(sent.Result.MD5OfMessageSystemAttributes) != 32 {
		t.Fatalf("%s: %v", send.text, err)
	}
	res := f.query("/", anyVersion+"Action=ReceiveMessage&QueueUrl="+url.QueryEscape(q)+"&AttributeName.1=AWSTraceHeader&MessageAttributeName.1=All")
	var got struct {
		Message struct{ ReceiptHandle string } `xml:"ReceiveMessageResult>Message"`
	}
	if err := xml.Unmarshal([]byte(res.text), &got); err != nil {
		t.Fatal(err)
	}
	f.is(response{res.status, res.header, strings.Replace(res.text, got.Message.ReceiptHandle, "HANDLE", 1)}, 200, success("ReceiveMessage", "<ReceiveMessageResult><Message>"+
		"<MessageId>"+sent.Result.MessageId+"</MessageId><ReceiptHandle>HANDLE</ReceiptHandle><MD5OfBody>"+md5Of("a&b")+"</MD5OfBody><Body>a&amp;b</Body>"+
		"<Attribute><Name>AWSTraceHeader</Name><Value>Root=1-2-3</Value></Attribute><MD5OfMessageAttributes>"+sent.Result.MD5OfMessageAttributes+"</MD5OfMessageAttributes>"+
		"<MessageAttribute><Name>n</Name><Value><BinaryValue>AQID</BinaryValue><DataType>Binary</DataType></Value></MessageAttribute></Message></ReceiveMessageResult>"))
	f.is(f.query(at, anyVersion+"Action=DeleteMessage&ReceiptHandle="+url.QueryEscape(got.Message.ReceiptHandle)), 200, success("DeleteMessage", ""))
}

// TestQueueURL: requests to the URL of a queue (1.3, 39).
func TestQueueURL(t *testing.T) {
	f := dev(t)
	q := f.create("q", "")
	f.create("other", "")
	invalid := func(action string) string {
		return failure("InvalidAction", "The action "+action+" is not valid for this endpoint.")
	}
	for _, accept := range []string{"*/*", "application/json"} {
		for _, res := range []response{
			f.do("GET", q, "", "Accept", accept), f.do("GET", q+"?QueueUrl=x", "", "Accept", accept), f.do("POST", q, "", "Accept", accept),
			f.query("/"+account+"/q", "MessageBody=m", "Accept", accept),
		} {
			f.is(res, 404, "<UnknownOperationException/>")
			if kind := res.header.Get("Content-Type"); kind != "text/xml" {
				t.Errorf("type %q", kind)
			}
		}
	}
	f.is(f.do("GET", q+"?Action=ListQueues", ""), 400, invalid("ListQueues"))
	f.is(f.do("GET", q+"?Action=CreateQueue&QueueName=z", ""), 400, invalid("CreateQueue"))
	f.is(f.do("GET", q+"?Action=Nope", ""), 400, invalid("Nope"))
	f.is(f.do("GET", q+"?Action=GetQueueUrl&QueueName=other", ""), 200,
		success("GetQueueUrl", "<GetQueueUrlResult><QueueUrl>"+f.url+"/000000000000/other</QueueUrl></GetQueueUrlResult>"))
	// QueueUrl goes before the path.
	f.do("GET", q+"?Action=SendMessage&MessageBody=m&QueueUrl="+url.QueryEscape(f.url+"/000000000000/other"), "")
	f.one("other", "")
	f.json("DeleteQueue", `{"QueueUrl":"q"}`)
	f.is(f.do("GET", q+"?Action=ReceiveMessage", ""), 400, failure("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist for this wsdl version."))
}

// TestQueryAsJSON: Accept: application/json turns the old protocol's answers into
// the JSON of the console's time (1.2).
func TestQueryAsJSON(t *testing.T) {
	f := dev(t)
	q := f.create("q", "")
	get := func(action string) response {
		return f.do("GET", q+"?"+anyVersion+"Action="+action, "", "Accept", "application/json")
	}
	f.is(f.do("GET", f.url+"/?Action=ListQueues", "", "Accept", "application/json"), 200,
		`{"ListQueuesResponse":{"ListQueuesResult":{"queueUrls":["`+q+`"]},"ResponseMetadata":{"RequestId":"RID"}}}`)
	f.is(get("GetQueueAttributes&AttributeName.1=DelaySeconds"), 200,
		`{"GetQueueAttributesResponse":{"GetQueueAttributesResult":{"Attributes":[{"Name":"DelaySeconds","Value":"0"}]},"ResponseMetadata":{"RequestId":"RID"}}}`)
	f.json("SendMessage", `{"QueueUrl":"q","MessageBody":"m"}`)
	var got struct {
		ReceiveMessageResponse struct {
			ReceiveMessageResult struct{ Messages []message }
		}
	}
	res := get("ReceiveMessage")
	if err := json.Unmarshal([]byte(res.text), &got); err != nil || len(got.ReceiveMessageResponse.ReceiveMessageResult.Messages) != 1 || !strings.Contains(res.text, `"messages":[`) {
		t.Errorf("%s: %v", res.text, err)
	}
	res = get("Nope")
	if res.status != 400 || !strings.HasPrefix(res.text, `{"Error":{`) || !strings.HasSuffix(res.text, `"RequestId":"RID"}`) || res.header.Get("Content-Type") != "application/json" {
		t.Errorf("%d %s", res.status, res.text)
	}
}

// TestQueueURLForms: every form that clients know finds the queue, over both
// protocols (1.4, 38), and URLs come back with the host that was asked (46).
func TestQueueURLForms(t *testing.T) {
	f := dev(t)
	f.create("q", "")
	for _, form := range []string{
		"q", "/000000000000/q", "http://localhost:1/000000000000/q", "http://localhost:1/000000000000/q/",
		"https://sqs.us-east-1.amazonaws.com/000000000000/q", "https://queue.amazonaws.com/000000000000/q", "https://us-east-1.queue.amazonaws.com/000000000000/q",
		"https://sqs-fips.us-east-1.amazonaws.com/000000000000/q", "https://sqs.us-east-1.api.aws/000000000000/q",
		"https://vpce-1a2b.sqs.us-east-1.vpce.amazonaws.com/000000000000/q",
		"http://sqs.us-east-1.localhost.localstack.cloud:4566/000000000000/q", "http://us-east-1.queue.localhost.localstack.cloud:4566/000000000000/q",
		"http://localhost:4566/queue/us-east-1/000000000000/q",
	} {
		if res := f.json("GetQueueAttributes", fmt.Sprintf(`{"QueueUrl":%q,"AttributeNames":["DelaySeconds"]}`, form)); res.status != 200 {
			t.Errorf("%s: %s", form, res.text)
		}
		if res := f.query("/", anyVersion+"Action=GetQueueAttributes&QueueUrl="+url.QueryEscape(form)); res.status != 200 {
			t.Errorf("%s: %s", form, res.text)
		}
	}
	for _, form := range []string{"http://sqs.eu-west-1.amazonaws.com/000000000000/q", "http://h/queue/eu-west-1/000000000000/q", "http://h/111122223333/q", "http://h", "Q"} {
		if res := f.json("GetQueueAttributes", fmt.Sprintf(`{"QueueUrl":%q}`, form)); !strings.Contains(res.text, "QueueDoesNotExist") {
			t.Errorf("%s: %s", form, res.text)
		}
	}
	// JSON may be posted to the URL of the queue, as some SDKs do.
	if res := f.do("POST", f.url+"/000000000000/q", `{"QueueUrl":"q"}`, "Content-Type", jsonType, "X-Amz-Target", "AmazonSQS.ReceiveMessage"); res.text != "{}" {
		t.Error(res.text)
	}
	f.is(f.json("GetQueueUrl", `{"QueueName":"q"}`, "Host", "sqs.us-east-1.localhost.localstack.cloud:4567"), 200,
		`{"QueueUrl":"http://sqs.us-east-1.localhost.localstack.cloud:4567/000000000000/q"}`)
}
