package awscbor_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/smithy"
	"github.com/spillway/spillway/internal/wire"
	"github.com/spillway/spillway/internal/wire/awscbor"
	"github.com/spillway/spillway/internal/wire/awsjson"
	"github.com/spillway/spillway/internal/wire/wiretest"

	"github.com/aws/smithy-go/encoding/cbor"
	"pgregory.net/rapid"
)

func decodeAs(p wire.Protocol, v smithy.Shape, body []byte) error {
	_, err := p.Decode(&smithy.Operation{NewInput: func() smithy.Shape { return v }}, &wire.Request{Body: body})
	return err
}

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func text(s string) string { return hex.EncodeToString(cbor.Encode(cbor.String(s))) }

// TestGolden: what AWS and Java clients write, byte by byte.
func TestGolden(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1_700_000_000_123).UTC()
	got := awscbor.New().Encode(kinesisapi.Service, kinesisapi.GetRecords, &kinesisapi.GetRecordsOutput{
		MillisBehindLatest: new(int64(-1)),
		Records:            []kinesisapi.Record{{Data: []byte{0, 255}, PartitionKey: new("é"), ApproximateArrivalTimestamp: &at}},
	}, "", nil)
	want := "bf" + text("MillisBehindLatest") + "20" + text("Records") + "9fbf" +
		text("ApproximateArrivalTimestamp") + "c11b0000018bcfe5687b" + text("Data") + "4200ff" + text("PartitionKey") + "62c3a9" + "ffffff"
	if hex.EncodeToString(got.Body) != want || got.ContentType != "application/x-amz-cbor-1.1" {
		t.Errorf("%s\n got %x\nwant %s", got.ContentType, got.Body, want)
	}
	// The Java SDK 2.x sends indefinite maps, 1.x definite ones.
	for _, body := range []string{
		"bf" + text("StreamName") + text("s") + text("Timestamp") + "c11b0000018bcfe5687b" + "ff",
		"a2" + text("StreamName") + text("s") + text("Timestamp") + "c1 1b0000018bcfe5687b",
		"a2" + text("StreamName") + text("s") + text("Timestamp") + "c1 fb41d954fc4007df3b", // seconds, from libraries
	} {
		var in kinesisapi.GetShardIteratorInput
		if err := decodeAs(awscbor.New(), &in, unhex(t, body)); err != nil || *in.StreamName != "s" || !in.Timestamp.Equal(at) {
			t.Errorf("%s: %v, %+v", body, err, in.Timestamp)
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]*smithy.APIError{
		"bf" + text("__type") + text("ResourceNotFoundException") + text("message") + text("no ✗") + "ff": kinesisapi.ResourceNotFoundException.New("no ✗"),
		"bf" + text("__type") + text("SerializationException") + text("Message") + text("x") + "ff":       smithy.SerializationError.New("x"),
		"bf" + text("__type") + text("UnknownOperationException") + "ff":                                  smithy.UnknownOperation.New(""),
	} {
		got := awscbor.New().EncodeError(kinesisapi.Service, nil, err, "rid", nil)
		if hex.EncodeToString(got.Body) != want || got.Status != 400 {
			t.Errorf("%d\n got %x\nwant %s", got.Status, got.Body, want)
		}
	}
}

// TestAccepts is what the RFC allows and clients may send.
func TestAccepts(t *testing.T) {
	t.Parallel()
	limit := func(n int32) *kinesisapi.GetRecordsInput { return &kinesisapi.GetRecordsInput{Limit: &n} }
	for body, want := range map[string]smithy.Shape{
		"a0":                        &kinesisapi.GetRecordsInput{},
		"bfff":                      &kinesisapi.GetRecordsInput{},
		"d9d9f7 a0":                 &kinesisapi.GetRecordsInput{}, // "this is CBOR"
		"b800":                      &kinesisapi.GetRecordsInput{}, // not the shortest
		"bb0000000000000000":        &kinesisapi.GetRecordsInput{},
		"a1" + text("Limit") + "f6": &kinesisapi.GetRecordsInput{},
		"a1" + text("Limit") + "f7": &kinesisapi.GetRecordsInput{},
		"a1" + text("Limit") + "05": limit(5),
		"a1" + text("Limit") + "1b0000000000000005": limit(5),
		"a1" + text("Limit") + "c105":               limit(5),
		"a1" + text("Limit") + "24":                 limit(-5),
		"a1" + text("Limit") + "f94580":             limit(5), // 5.5
		"a1" + text("Limit") + "fa40b00000":         limit(5),
		"a1" + text("Limit") + "fb4016000000000000": limit(5),
		"a1" + text("Limit") + "1bffffffffffffffff": limit(math.MaxInt32),
		"a1" + text("Limit") + "3bffffffffffffffff": limit(math.MinInt32),
		"a1" + text("Limit") + "f97c00":             limit(math.MaxInt32), // infinity
		"a1" + text("Limit") + "f97e00":             limit(0),             // not a number
		"a1 7f 62 4c69 63 6d6974 ff 05":             limit(5),             // a name in pieces
		"bf" + text("x") + "9f bf" + text("y") + "82 f4 f5 ff 5f 41 00 ff f97e00 f8ff ff" + text("Limit") + "05 ff": limit(5),
		"a1" + text("Data") + "5f 41 61 40 42 62 63 ff":                                                             &kinesisapi.PutRecordInput{Data: []byte("abc")},
		"a1" + text("Data") + "40":                                            &kinesisapi.PutRecordInput{Data: []byte{}},
		"a1" + text("PartitionKey") + "7f ff":                                 &kinesisapi.PutRecordInput{PartitionKey: new("")},
		"a1" + text("DryRun") + text("yes"):                                   &kinesisapi.PutRecordInput{DryRun: new(true)},
		"a1" + text("Records") + "9f a1" + text("Data") + "41 61 f6 ff":       &kinesisapi.PutRecordsInput{Records: []kinesisapi.PutRecordsRequestEntry{{Data: []byte("a")}}},
		"a1" + text("Tags") + "a2" + text("a") + text("b") + text("c") + "f6": &kinesisapi.AddTagsToStreamInput{Tags: map[string]string{"a": "b"}},
	} {
		got := reflect.New(reflect.TypeOf(want).Elem()).Interface().(smithy.Shape)
		if err := decodeAs(awscbor.New(), got, unhex(t, body)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, %+v", body, err, got)
		}
	}
}

