package awsjson_test

import (
	"testing"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/wire"
	"github.com/spillway/spillway/internal/wire/awsjson"
)

func BenchmarkDecodeSendMessage(b *testing.B) {
	p := awsjson.New("1.0")
	r := &wire.Request{Body: []byte(`{"MessageBody":"{\"order\":1234,\"customer\":\"someone\",\"items\":[1,2,3]}","QueueUrl":"http://localhost:4566/000000000000/orders"}`)}
	b.ReportAllocs()
	b.SetBytes(int64(len(r.Body)))
	for b.Loop() {
		if _, err := p.Decode(sqsapi.SendMessage, r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeSendMessagePlain(b *testing.B) {
	p := awsjson.New("1.0")
	r := &wire.Request{Body: []byte(`{"MessageBody":"order 1234 of customer someone, with items 1, 2, 3 and 4","QueueUrl":"http://localhost:4566/000000000000/orders"}`)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Decode(sqsapi.SendMessage, r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeSendMessage(b *testing.B) {
	p := awsjson.New("1.0")
	out := &sqsapi.SendMessageResult{
		MessageId:        new("0f3e0d0a-6f2b-4c57-8f7a-1c1f6d4d3b2a"),
		MD5OfMessageBody: new("098f6bcd4621d373cade4e832627b4f6"),
	}
	buf := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		p.Encode(sqsapi.Service, sqsapi.SendMessage, out, "", buf)
	}
}

func BenchmarkEncodeReceiveMessage(b *testing.B) {
	p := awsjson.New("1.0")
	out := &sqsapi.ReceiveMessageResult{}
	for range 10 {
		out.Messages = append(out.Messages, sqsapi.Message{
			MessageId:     new("0f3e0d0a-6f2b-4c57-8f7a-1c1f6d4d3b2a"),
			ReceiptHandle: new("AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a"),
			MD5OfBody:     new("098f6bcd4621d373cade4e832627b4f6"),
			Body:          new(`{"order":1234,"customer":"someone","items":[1,2,3]}`),
			Attributes:    map[string]string{"ApproximateReceiveCount": "1", "SentTimestamp": "1700000000000"},
		})
	}
	buf := make([]byte, 0, 8192)
	b.ReportAllocs()
	for b.Loop() {
		p.Encode(sqsapi.Service, sqsapi.ReceiveMessage, out, "", buf)
	}
}
