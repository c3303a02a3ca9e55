package gateway

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/api/stsapi"
	"github.com/spillway/spillway/internal/service"
	"github.com/spillway/spillway/internal/wire"
)

func TestDecide(t *testing.T) {
	t.Parallel()
	for b, want := range map[string]front{
		"": frontUndecided, "P": frontUndecided, "PR": frontUndecided, "PRI * HTTP/2": frontUndecided,
		preface: frontStd, preface + "\r\n\r\nSM\r\n\r\n": frontStd, "PRI * HTTP/2.": frontUndecided,
		"\x16": frontTLS, "\x16\x03\x01": frontTLS,
		"G": frontFast, "PO": frontFast, "PRIX": frontFast, "PRI * HTTP/1.1\r\n": frontFast,
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n":                                       frontFast,
		"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n":                 frontStd,
		"GET / HTTP/1.1\r\nHost: x\r\nUPGRADE:websocket\r\n\r\n":                  frontStd,
		"GET / HTTP/1.1\r\nUpgrade-Insecure-Requests: 1\r\n\r\n":                  frontFast,
		"GET / HTTP/1.1\r\nConnection: Upgrade\r\nupgrade: h2c\r\n":               frontStd,
		"POST / HTTP/1.1\r\nHost: x\r\n\r\n\r\nUpgrade: x\r\n":                    frontFast,
		"POST / HTTP/1.1\r\nX-Upgrade: x\r\nHost: x\r\n\r\n":                      frontFast,
		"POST / HTTP/1.1\r\n" + strings.Repeat("A: b\r\n", 100) + "Upgrade:x\r\n": frontStd,
	} {
		if got := decide([]byte(b), nil); got != want {
			t.Errorf("%.60q: %d, want %d", b, got, want)
		}
	}
}

func FuzzDecide(f *testing.F) {
	f.Add([]byte(preface))
	f.Add([]byte("GET / HTTP/1.1\r\nUpgrade: x\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		whole := decide(b, nil)
		// Bytes that come later never turn a decision about the protocol: only an
		// upgrade is decided by what came at once.
		for i := range min(len(b), 40) {
			if got := decide(b[:i], nil); got != frontUndecided && got != whole && !(got == frontFast && whole == frontStd) {
				t.Fatalf("%q is %d, %q is %d", b[:i], got, b, whole)
			}
		}
		if whole == frontUndecided && len(b) >= len(preface) {
			t.Fatalf("%q is undecided", b)
		}
	})
}

func testRoutes() routes {
	return newRoutes([]*service.Service{
		{API: stsapi.Service, Operations: map[string]*service.Operation{"GetCallerIdentity": {Shape: stsapi.GetCallerIdentity}}},
		{API: sqsapi.Service, Operations: map[string]*service.Operation{"ListQueues": {Shape: sqsapi.ListQueues}}},
		{API: kinesisapi.Service, Operations: map[string]*service.Operation{"ListStreams": {Shape: kinesisapi.ListStreams}}},
	})
}

