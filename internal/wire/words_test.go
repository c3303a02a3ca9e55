package wire_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/smithy"
	"github.com/spillway/spillway/internal/wire"
	"github.com/spillway/spillway/internal/wire/awscbor"
	"github.com/spillway/spillway/internal/wire/awsjson"

	"github.com/aws/smithy-go/encoding/cbor"
)

const number = "com.amazon.coral.value.json.numbers.TruncatingBigNumber"

// TestClassicMismatches holds the table of facts-kinesis.md 1, for JSON and, where the
// type exists there, for CBOR.
func TestClassicMismatches(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		op         *smithy.Operation
		body, want string
	}{
		{kinesisapi.PutRecord, `{"StreamName":true}`, "class java.lang.Boolean can not be converted to an String"},
		{kinesisapi.PutRecord, `{"StreamName":false}`, "class java.lang.Boolean can not be converted to an String"},
		{kinesisapi.PutRecord, `{"StreamName":23456}`, "class " + number + " can not be converted to an String"},
		{kinesisapi.PutRecord, `{"StreamName":[]}`, "Start of list found where not expected"},
		{kinesisapi.PutRecord, `{"StreamName":{}}`, "Start of structure or map found where not expected."},
		{kinesisapi.CreateStream, `{"ShardCount":"5"}`, "class java.lang.String can not be converted to an Integer"},
		{kinesisapi.CreateStream, `{"ShardCount":true}`, "class java.lang.Boolean can not be converted to an Integer"},
		{kinesisapi.CreateStream, `{"ShardCount":[]}`, "Start of list found where not expected"},
		{kinesisapi.PutRecord, `{"DryRun":1}`, "class " + number + " can not be converted to an Boolean"},
		{kinesisapi.PutRecord, `{"DryRun":"hello é"}`, "'HELLO É' can not be converted to an Boolean"},
		{kinesisapi.PutRecord, `{"DryRun":{}}`, "Start of structure or map found where not expected."},
		{kinesisapi.PutRecord, `{"Data":true}`, "class java.lang.Boolean can not be converted to a Blob"},
		{kinesisapi.PutRecord, `{"Data":1}`, "class " + number + " can not be converted to a Blob"},
		{kinesisapi.PutRecord, `{"Data":[]}`, "Start of list found where not expected"},
		{kinesisapi.GetShardIterator, `{"Timestamp":"x"}`, "class java.lang.String can not be converted to milliseconds since epoch"},
		{kinesisapi.GetShardIterator, `{"Timestamp":true}`, "class java.lang.Boolean can not be converted to milliseconds since epoch"},
		{kinesisapi.PutRecords, `{"Records":"x"}`, "Expected list or null"},
		{kinesisapi.PutRecords, `{"Records":1}`, "Expected list or null"},
		{kinesisapi.PutRecords, `{"Records":{}}`, "Start of structure or map found where not expected."},
		{kinesisapi.PutRecords, `{"Records":["x"]}`, "Expected null"},
		{kinesisapi.PutRecords, `{"Records":[[]]}`, "Start of list found where not expected"},
		{kinesisapi.PutRecords, `{"Records":[null,{"Data":true}]}`, "class java.lang.Boolean can not be converted to a Blob"},
		{kinesisapi.AddTagsToStream, `{"Tags":true}`, "Expected map or null"},
		{kinesisapi.AddTagsToStream, `{"Tags":[]}`, "Start of list found where not expected"},
		{kinesisapi.AddTagsToStream, `{"Tags":{"a":{}}}`, "Start of structure or map found where not expected."},
		{kinesisapi.AddTagsToStream, `{"Tags":{"a":1}}`, "class " + number + " can not be converted to an String"},
		{kinesisapi.SubscribeToShard, `{"StartingPosition":"x"}`, "Expected null"},
		{kinesisapi.PutRecord, `{"Nope":{"a":[1,{}]},"StreamName":null}`, ""},
		{kinesisapi.PutRecord, `{"DryRun":"true"}`, ""},
		{kinesisapi.PutRecord, `{"DryRun":"No"}`, ""},
		{kinesisapi.CreateStream, `{"ShardCount":99999999999999999999}`, ""},
		{kinesisapi.CreateStream, `{"ShardCount":2.7}`, ""},
	} {
		check(t, "JSON "+c.body, awsjson.NewClassic("1.1"), c.op, []byte(c.body), c.want)
		check(t, "CBOR "+c.body, awscbor.New(), c.op, asCBOR(t, c.body), c.want)
	}
	// Of JSON only: blobs are base64 there.
	for body, want := range map[string]string{
		`{"Data":"23456"}`:        "'23456' can not be converted to a Blob: Base64 encoded length is expected a multiple of 4 bytes but found: 5",
		`{"Data":"=AAA"}`:         "'=AAA' can not be converted to a Blob: Invalid Base64 character: '='",
		`{"Data":"AA=A"}`:         "'AA=A' can not be converted to a Blob: Invalid Base64 character: '='",
		`{"Data":"A===" }`:        "'A===' can not be converted to a Blob: Invalid last non-pad Base64 character dectected",
		`{"Data":"AAA-"}`:         "'AAA-' can not be converted to a Blob: Invalid Base64 character: '-'",
		`{"Data":"AA\n=A"}`:       "'AA\n=A' can not be converted to a Blob: Base64 encoded length is expected a multiple of 4 bytes but found: 5",
		`{"Data":"AA\n\n\n\nAA"}`: "'AA\n\n\n\nAA' can not be converted to a Blob: Invalid Base64 character: '\n'",
		`{"Data":"AB=="}`:         "'AB==' can not be converted to a Blob: Invalid last non-pad Base64 character dectected",
		`{"Data":"AA\u003d="}`:    "", `{"Data":""}`: "", `{"Data":"AAAA"}`: "",
		`[]`: "?", `"x"`: "?", `null`: "?", `5`: "?", ``: "?", ` `: "?", `{`: "?", `{"a":1}x`: "?", `{"Data":"` + "\x01" + `"}`: "?",
	} {
		check(t, body, awsjson.NewClassic("1.1"), kinesisapi.PutRecord, []byte(body), want)
	}
	err := decode(awsjson.NewClassic("1.1"), kinesisapi.PutRecord, []byte(`{"Data":"`+strings.Repeat("é", 1<<20)+`"}`))
	if err == nil || len(err.Error()) > 4<<10 {
		t.Errorf("an error of %d bytes", len(err.Error()))
	}
}

