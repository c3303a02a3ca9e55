package awsquery_test

import (
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"testing"
	"time"

	"encoding/base64"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	sdk "github.com/aws/smithy-go"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/api/stsapi"
	"github.com/spillway/spillway/internal/smithy"
	"github.com/spillway/spillway/internal/wire"
	"github.com/spillway/spillway/internal/wire/awsjson"
	"github.com/spillway/spillway/internal/wire/awsquery"
	"github.com/spillway/spillway/internal/wire/wiretest"
)

func client(res wire.Response) *sts.Client {
	return sts.New(sts.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://sts.test"),
		Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
		HTTPClient:  &http.Client{Transport: &wiretest.Stub{Response: res}},
		Retryer:     aws.NopRetryer{},
	})
}

// TestRequestSnapshots decodes each request that the Go SDK recorded of itself
// and writes it again. Parameters newer than our model are lost, by name.
func TestRequestSnapshots(t *testing.T) {
	t.Parallel()
	newer := map[string]bool{"MinimumSessionTokenSize": true}
	p := awsquery.New()
	snaps := wiretest.Snapshots(t, "github.com/aws/aws-sdk-go-v2/service/sts")
	for _, op := range stsapi.Service.Operations {
		r := snaps[op.Name]
		if r == nil {
			t.Errorf("%s: no snapshot", op.Name)
			continue
		}
		if action, version := awsquery.Action(r); action != op.Name || version != stsapi.Service.Version {
			t.Errorf("%s: action %q of version %q", op.Name, action, version)
		}
		in, err := p.Decode(op, r)
		if err != nil {
			t.Errorf("%s: %v", op.Name, err)
			continue
		}
		want, err := url.ParseQuery(string(r.Body))
		if err != nil {
			t.Fatal(err)
		}
		for name := range want {
			if newer[name] {
				delete(want, name)
			}
		}
		got := form(in)
		got.Set("Action", op.Name)
		got.Set("Version", stsapi.Service.Version)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %v\nwant %v", op.Name, got, want)
		}
	}
}

// TestSQSRequests carries the SDK's recorded SQS requests over from JSON.
func TestSQSRequests(t *testing.T) {
	t.Parallel()
	j, p := awsjson.New("1.0"), awsquery.New()
	for name, r := range wiretest.Snapshots(t, "github.com/aws/aws-sdk-go-v2/service/sqs") {
		op := sqsapi.Service.Operation(name)
		want, err := j.Decode(op, r)
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.Decode(op, &wire.Request{Method: "GET", RawQuery: form(want).Encode()})
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v\n%v", name, err, form(want))
		}
	}
}

// TestSDKReadsOutputs has the SDK decode every output, with everything set.
func TestSDKReadsOutputs(t *testing.T) {
	t.Parallel()
	for _, op := range stsapi.Service.Operations {
		out := op.NewOutput()
		wiretest.Fill(out)
		res := awsquery.New().Encode(stsapi.Service, op, out, "rid", nil)
		got, err := wiretest.Call(client(res), op.Name)
		if err != nil {
			t.Errorf("%s: %v\n%s", op.Name, err, res.Body)
			continue
		}
		if g, w := wiretest.Tree(got), wiretest.Tree(out); !reflect.DeepEqual(g, w) {
			t.Errorf("%s:\n got %v\nwant %v", op.Name, g, w)
		}
	}
}

// TestSDKReadsErrors has the SDK map every error that an operation lists to its
// own type.
func TestSDKReadsErrors(t *testing.T) {
	t.Parallel()
	for _, op := range stsapi.Service.Operations {
		for _, typ := range op.Errors {
			res := awsquery.New().EncodeError(stsapi.Service, op, typ.New("why <so> ✗"), "rid", nil)
			_, err := wiretest.Call(client(res), op.Name)
			var api sdk.APIError
			if !errors.As(err, &api) {
				t.Errorf("%s %s: not an API error: %v", op.Name, typ.Shape, err)
				continue
			}
			if name := reflect.TypeOf(api).Elem().Name(); name != typ.Shape || api.ErrorMessage() != "why <so> ✗" {
				t.Errorf("%s %s: SDK type %s, message %q", op.Name, typ.Shape, name, api.ErrorMessage())
			}
		}
	}
}

// form writes a shape as query parameters.
func form(v smithy.Shape) url.Values {
	e := &formEncoder{out: url.Values{}}
	v.EncodeMembers(e)
	return e.out
}

// formEncoder is what an SDK's serializer does, to test the decoder with.
type formEncoder struct {
	out    url.Values
	prefix string
	open   []*formFrame
}

type formFrame struct {
	prefix string
	m      *smithy.Member
	n      int
}

func (e *formEncoder) name(m *smithy.Member) string {
	if n := len(e.open); n > 0 && e.open[n-1].m != nil {
		f := e.open[n-1]
		if f.m.Target.Kind == smithy.KindMap {
			return f.prefix + "." + strconv.Itoa(f.n) + "." + m.XMLName
		}
		f.n++
		return f.prefix + "." + strconv.Itoa(f.n)
	}
	return e.prefix + m.XMLName
}

func (e *formEncoder) String(m *smithy.Member, v string) { e.out.Set(e.name(m), v) }
func (e *formEncoder) Int(m *smithy.Member, v int64)     { e.String(m, strconv.FormatInt(v, 10)) }
func (e *formEncoder) Float(m *smithy.Member, v float64) {
	e.String(m, strconv.FormatFloat(v, 'g', -1, 64))
}
func (e *formEncoder) Bool(m *smithy.Member, v bool) { e.String(m, strconv.FormatBool(v)) }
func (e *formEncoder) Blob(m *smithy.Member, v []byte) {
	e.String(m, base64.StdEncoding.EncodeToString(v))
}
func (e *formEncoder) Time(m *smithy.Member, v time.Time) { e.String(m, v.Format(time.RFC3339Nano)) }
func (e *formEncoder) Struct(m *smithy.Member, v smithy.Shape) {
	outer := e.prefix
	e.prefix = e.name(m) + "."
	e.open = append(e.open, &formFrame{})
	v.EncodeMembers(e)
	e.open = e.open[:len(e.open)-1]
	e.prefix = outer
}
func (e *formEncoder) begin(m *smithy.Member, level string) {
	f := &formFrame{prefix: e.name(m), m: m}
	if !m.Flattened {
		f.prefix += "." + level
	}
	e.open = append(e.open, f)
}
func (e *formEncoder) BeginList(m *smithy.Member, _ int) { e.begin(m, m.Target.Elem.XMLName) }
func (e *formEncoder) EndList(*smithy.Member)            { e.open = e.open[:len(e.open)-1] }
func (e *formEncoder) BeginMap(m *smithy.Member, _ int)  { e.begin(m, "entry") }
func (e *formEncoder) Key(m *smithy.Member, k string) {
	f := e.open[len(e.open)-1]
	f.n++
	e.out.Set(f.prefix+"."+strconv.Itoa(f.n)+"."+m.Target.Key.XMLName, k)
}
func (e *formEncoder) EndMap(*smithy.Member) { e.open = e.open[:len(e.open)-1] }