// TestRefuses: what is no CBOR is refused without words.
func TestRefuses(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"": "", "ff": "", "80": "", "f6": "", "05": "", "bf": "", "a1": "", "a0 00": "", "bf ff ff": "",
		"a1" + text("x"): "", "a1 05 05": "", "a1 41 61 05": "", "bf" + text("x") + "ff": "",
		"a1" + text("x") + "1c": "", "a1" + text("x") + "1f": "", "a1" + text("x") + "df": "", "a1" + text("x") + "ff": "",
		"a1" + text("x") + "7f 41 61 ff": "", "a1" + text("x") + "7f 7f 61 61 ff ff": "", "a1" + text("x") + "7bffffffffffffffff": "",
		"a1" + text("x") + "61 ff": "", "a1" + text("x") + "9bffffffffffffffff": "", "a1" + text("x") + "bf" + text("y") + "ff": "",
		"a1" + text("StreamName") + "61 ff": "", "a1" + text("StreamName") + "f0": "",
		"a1" + text("x") + strings.Repeat("81", 100) + "00": "The request nests structures too deeply.",
		"a1" + text("x") + strings.Repeat("9f", 100):        "The request nests structures too deeply.",
		"a1" + text("Timestamp") + "1b00ffffffffffffff":     "class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be converted to milliseconds since epoch",
		"a1" + text("Timestamp") + "f97e00":                 "class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be converted to milliseconds since epoch",
		"a1" + text("StreamName") + "41 61":                 "class java.nio.HeapByteBuffer can not be converted to an String",
	} {
		err := decodeAs(awscbor.New(), new(kinesisapi.GetShardIteratorInput), unhex(t, body))
		var api *smithy.APIError
		if !errors.As(err, &api) || api.ErrorType != smithy.SerializationError || api.Message != want {
			t.Errorf("%s: %v, want %q", body, err, want)
		}
	}
}

// plain turns CBOR as the SDK's library reads it into what encoding/json makes of the
// same document.
func plain(t testing.TB, v cbor.Value) any {
	switch v := v.(type) {
	case cbor.Map:
		out := map[string]any{}
		for k, x := range v {
			out[k] = plain(t, x)
		}
		return out
	case cbor.List:
		out := []any{}
		for _, x := range v {
			out = append(out, plain(t, x))
		}
		return out
	case cbor.Slice:
		return base64.StdEncoding.EncodeToString(v)
	case cbor.String:
		return string(v)
	case cbor.Bool:
		return bool(v)
	case cbor.Uint:
		return float64(v)
	case cbor.NegInt:
		return -float64(v)
	case cbor.Float64:
		return float64(v)
	case *cbor.Tag:
		if v.ID == 1 {
			return plain(t, v.Value).(float64) / 1000
		}
	}
	t.Fatalf("%T", v)
	return nil
}

