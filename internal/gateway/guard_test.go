package gateway_test

import (
	"context"
	"strings"
	"testing"

	"github.com/spillway/spillway/internal/gateway"
	"github.com/spillway/spillway/internal/service"
	"github.com/spillway/spillway/internal/wire"
)

func TestHostAndOrigin(t *testing.T) {
	t.Parallel()
	config := func(auth gateway.Auth) gateway.Config {
		return gateway.Config{
			Auth: auth, Services: []*service.Service{newToy().service()},
			AllowedOrigins: []string{"https://app.example.com"}, AllowedHosts: []string{"queue.example.com"}, ExternalURL: "https://sqs.example.org/",
			Extra: map[string]gateway.Handler{"/_page/": func(context.Context, *gateway.Request) wire.Response { return wire.Response{Status: 200} }},
		}
	}
	dev, _ := start(t, config(nil))
	verified, _ := start(t, config(verifying(t)))
	const ok, no = 404, 403 // without an action
	for _, c := range []struct {
		path, host, origin, fetch string
		dev                       int
		shared                    bool // the answer is readable by the page
	}{
		{"/", "localhost:4566", "", "", ok, false},
		{"/", "localhost", "", "", ok, false},
		{"/", "127.0.0.1:4566", "", "", ok, false},
		{"/", "[::1]:4566", "", "", ok, false},
		{"/", "192.168.1.5:4566", "", "", ok, false},
		{"/", "spillway:4566", "", "", ok, false},
		{"/", "my-stack.localhost:4566", "", "", ok, false},
		{"/", "sqs.us-east-1.localhost.localstack.cloud:4566", "", "", ok, false},
		{"/", "localhost.localstack.cloud:4566", "", "", ok, false},
		{"/", "SQS.us-east-1.amazonaws.com", "", "", ok, false},
		{"/", "host.docker.internal:4566", "", "", ok, false},
		{"/", "spillway.queues.svc.cluster.local", "", "", ok, false},
		{"/", "queue.example.com:80", "", "", ok, false},
		{"/", "sqs.example.org", "", "", ok, false},
		{"/", "evil.example.com:4566", "", "", no, false},
		{"/", "localhost.evil.example.com", "", "", no, false},
		{"/", "amazonaws.com.evil.example.com", "", "", no, false},
		{"/", "1.2.3.4.evil.example.com", "", "", no, false},

		{"/", "localhost:4566", "http://localhost:3000", "", ok, true},
		{"/", "localhost:4566", "http://app.localhost:3000", "", ok, true},
		{"/", "localhost:4566", "http://127.0.0.1", "", ok, true},
		{"/", "localhost:4566", "http://[::1]:99", "", ok, true},
		{"/", "192.168.1.5:4566", "http://192.168.1.5:4566", "", ok, true},
		{"/", "localhost:4566", "https://app.example.com", "", ok, true},
		{"/", "localhost:4566", "https://sqs.example.org", "", ok, true},
		{"/", "localhost:4566", "http://app.example.com", "", no, false},
		{"/", "localhost:4566", "https://evil.example.com", "", no, false},
		{"/", "localhost:4566", "http://localhost.evil.example.com", "", no, false},
		{"/", "localhost:4566", "http://192.168.1.5", "", no, false},
		{"/", "localhost:4566", "null", "", no, false},
		{"/", "localhost:4566", "file://", "", no, false},
		{"/_page/", "localhost:4566", "https://evil.example.com", "", no, false},

		{"/", "localhost:4566", "", "cross-site", no, false},
		{"/", "localhost:4566", "", "same-origin", ok, false},
		{"/", "localhost:4566", "", "none", ok, false},
		{"/_page/x", "localhost:4566", "", "cross-site", 200, false},
	} {
		for front, client := range fronts(t) {
			header := []string{"Host", c.host}
			if c.origin != "" {
				header = append(header, "Origin", c.origin)
			}
			if c.fetch != "" {
				header = append(header, "Sec-Fetch-Site", c.fetch)
			}
			res := do(t, client, "GET", "http://"+dev+c.path, "", header...)
			if res.StatusCode != c.dev {
				t.Errorf("%+v, %s: %d %s", c, front, res.StatusCode, res.text)
			}
			if shared := res.Header.Get("Access-Control-Allow-Origin"); shared != "" != c.shared || c.shared && shared != c.origin {
				t.Errorf("%+v, %s: shared with %q", c, front, shared)
			}
			// Signatures protect the other mode.
			if res := do(t, client, "GET", "http://"+verified+c.path, "", header...); res.StatusCode == 403 {
				t.Errorf("%+v, %s, verified: %d %s", c, front, res.StatusCode, res.text)
			} else if shared := res.Header.Get("Access-Control-Allow-Origin"); shared != "" != c.shared {
				t.Errorf("%+v, %s, verified: shared with %q", c, front, shared)
			}
		}
	}
}

