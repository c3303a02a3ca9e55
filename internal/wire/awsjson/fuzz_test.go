package awsjson_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"unicode/utf8"

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