func check(t *testing.T, name string, p wire.Protocol, op *smithy.Operation, body []byte, want string) {
	t.Helper()
	err := decode(p, op, body)
	if want == "" {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		return
	}
	var api *smithy.APIError
	if !errors.As(err, &api) {
		t.Errorf("%s: %v, want %s", name, err, want)
		return
	}
	if want == "?" { // no words
		if got := string(p.EncodeError(kinesisapi.Service, nil, api, "", nil).Body); got != `{"__type":"SerializationException"}` {
			t.Errorf("%s: %s", name, got)
		}
		return
	}
	if api.ErrorType != smithy.SerializationError || api.Message != want {
		t.Errorf("%s:\n got %v\nwant %s", name, err, want)
	}
}

func decode(p wire.Protocol, op *smithy.Operation, body []byte) error {
	_, err := p.Decode(op, &wire.Request{Body: body})
	return err
}

// asCBOR is a JSON document in CBOR, written by the SDK's library.
func asCBOR(t *testing.T, text string) []byte {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return cbor.Encode(value(v))
}

func value(v any) cbor.Value {
	switch v := v.(type) {
	case map[string]any:
		out := cbor.Map{}
		for k, x := range v {
			out[k] = value(x)
		}
		return out
	case []any:
		out := cbor.List{}
		for _, x := range v {
			out = append(out, value(x))
		}
		return out
	case string:
		return cbor.String(v)
	case bool:
		return cbor.Bool(v)
	case float64:
		if v == float64(uint32(v)) {
			return cbor.Uint(v)
		}
		return cbor.Float64(v)
	}
	return &cbor.Nil{}
}

// TestKept: what a decoder returns belongs to the caller, neighbours or not.
func TestKept(t *testing.T) {
	t.Parallel()
	body := []byte(`{"Records":[{"Data":"` + base64.StdEncoding.EncodeToString([]byte("one")) + `","PartitionKey":"a"},{"Data":"","PartitionKey":"b"},{"Data":"` + base64.StdEncoding.EncodeToString([]byte("two")) + `"}]}`)
	in, err := awsjson.NewClassic("1.1").Decode(kinesisapi.PutRecords, &wire.Request{Body: body})
	if err != nil {
		t.Fatal(err)
	}
	clear(body)
	r := in.(*kinesisapi.PutRecordsInput).Records
	_ = append(r[0].Data, "overwritten"...)
	_ = append(r[1].Data, "overwritten"...)
	if string(r[0].Data) != "one" || r[1].Data == nil || len(r[1].Data) != 0 || string(r[2].Data) != "two" || *r[0].PartitionKey != "a" || *r[1].PartitionKey != "b" {
		t.Errorf("%+v", r)
	}
}

// TestGrow: a large answer is written into one buffer.
func TestGrow(t *testing.T) {
	t.Parallel()
	out := &kinesisapi.GetRecordsOutput{}
	for i := range 500 {
		out.Records = append(out.Records, kinesisapi.Record{Data: make([]byte, i*20), PartitionKey: new("k"), SequenceNumber: new("1")})
	}
	for _, p := range benchProtocols {
		if body := p.Encode(kinesisapi.Service, kinesisapi.GetRecords, out, "", nil).Body; cap(body) > len(body)*5/4 {
			t.Errorf("%s: %d bytes for %d", p.name, cap(body), len(body))
		}
	}
}
