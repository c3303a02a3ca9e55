package awsjson_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	sdk "github.com/aws/smithy-go"
	endpoints "github.com/aws/smithy-go/endpoints"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/smithy"
	"github.com/spillway/spillway/internal/wire"
	"github.com/spillway/spillway/internal/wire/awsjson"
	"github.com/spillway/spillway/internal/wire/wiretest"
)

func kinesisClient(res wire.Response) *kinesis.Client {
	return kinesis.New(kinesis.Options{
		Region:      "us-east-1",
		Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
		HTTPClient:  &http.Client{Transport: &wiretest.Stub{Response: res}},
		Retryer:     aws.NopRetryer{},
		// Filled inputs have no ARNs in them, which endpoint rules would look for.
		EndpointResolverV2: anyEndpoint{},
	})
}

type anyEndpoint struct{}

// ResolveEndpoint implements kinesis.EndpointResolverV2.
func (anyEndpoint) ResolveEndpoint(context.Context, kinesis.EndpointParameters) (endpoints.Endpoint, error) {
	return endpoints.Endpoint{URI: url.URL{Scheme: "http", Host: "kinesis.test"}}, nil
}

// TestKinesisSnapshots decodes each request that the Go SDK recorded of itself and
// writes it again: nothing of it may be lost.
func TestKinesisSnapshots(t *testing.T) {
	t.Parallel()
	p := awsjson.NewClassic("1.1")
	snaps := wiretest.Snapshots(t, "github.com/aws/aws-sdk-go-v2/service/kinesis")
	for _, op := range kinesisapi.Service.Operations {
		r := snaps[op.Name]
		switch {
		case r == nil && op.Events != nil:
			continue // the SDK records none
		case r == nil:
			t.Errorf("%s: no snapshot", op.Name)
			continue
		}
		in, err := p.Decode(op, r)
		if err != nil {
			t.Errorf("%s: %v", op.Name, err)
			continue
		}
		var want, got any
		again := p.Encode(kinesisapi.Service, op, in, "", nil).Body
		if err := errors.Join(json.Unmarshal(r.Body, &want), json.Unmarshal(again, &got)); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %s\nwant %s", op.Name, again, r.Body)
		}
	}
}

// TestSDKReadsKinesis has the SDK decode every output, with everything set.
func TestSDKReadsKinesis(t *testing.T) {
	t.Parallel()
	p := awsjson.NewClassic("1.1")
	for _, op := range kinesisapi.Service.Operations {
		if op.Events != nil {
			continue
		}
		var out smithy.Shape
		if op.NewOutput != nil {
			out = op.NewOutput()
			wiretest.Fill(out)
		}
		got, err := wiretest.Call(kinesisClient(p.Encode(kinesisapi.Service, op, out, "rid", nil)), op.Name)
		if err != nil {
			t.Errorf("%s: %v", op.Name, err)
			continue
		}
		if out == nil {
			continue
		}
		if g, w := wiretest.Tree(got), wiretest.Tree(out); !reflect.DeepEqual(g, w) {
			t.Errorf("%s:\n got %v\nwant %v", op.Name, g, w)
		}
	}
}

// TestSDKReadsKinesisErrors has the SDK map every error that an operation lists to its
// own type.
func TestSDKReadsKinesisErrors(t *testing.T) {
	t.Parallel()
	p := awsjson.NewClassic("1.1")
	for _, op := range kinesisapi.Service.Operations {
		for _, typ := range append([]*smithy.ErrorType{smithy.SerializationError}, op.Errors...) {
			_, err := wiretest.Call(kinesisClient(p.EncodeError(kinesisapi.Service, op, typ.New("why \"so\" ✗"), "rid", nil)), op.Name)
			var api sdk.APIError
			if !errors.As(err, &api) || api.ErrorCode() != typ.Code && api.ErrorCode() != typ.Shape || api.ErrorMessage() != "why \"so\" ✗" {
				t.Errorf("%s %s: %v", op.Name, typ.Shape, err)
				continue
			}
			if name := reflect.TypeOf(api).Elem().Name(); name != typ.Shape && typ != smithy.SerializationError {
				t.Errorf("%s %s: SDK type %s", op.Name, typ.Shape, name)
			}
		}
	}
}
