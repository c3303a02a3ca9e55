package lambda

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spillway/spillway/internal/arn"
	"github.com/spillway/spillway/internal/deliver"
)

// remoteTimeout is more than any function may take (15 minutes).
const remoteTimeout = 905 * time.Second

func newTransport() *http.Transport {
	return &http.Transport{
		ForceAttemptHTTP2:   true,
		TLSHandshakeTimeout: 10 * time.Second,
		MaxIdleConns:        64,
		MaxIdleConnsPerHost: 64, // there is one host
		IdleConnTimeout:     30 * time.Second,
	}
}

// remote has the Invoke API run a function.
//
// Source: AWS Lambda API, Invoke. What the answer says in its status is about the
// call; X-Amz-Function-Error is about the function.
func (f *Functions) remote(ctx context.Context, function arn.ARN, payload []byte) Invocation {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(f.life, func() { cancel(errClosed) })()

	// Colons as the SDKs send them: signatures cover the path as it is sent.
	name := strings.ReplaceAll(url.PathEscape(function.String()), ":", "%3A")
	r := deliver.Request{
		URL: strings.TrimRight(f.options.InvokeURL, "/") + "/2015-03-31/functions/" + name + "/invocations",
		Header: http.Header{
			"Content-Type":          {"application/json"},
			"User-Agent":            {"spillway"},
			"X-Amz-Invocation-Type": {"RequestResponse"},
		},
		Body: payload,
	}
	if f.options.AccessKeyID != "" {
		region := f.options.Region
		if region == "" {
			region = function.Region
		}
		if err := sign(&r, f.options.AccessKeyID, f.options.SecretAccessKey, region, f.options.Now()); err != nil {
			return Invocation{Outcome: deliver.Fail(err, true)}
		}
	}
	res := deliver.Post(ctx, f.transport, r, MaxPayload, remoteTimeout)
	id := res.Header.Get("X-Amzn-Requestid")
	if res.Err != nil {
		return Invocation{Outcome: res.Outcome, RequestID: id}
	}
	return judge(id, answer{payload: res.Body, failed: res.Header.Get("X-Amz-Function-Error") != ""})
}
