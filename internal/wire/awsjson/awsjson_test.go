package awsjson_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/api/stsapi"
	"github.com/spillway/spillway/internal/smithy"
	"github.com/spillway/spillway/internal/wire"
	"github.com/spillway/spillway/internal/wire/awsjson"
)

// TestRefusals holds the texts of facts-sqs.md 1.5.
func TestRefusals(t *testing.T) {
	t.Parallel()
	const malformed = "Could not parse request body into json: unexpected character or end of input at offset "
	deep := strings.Repeat("[", 100)
	for body, want := range map[string]string{
		`{"DelaySeconds":"5"}`:                            "STRING_VALUE can not be converted to an Integer",
		`{"DelaySeconds":true}`:                           "TRUE_VALUE can not be converted to an Integer",
		`{"DelaySeconds":99999999999}`:                    "NUMBER_VALUE can not be converted to an Integer",
		`{"MessageBody":1}`:                               "NUMBER_VALUE can not be converted to a String",
		`{"MessageBody":true}`:                            "TRUE_VALUE can not be converted to a String",
		`{"MessageBody":false}`:                           "FALSE_VALUE can not be converted to a String",
		`{"MessageBody":{}}`:                              "Start of structure or map found where not expected.",
		`{"MessageBody":[]}`:                              "Start of list found where not expected",
		`{"MessageAttributes":"x"}`:                       "Unrecognized collection type class java.lang.String",
		`{"MessageAttributes":[]}`:                        "Start of list found where not expected",
		`{"MessageAttributes":{"a":{"BinaryValue":"%"}}}`: "STRING_VALUE can not be converted to a Blob",
		`[]`:                             "Start of list found where not expected",
		`"x"`:                            "Unrecognized collection type class java.lang.String",
		`{`:                              malformed + "1",
		`{"a":1,}`:                       malformed + "7",
		`{"a":01}`:                       malformed + "6",
		`{"a":1}x`:                       malformed + "7",
		`{"a" 1}`:                        malformed + "5",
		`{'a':1}`:                        malformed + "1",
		`{"MessageBody":"` + "\n" + `"}`: malformed + "16",
		`{"MessageBody":"\x"}`:           malformed + "19",
		`{"MessageBody":nul}`:            malformed + "15",
		`{"x":` + deep:                   "The request nests structures too deeply.",
		"{\"MessageBody\":\"\xff\"}":     "The request body is not valid UTF-8.",
		`<x/>`:                           malformed + "0",
	} {
		err := decodeAs(awsjson.New("1.0"), new(sqsapi.SendMessageRequest), []byte(body))
		var api *smithy.APIError
		if !errors.As(err, &api) || api.ErrorType != smithy.SerializationError || api.Message != want {
			t.Errorf("%.60s: %v, want %s", body, err, want)
		}
	}
}

func TestAccepts(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]sqsapi.SendMessageRequest{
		"":    {},
		" \n": {},
		"{}":  {},
		` { "DelaySeconds" : 1.9 , "Nope":{"a":[1,-0.5e+3,{"b":null},true,false,"\"]}"]}, "QueueUrl":null } `: {DelaySeconds: new(int32(1))},
		`{"DelaySeconds":1e1}`:                                            {DelaySeconds: new(int32(10))},
		`{"MessageBody":"a","MessageBody":"b"}`:                           {MessageBody: new("b")},
		`{"Message\u0042ody":"\u00e9\ud83d\ude00\/"}`:                     {MessageBody: new("é😀/")},
		`{"MessageBody":"\ud83d\ud83d\ude00 \ude00 \ud83dx"}`:             {MessageBody: new("\uFFFD😀 \uFFFD \uFFFDx")},
		`{"MessageAttributes":{}}`:                                        {MessageAttributes: map[string]sqsapi.MessageAttributeValue{}},
		`{"MessageAttributes":{"a":{"BinaryValue":""},"b":null}}`:         {MessageAttributes: map[string]sqsapi.MessageAttributeValue{"a": {BinaryValue: []byte{}}}},
		`{"MessageAttributes":{"a":{"StringListValues":["x",null,"y"]}}}`: {MessageAttributes: map[string]sqsapi.MessageAttributeValue{"a": {StringListValues: []string{"x", "y"}}}},
	} {
		var got sqsapi.SendMessageRequest
		if err := decodeAs(awsjson.New("1.0"), &got, []byte(body)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", body, got, err)
		}
	}
}

