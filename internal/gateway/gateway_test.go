package gateway_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/gateway"
	"github.com/spillway/spillway/internal/iam"
	"github.com/spillway/spillway/internal/service"
	"github.com/spillway/spillway/internal/smithy"

	"go.uber.org/goleak"
)

// fasthttp has one clock for all of its servers, which nothing stops.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
}

// toy is a service with SQS's interface.
type toy struct {
	mu     sync.Mutex
	calls  []service.Call
	causes chan error    // of contexts that ended
	wait   chan struct{} // a poll or a purge has begun
	finish chan struct{} // lets a purge end
}

func (s *toy) service() *service.Service {
	public := func(action string) func(*service.Call, smithy.Shape) (service.Access, error) {
		return func(*service.Call, smithy.Shape) (service.Access, error) {
			return service.Access{Action: action, Resource: "arn:aws:sqs:us-east-1:000000000000:q", Owner: "000000000000"}, nil
		}
	}
	return &service.Service{API: sqsapi.Service, Operations: map[string]*service.Operation{
		"SendMessage": {Shape: sqsapi.SendMessage, Access: public("sqs:SendMessage"),
			Invoke: func(_ context.Context, c *service.Call, in smithy.Shape) (smithy.Shape, error) {
				s.mu.Lock()
				s.calls = append(s.calls, *c)
				s.mu.Unlock()
				body := in.(*sqsapi.SendMessageRequest).MessageBody
				if body == nil {
					return nil, smithy.MissingParameter.New("The request must contain the parameter MessageBody.")
				}
				switch *body {
				case "panic":
					panic("the secret is 42")
				case "fail":
					return nil, errors.New("the secret is 42")
				case "hint":
					e := smithy.InvalidParameterValue.New("no")
					e.Hint = "try another"
					return nil, e
				}
				return &sqsapi.SendMessageResult{MessageId: body}, nil
			}},
		"ReceiveMessage": {Shape: sqsapi.ReceiveMessage, Waits: true, Access: public("sqs:ReceiveMessage"),
			Invoke: func(ctx context.Context, _ *service.Call, in smithy.Shape) (smithy.Shape, error) {
				if w := in.(*sqsapi.ReceiveMessageRequest).WaitTimeSeconds; w == nil || *w == 0 {
					return &sqsapi.ReceiveMessageResult{}, nil
				}
				done := ctx.Done()
				s.wait <- struct{}{}
				<-done
				s.causes <- context.Cause(ctx)
				if errors.Is(context.Cause(ctx), gateway.ErrStopWaiting) {
					return &sqsapi.ReceiveMessageResult{}, nil
				}
				return nil, ctx.Err()
			}},
		"PurgeQueue": {Shape: sqsapi.PurgeQueue, Access: public("sqs:PurgeQueue"),
			Invoke: func(ctx context.Context, _ *service.Call, _ smithy.Shape) (smithy.Shape, error) {
				done := ctx.Done()
				s.wait <- struct{}{}
				select {
				case <-s.finish:
					return nil, nil
				case <-done:
					s.causes <- context.Cause(ctx)
					return nil, ctx.Err()
				}
			}},
		"ListQueues": {Shape: sqsapi.ListQueues, Access: public("sqs:ListQueues"),
			Invoke: func(context.Context, *service.Call, smithy.Shape) (smithy.Shape, error) {
				return &sqsapi.ListQueuesResult{}, nil
			}},
	}}
}

func newToy() *toy {
	return &toy{causes: make(chan error, 10), wait: make(chan struct{}, 10), finish: make(chan struct{})}
}

// start runs a gateway on a loopback port until the test ends.
func start(t testing.TB, c gateway.Config) (addr string, g *gateway.Gateway) {
	t.Helper()
	if c.Auth == nil {
		c.Auth = gateway.NewDev(iam.NewDev("000000000000"))
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.NewTextHandler(testWriter{t}, nil))
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g = gateway.New(c)
	served := make(chan error, 1)
	go func() { served <- g.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := g.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return l.Addr().String(), g
}

type testWriter struct{ t testing.TB }

func (w testWriter) Write(p []byte) (int, error) { w.t.Logf("%s", p); return len(p), nil }

func verifying(t testing.TB, accounts ...iam.Account) gateway.Auth {
	t.Helper()
	if accounts == nil {
		accounts = []iam.Account{{ID: "000000000000", RootKeys: []iam.Key{{AccessKeyID: "AKIDROOT", SecretAccessKey: "secret"}}}}
	}
	d, err := iam.NewDirectory(iam.Config{Accounts: accounts}, make([]byte, 32), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return gateway.NewVerify(d)
}

// fronts are clients that reach the two fronts.
func fronts(t testing.TB) map[string]*http.Client {
	h1 := &http.Transport{}
	p := new(http.Protocols)
	p.SetUnencryptedHTTP2(true)
	h2 := &http.Transport{Protocols: p}
	t.Cleanup(func() { h1.CloseIdleConnections(); h2.CloseIdleConnections() })
	return map[string]*http.Client{"fast": {Transport: h1, Timeout: 20 * time.Second}, "std": {Transport: h2, Timeout: 20 * time.Second}}
}

type reply struct {
	*http.Response
	text string
}

func do(t testing.TB, c *http.Client, method, url, body string, header ...string) reply {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
			continue
		}
		req.Header.Add(header[i], header[i+1])
	}
	res, err := c.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{res, string(b)}
}

const (
	jsonType = "application/x-amz-json-1.0"
	formType = "application/x-www-form-urlencoded"
)

func target(op string) []string {
	return []string{"X-Amz-Target", "AmazonSQS." + op, "Content-Type", jsonType}
}

// raw is a connection on which a test writes bytes itself.
type raw struct {
	net.Conn
	r *bufio.Reader
	t testing.TB
}

func dial(t testing.TB, addr string) *raw {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &raw{c, bufio.NewReader(c), t}
}

func (c *raw) send(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		c.t.Fatal(err)
	}
}

func (c *raw) reply() reply {
	c.t.Helper()
	res, err := http.ReadResponse(c.r, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	b, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return reply{res, string(b)}
}

func sendMessage(body string) string {
	return "{\"MessageBody\":\"" + body + "\",\"QueueUrl\":\"q\"}"
}

func request(op, body string) string {
	return "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: " + jsonType + "\r\nX-Amz-Target: AmazonSQS." + op +
		"\r\nContent-Length: " + itoa(len(body)) + "\r\n\r\n" + body
}
