package awsjson_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/wire/awsjson"
)

// FuzzDecode: no input panics; what is accepted is JSON also for encoding/json,
// and survives being written and read again.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		``, `{}`, `null`, `{"Entries":[{"Id":"1","DelaySeconds":1e2,"MessageAttributes":{"a":{"BinaryValue":"AA=="}}}]}`,
		`{"x":[[[{"y":-0.1e-5}]]],"QueueUrl":"\ud800\u0000"}`, `{"Entries":[null,{}]}`, `{"Entries":[{"MessageAttributes":{"a":null}},]}`,
	} {
		f.Add([]byte(s))
	}
	p := awsjson.New("1.0")
	f.Fuzz(func(t *testing.T, body []byte) {
		var in, again sqsapi.SendMessageBatchRequest
		if decodeAs(p, &in, body) != nil {
			return
		}
		if !json.Valid(body) && len(trim(body)) > 0 {
			t.Fatalf("accepted %q", body)
		}
		if !utf8.Valid(body) {
			t.Fatalf("accepted invalid UTF-8: %q", body)
		}
		text := p.Encode(sqsapi.Service, sqsapi.SendMessageBatch, &in, "", nil).Body
		if err := decodeAs(p, &again, text); err != nil || !reflect.DeepEqual(in, again) {
			t.Fatalf("%q became %s: %v", body, text, err)
		}
	})
}

func trim(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t' || b[0] == '\n' || b[0] == '\r') {
		b = b[1:]
	}
	return b
}

// FuzzClassic: no input panics; what is accepted survives being written and read again,
// and its blobs are what encoding/json makes of them.
func FuzzClassic(f *testing.F) {
	for _, s := range []string{
		``, `{}`, `{"Records":[{"Data":"AAA=","PartitionKey":"k"},null,{"Data":"\u0041A=="}]}`, `{"Records":[{"Data":"===="}]}`,
		`{"Records":[{"Data":"AA\n==","PartitionKey":"\ud83d\ude00"}],"DryRun":"yes","StreamName":"` + strings.Repeat("x", 3000) + `"}`,
	} {
		f.Add([]byte(s))
	}
	p := awsjson.NewClassic("1.1")
	f.Fuzz(func(t *testing.T, body []byte) {
		var in, again kinesisapi.PutRecordsInput
		if decodeAs(p, &in, body) != nil {
			return
		}
		text := p.Encode(kinesisapi.Service, kinesisapi.PutRecords, &in, "", nil).Body
		if err := decodeAs(p, &again, text); err != nil || !reflect.DeepEqual(in, again) {
			t.Fatalf("%q became %s: %v", body, text, err)
		}
		var other struct{ Records []struct{ Data []byte } }
		if err := json.Unmarshal(text, &other); err != nil || len(other.Records) != len(in.Records) {
			t.Fatalf("%s: %v", text, err)
		}
		for i, r := range other.Records {
			if string(r.Data) != string(in.Records[i].Data) || cap(in.Records[i].Data) != len(in.Records[i].Data) {
				t.Fatalf("%q became %s", body, text)
			}
		}
	})
}