// TestLenientScalars: SQS takes bare numbers and booleans as queue attributes,
// but not as tags.
func TestLenientScalars(t *testing.T) {
	t.Parallel()
	var got sqsapi.CreateQueueRequest
	err := decodeAs(awsjson.New("1.0"), &got, []byte(`{"Attributes":{"DelaySeconds":5,"FifoQueue":true,"Policy":"x","x":-1.50}}`))
	want := map[string]string{"DelaySeconds": "5", "FifoQueue": "true", "Policy": "x", "x": "-1.50"}
	if err != nil || !reflect.DeepEqual(got.Attributes, want) {
		t.Errorf("%v, %v", got.Attributes, err)
	}
	if err := decodeAs(awsjson.New("1.0"), &got, []byte(`{"tags":{"a":5}}`)); err == nil {
		t.Error("a number was accepted as a tag")
	}
}

// TestStringsRoundTrip: what a client sends is what a client gets, or MD5 sums
// no longer match.
func TestStringsRoundTrip(t *testing.T) {
	t.Parallel()
	p := awsjson.New("1.0")
	var all strings.Builder
	for r := rune(0); r <= utf8.MaxRune; r += 1 + r/300 {
		if utf8.ValidRune(r) {
			all.WriteRune(r)
		}
	}
	for _, s := range []string{"", "\r", "a\rb\r\nc", "\x00\x1f\x7f", "😀", "\uFFFE\uFFFF", `\u0041"`, "</x>", all.String()} {
		res := p.Encode(sqsapi.Service, sqsapi.SendMessage, &sqsapi.SendMessageRequest{MessageBody: &s}, "", nil)
		var got sqsapi.SendMessageRequest
		if err := decodeAs(p, &got, res.Body); err != nil || *got.MessageBody != s {
			t.Errorf("%.40q: %v", s, err)
		}
	}
	res := p.Encode(sqsapi.Service, sqsapi.SendMessage, &sqsapi.SendMessageRequest{MessageBody: new("a\xffb")}, "", nil)
	if string(res.Body) != `{"MessageBody":"a`+"\uFFFD"+`b"}` {
		t.Errorf("invalid UTF-8: %s", res.Body)
	}
}

func TestTimestamps(t *testing.T) {
	t.Parallel()
	p := awsjson.New("1.1")
	for text, want := range map[string]time.Time{
		"1700000000":        time.Unix(1700000000, 0),
		"1700000000.5":      time.Unix(1700000000, 5e8),
		"1700000000.123":    time.Unix(1700000000, 123e6),
		"-1.25":             time.Unix(-1, -25e7),
		"1.7000000001235E9": time.UnixMilli(1700000000124),
	} {
		var got stsapi.Credentials
		if err := decodeAs(p, &got, []byte(`{"Expiration":`+text+`}`)); err != nil || !got.Expiration.Equal(want) {
			t.Errorf("%s: %v, %v", text, got.Expiration, err)
		}
	}
	for text, at := range map[string]time.Time{"1700000000": time.Unix(1700000000, 999), "1.05": time.UnixMilli(1050), "-1.5": time.UnixMilli(-1500)} {
		if got := string(awsjson.AppendTime(nil, at)); got != text {
			t.Errorf("%v: %s, want %s", at, got, text)
		}
	}
}

func TestErrorBody(t *testing.T) {
	t.Parallel()
	res := awsjson.New("1.0").EncodeError(sqsapi.Service, nil, smithy.ServiceUnavailable.New(`"x"`), "rid", nil)
	want := wire.Response{
		Status: 503, ContentType: "application/x-amz-json-1.0",
		Fields: []wire.Field{{Name: "x-amzn-query-error", Value: "ServiceUnavailable;Receiver"}},
		Body:   []byte(`{"__type":"com.amazon.coral.service#ServiceUnavailable","message":"\"x\""}`),
	}
	if !reflect.DeepEqual(res, want) {
		t.Errorf("%+v %s", res, res.Body)
	}
}

func TestEmptyOutput(t *testing.T) {
	t.Parallel()
	res := awsjson.New("1.0").Encode(sqsapi.Service, sqsapi.ReceiveMessage, &sqsapi.ReceiveMessageResult{}, "", nil)
	if string(res.Body) != "{}" {
		t.Errorf("%s", res.Body)
	}
}

// TestTooManyElements: an element takes three bytes of the document, and more of memory.
func TestTooManyElements(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{wire.MaxElements: "", wire.MaxElements + 1: wire.TooManyElements} {
		body := `{"Entries":[` + strings.Repeat("{},", n-1) + "{}]}"
		err := decodeAs(awsjson.New("1.0"), new(sqsapi.SendMessageBatchRequest), []byte(body))
		var api *smithy.APIError
		if errors.As(err, &api) != (want != "") || want != "" && api.Message != want {
			t.Errorf("%d: %v", n, err)
		}
	}
}