func TestInvalidHost(t *testing.T) {
	t.Parallel()
	addr, _ := start(t, gateway.Config{Services: []*service.Service{newToy().service()}, Auth: verifying(t)})
	c := dial(t, addr)
	c.send("GET / HTTP/1.1\r\nHost: a/b?<x>\r\n\r\n")
	if got := c.reply(); got.StatusCode < 400 || strings.Contains(got.text, "<x>") {
		t.Errorf("%d %s", got.StatusCode, got.text)
	}
}

func TestPreflight(t *testing.T) {
	t.Parallel()
	addr, _ := start(t, gateway.Config{Services: []*service.Service{newToy().service()}})
	for front, client := range fronts(t) {
		ask := func(origin string) reply {
			return do(t, client, "OPTIONS", "http://"+addr+"/000000000000/q", "", "Host", "localhost:4566", "Origin", origin, "Access-Control-Request-Method", "POST",
				"Access-Control-Request-Headers", "authorization,content-type,X-Amz-Target, amz-sdk-invocation-id,x-evil", "Access-Control-Request-Private-Network", "true")
		}
		res := ask("http://localhost:5173")
		for name, want := range map[string]string{
			"Access-Control-Allow-Origin":          "http://localhost:5173",
			"Access-Control-Allow-Headers":         "authorization, content-type, x-amz-target, amz-sdk-invocation-id",
			"Access-Control-Allow-Private-Network": "true", "Vary": "Origin", "Access-Control-Max-Age": "600",
		} {
			if got := res.Header.Get(name); got != want {
				t.Errorf("%s: %s: %q, want %q", front, name, got, want)
			}
		}
		if res.StatusCode != 204 || !strings.Contains(res.Header.Get("Access-Control-Allow-Methods"), "POST") {
			t.Errorf("%s: %d", front, res.StatusCode)
		}
		if res := ask("https://evil.example.com"); res.StatusCode != 403 || res.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %d", front, res.StatusCode)
		}
	}
}

func TestExtra(t *testing.T) {
	t.Parallel()
	say := func(s string) gateway.Handler {
		return func(_ context.Context, r *gateway.Request) wire.Response {
			return wire.Response{Status: 200, ContentType: "text/plain", Body: []byte(s + " " + r.Method + " " + r.Path + " " + r.RawQuery)}
		}
	}
	addr, _ := start(t, gateway.Config{Services: []*service.Service{newToy().service()}, Extra: map[string]gateway.Handler{
		"/_spillway/health": say("health"), "/_aws/": say("aws"), "/_aws/sqs/": say("sqs"), "/metrics": say("metrics"),
		"/boom": func(context.Context, *gateway.Request) wire.Response { panic("secret") },
	}})
	for path, want := range map[string]string{
		"/_spillway/health":           "health GET /_spillway/health ",
		"/_spillway/health/":          "<UnknownOperationException/>",
		"/_aws/x%20y?a=%20":           "aws GET /_aws/x%20y a=%20",
		"/_aws/sqs/messages?QueueUrl": "sqs GET /_aws/sqs/messages QueueUrl",
		"/metrics":                    "metrics GET /metrics ",
		"/_aws":                       "<UnknownOperationException/>",
	} {
		for front, client := range fronts(t) {
			if res := do(t, client, "GET", "http://"+addr+path, ""); res.text != want || res.Header.Get("x-amzn-RequestId") == "" {
				t.Errorf("%s, %s: %d %s", path, front, res.StatusCode, res.text)
			}
		}
	}
	if res := do(t, fronts(t)["fast"], "GET", "http://"+addr+"/boom", ""); res.StatusCode != 500 || strings.Contains(res.text, "secret") {
		t.Errorf("%d %s", res.StatusCode, res.text)
	}
}