func TestRoute(t *testing.T) {
	t.Parallel()
	scope := func(s string) string {
		return "AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/" + s + "/aws4_request"
	}
	table := testRoutes()
	for name, c := range map[string]struct {
		path, query, host, auth string
		service, operation      string
	}{
		"by scope":             {"/", "Action=GetCallerIdentity", "", scope("sts"), "sts", "GetCallerIdentity"},
		"scope over host":      {"/", "Action=GetCallerIdentity", "sqs.us-east-1.amazonaws.com", scope("sts"), "sts", "GetCallerIdentity"},
		"scope over version":   {"/", "Action=ListQueues&Version=2012-11-05", "", scope("sts"), "sts", ""},
		"unknown scope":        {"/", "Action=ListQueues&Version=2012-11-05", "", scope("nope"), "sqs", "ListQueues"},
		"by host":              {"/", "Action=ListQueues", "sqs.eu-west-1.amazonaws.com", "", "sqs", "ListQueues"},
		"by fips host":         {"/", "Action=ListQueues", "sqs-fips.us-east-1.amazonaws.com:443", "", "sqs", "ListQueues"},
		"by private link":      {"/", "Action=ListQueues", "vpce-1-2.sqs.us-east-1.vpce.amazonaws.com", "", "sqs", "ListQueues"},
		"by legacy host":       {"/", "Action=ListQueues", "queue.amazonaws.com", "", "sqs", "ListQueues"},
		"by host, other":       {"/", "Action=ListQueues", "sts.amazonaws.com", "", "sts", ""},
		"by version":           {"/", "Action=GetCallerIdentity&Version=2011-06-15", "localhost", "", "sts", "GetCallerIdentity"},
		"by action":            {"/", "Action=GetCallerIdentity", "localhost", "", "sts", "GetCallerIdentity"},
		"by queue":             {"/000000000000/q", "Action=GetCallerIdentity", "localhost", "", "sqs", ""},
		"by queue, path form":  {"/queue/us-east-1/000000000000/q", "Action=ListQueues", "localhost", "", "sqs", "ListQueues"},
		"a queue called queue": {"/000000000000/queue/", "Action=ListQueues", "localhost", "", "sqs", "ListQueues"},
		"presigned":            {"/", "Action=GetCallerIdentity&X-Amz-Credential=k%2F20260101%2Fus-east-1%2Fsts%2Faws4_request", "localhost", "", "sts", "GetCallerIdentity"},
	} {
		h := http.Header{}
		if c.auth != "" {
			h.Set("Authorization", c.auth)
		}
		rt := table.route(&wire.Request{Method: "GET", Path: c.path, RawQuery: c.query, Header: &stdHeader{&http.Request{Header: h}}}, c.host)
		if rt.service == nil || rt.service.API.SigningName != c.service || rt.name != c.operation {
			t.Errorf("%s: %+v", name, rt)
		}
	}
}

func FuzzRoute(f *testing.F) {
	f.Add("POST", "/000000000000/q?Action=ListQueues", "sqs.us-east-1.amazonaws.com:80", "AmazonSQS.ListQueues", "AWS4-HMAC-SHA256 Credential=a/b/c/d/e", []byte("Action=x"))
	f.Add("GET", "http://x?y", "queue.", ".", "", []byte{})
	f.Add("POST", "application/x-amz-cbor-1.1", "kinesis.", "Kinesis_20131202.ListStreams", "", []byte("\xbf\xff"))
	f.Add("POST", "/", "1.data-kinesis.us-east-1.amazonaws.com", "Kinesis_20131202.ListStreams", "", []byte("{}"))
	f.Add("POST", "/", "control-kinesis-fips.", "Kinesis_20131202.", "", []byte(""))
	f.Add("GET", "*", "::", "", "", []byte("Action=%"))
	table := testRoutes()
	guard := newGuard(&Config{Auth: NewDev(nil)})
	f.Fuzz(func(t *testing.T, method, uri, host, target, auth string, body []byte) {
		r := &Request{Host: host}
		r.Method, r.Body = method, body
		r.Path, r.RawQuery = splitTarget(uri)
		h := http.Header{"X-Amz-Target": {target}, "Authorization": {auth}, "Origin": {host}, "Content-Type": {uri}}
		r.Header = &stdHeader{&http.Request{Header: h, Host: host}}
		guard.check(r, false)
		rt := table.route(&r.Request, host)
		if (rt.operation == nil) == (rt.err == nil) || rt.canned != nil && rt.err == nil || rt.protocol == nil || rt.operation != nil && rt.service == nil {
			t.Fatalf("%+v", rt)
		}
		if rt.err != nil && rt.canned == nil {
			if res := rt.fail(r, rt.err, nil); res.Status != 400 || len(res.Body) == 0 || bytes.IndexByte(res.Body, 0) >= 0 {
				t.Fatalf("%+v", res)
			}
		}
	})
}