// TestEveryShape: the SDK's CBOR library reads of every input and output what
// encoding/json reads of its JSON, and this package reads it back.
func TestEveryShape(t *testing.T) {
	t.Parallel()
	p, j := awscbor.New(), awsjson.NewClassic("1.1")
	for _, op := range kinesisapi.Service.Operations {
		for _, fresh := range []func() smithy.Shape{op.NewInput, op.NewOutput} {
			if fresh == nil {
				continue
			}
			v, back := fresh(), fresh()
			wiretest.Fill(v)
			body := p.Encode(kinesisapi.Service, op, v, "", nil).Body
			parsed, err := cbor.Decode(body)
			if err != nil {
				t.Errorf("%s: %v", op.Name, err)
				continue
			}
			var want any
			if err := json.Unmarshal(j.Encode(kinesisapi.Service, op, v, "", nil).Body, &want); err != nil {
				t.Fatal(err)
			}
			if got := plain(t, parsed); !reflect.DeepEqual(got, want) {
				t.Errorf("%s:\n got %v\nwant %v", op.Name, got, want)
			}
			if err := decodeAs(p, back, body); err != nil || !reflect.DeepEqual(back, v) {
				t.Errorf("%s: own round trip: %v", op.Name, err)
			}
			// The library writes definite lengths.
			again := fresh()
			if err := decodeAs(p, again, cbor.Encode(parsed)); err != nil || !reflect.DeepEqual(again, v) {
				t.Errorf("%s: definite lengths: %v", op.Name, err)
			}
		}
	}
	if res := p.Encode(kinesisapi.Service, kinesisapi.CreateStream, nil, "", nil); len(res.Body) != 0 || res.Status != 200 {
		t.Errorf("no output: %+v", res)
	}
}

// TestRoundTrip: whatever records there are, they come back, from CBOR and from JSON.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	protocols := []wire.Protocol{awscbor.New(), awsjson.NewClassic("1.1")}
	rapid.Check(t, func(t *rapid.T) {
		blob := rapid.SliceOfN(rapid.Byte(), 0, 5000)
		records := rapid.SliceOf(rapid.Custom(func(t *rapid.T) kinesisapi.Record {
			at := time.UnixMilli(rapid.Int64Range(-1e12, 4e12).Draw(t, "at")).UTC()
			return kinesisapi.Record{
				Data: append([]byte{}, blob.Draw(t, "data")...), PartitionKey: new(rapid.String().Draw(t, "key")),
				SequenceNumber: new(rapid.StringMatching(`[0-9]{1,56}`).Draw(t, "n")), ApproximateArrivalTimestamp: &at,
			}
		})).Draw(t, "records")
		if records == nil {
			records = []kinesisapi.Record{}
		}
		in := &kinesisapi.GetRecordsOutput{Records: records, MillisBehindLatest: new(rapid.Int64().Draw(t, "behind"))}
		for _, p := range protocols {
			var out kinesisapi.GetRecordsOutput
			body := p.Encode(kinesisapi.Service, kinesisapi.GetRecords, in, "", nil).Body
			if err := decodeAs(p, &out, body); err != nil || !reflect.DeepEqual(&out, in) {
				t.Fatalf("%v\n got %+v\nwant %+v", err, out, in)
			}
			for i := range out.Records { // blobs share memory, and must not share room
				_ = append(out.Records[i].Data, 'x')
			}
			if !reflect.DeepEqual(&out, in) {
				t.Fatal("appending to a blob changed another")
			}
		}
	})
}

// FuzzDecode: no input panics; what is accepted survives being written and read again,
// and what is written is CBOR for the SDK's library as well.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		"", "a0", "bfff", "bf6752656372e6f7264739fbf644461746141ffffffff", "a1" + text("Records") + "81a2" + text("Data") + "5f4161ff" + text("PartitionKey") + "7f6161ff",
		"bf" + text("Records") + "9fbf" + text("Data") + "4161ffffff", "a1" + text("x") + "d9ffff9ff97e00f8ffff", "a1" + text("StreamName") + "61ff",
	} {
		if b, err := hex.DecodeString(s); err == nil {
			f.Add(b)
		}
	}
	p := awscbor.New()
	f.Fuzz(func(t *testing.T, body []byte) {
		var in, again kinesisapi.PutRecordsInput
		if decodeAs(p, &in, body) != nil {
			return
		}
		written := p.Encode(kinesisapi.Service, kinesisapi.PutRecords, &in, "", nil).Body
		if err := decodeAs(p, &again, written); err != nil || !reflect.DeepEqual(in, again) {
			t.Fatalf("%x became %x: %v", body, written, err)
		}
		if _, err := cbor.Decode(written); err != nil {
			t.Fatalf("%x: %v", written, err)
		}
	})
}

// TestTooManyElements: an element takes a byte of the document, and more of memory.
func TestTooManyElements(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{wire.MaxElements: "", wire.MaxElements + 1: wire.TooManyElements} {
		body := unhex(t, "a1"+text("Records")+"9f"+strings.Repeat("a0", n)+"ff")
		err := decodeAs(awscbor.New(), new(kinesisapi.PutRecordsInput), body)
		var api *smithy.APIError
		if errors.As(err, &api) != (want != "") || want != "" && api.Message != want {
			t.Errorf("%d: %v", n, err)
		}
	}
}
