package awsjson_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sdk "github.com/aws/smithy-go"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/smithy"
	"github.com/spillway/spillway/internal/wire"
	"github.com/spillway/spillway/internal/wire/awsjson"
	"github.com/spillway/spillway/internal/wire/wiretest"
)

func client(res wire.Response) *sqs.Client {
	return sqs.New(sqs.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://sqs.test"),
		Credentials:                      credentials.NewStaticCredentialsProvider("id", "secret", ""),
		HTTPClient:                       &http.Client{Transport: &wiretest.Stub{Response: res}},
		Retryer:                          aws.NopRetryer{},
		DisableMessageChecksumValidation: true,
	})
}

// TestRequestSnapshots decodes each request that the Go SDK recorded of itself
// and writes it again: nothing of it may be lost.
func TestRequestSnapshots(t *testing.T) {
	t.Parallel()
	p := awsjson.New("1.0")
	snaps := wiretest.Snapshots(t, "github.com/aws/aws-sdk-go-v2/service/sqs")
	for _, op := range sqsapi.Service.Operations {
		r := snaps[op.Name]
		if r == nil {
			t.Errorf("%s: no snapshot", op.Name)
			continue
		}
		in, err := p.Decode(op, r)
		if err != nil {
			t.Errorf("%s: %v", op.Name, err)
			continue
		}
		var want, got any
		again := p.Encode(sqsapi.Service, op, in, "", nil).Body
		if err := errors.Join(json.Unmarshal(r.Body, &want), json.Unmarshal(again, &got)); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %s\nwant %s", op.Name, again, r.Body)
		}
	}
}

// TestSDKReadsOutputs has the SDK decode every output, with everything set.
func TestSDKReadsOutputs(t *testing.T) {
	t.Parallel()
	p := awsjson.New("1.0")
	for _, op := range sqsapi.Service.Operations {
		var out smithy.Shape
		if op.NewOutput != nil {
			out = op.NewOutput()
			wiretest.Fill(out)
		}
		res := p.Encode(sqsapi.Service, op, out, "rid", nil)
		got, err := wiretest.Call(client(res), op.Name)
		if err != nil {
			t.Errorf("%s: %v", op.Name, err)
			continue
		}
		if out == nil {
			if len(res.Body) != 0 {
				t.Errorf("%s: body %q, want none", op.Name, res.Body)
			}
			continue
		}
		if g, w := wiretest.Tree(got), wiretest.Tree(out); !reflect.DeepEqual(g, w) {
			t.Errorf("%s:\n got %v\nwant %v", op.Name, g, w)
		}
		back := op.NewOutput()
		if err := decodeAs(p, back, res.Body); err != nil || !reflect.DeepEqual(back, out) {
			t.Errorf("%s: own round trip: %v", op.Name, err)
		}
	}
}

// TestSDKReadsErrors has the SDK map every error that an operation lists to its
// own type, and find the old code of the query protocol.
func TestSDKReadsErrors(t *testing.T) {
	t.Parallel()
	p := awsjson.New("1.0")
	for _, op := range sqsapi.Service.Operations {
		for _, typ := range op.Errors {
			_, err := wiretest.Call(client(p.EncodeError(sqsapi.Service, op, typ.New("why \"so\" ✗"), "rid", nil)), op.Name)
			var api sdk.APIError
			if !errors.As(err, &api) {
				t.Errorf("%s %s: not an API error: %v", op.Name, typ.Shape, err)
				continue
			}
			if name := reflect.TypeOf(api).Elem().Name(); name != typ.Shape {
				t.Errorf("%s %s: SDK type %s", op.Name, typ.Shape, name)
			}
			if api.ErrorCode() != typ.Code {
				t.Errorf("%s %s: code %s, want %s", op.Name, typ.Shape, api.ErrorCode(), typ.Code)
			}
			// These two have no message member in the model.
			if typ.Shape != "InvalidIdFormat" && typ.Shape != "MessageNotInflight" && api.ErrorMessage() != "why \"so\" ✗" {
				t.Errorf("%s %s: message %q", op.Name, typ.Shape, api.ErrorMessage())
			}
		}
	}
}

// decodeAs decodes body as if v were an operation's input.
func decodeAs(p wire.Protocol, v smithy.Shape, body []byte) error {
	_, err := p.Decode(&smithy.Operation{NewInput: func() smithy.Shape { return v }}, &wire.Request{Body: body})
	return err
}
