package lambda_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/lambda"
)

const runtimeAPI = lambda.Prefix + "greet/2018-06-01/runtime/"

// poller is a runtime under the test's hands.
type poller struct {
	t    *testing.T
	base string
	http *http.Client
}

func newPoller(t *testing.T, address string) *poller {
	transport := new(http.Transport)
	t.Cleanup(transport.CloseIdleConnections)
	return &poller{t: t, base: "http://" + address + runtimeAPI, http: &http.Client{Transport: transport}}
}

// next polls; id is "" if that ended otherwise.
func (p *poller) next(ctx context.Context) (id string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.base+"invocation/next", nil)
	if err != nil {
		p.t.Error(err)
		return ""
	}
	res, err := p.http.Do(req)
	if err != nil {
		return ""
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.Header.Get("Lambda-Runtime-Aws-Request-Id")
}

// post returns status and body.
func (p *poller) post(path, body string) string {
	res, err := p.http.Post(p.base+path, "application/json", strings.NewReader(body))
	if err != nil {
		p.t.Error(err)
		return ""
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	return strconv.Itoa(res.StatusCode) + " " + strings.TrimSpace(string(b))
}

const accepted = `202 {"status":"OK"}`

func TestRuntimeAPI(t *testing.T) {
	t.Parallel()
	f, address := serve(t, lambda.Options{Timeout: 10 * time.Second})
	p := newPoller(t, address)
	invocations := make(chan lambda.Invocation, 1)
	begin := func() (id string) {
		go func() {
			waitAttached(t, f, "greet")
			invocations <- f.Invoke(t.Context(), testARN, []byte(`{}`))
		}()
		return p.next(t.Context())
	}

	id := begin()
	if got := p.post("invocation/"+id+"/response", `"hello"`); got != accepted {
		t.Error(got)
	}
	if inv := <-invocations; inv.Outcome.Err != nil || string(inv.Payload) != `"hello"` || inv.RequestID != id {
		t.Errorf("%+v", inv)
	}
	if got := p.post("invocation/"+id+"/response", `"again"`); got != accepted {
		t.Errorf("a second answer: %s", got)
	}

	id = begin()
	if got := p.post("invocation/"+id+"/error", `{"errorType":"T","errorMessage":"m"}`); got != accepted {
		t.Error(got)
	}
	if e := failed(t, <-invocations); e != (failure{"T", "m"}) {
		t.Errorf("%+v", e)
	}

	for path, want := range map[string]string{
		"init/error":                  accepted,
		"invocation/unknown/response": `400 {"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}`,
		"invocation/unknown/error":    `400 {"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}`,
		"invocation//response":        `400 {"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}`,
		"invocation/next":             `404 {"errorMessage":"The Runtime API has no such operation","errorType":"NotFound"}`,
		"elsewhere":                   `404 {"errorMessage":"The Runtime API has no such operation","errorType":"NotFound"}`,
	} {
		if got := p.post(path, `{}`); got != want {
			t.Errorf("%s: %s", path, got)
		}
	}
}

// TestBrokenAnswer: a streamed answer whose end is an error, as aws-lambda-go
// sends it.
func TestBrokenAnswer(t *testing.T) {
	t.Parallel()
	f, address := serve(t, lambda.Options{Timeout: 10 * time.Second})
	p := newPoller(t, address)
	done := make(chan lambda.Invocation, 1)
	go func() {
		waitAttached(t, f, "greet")
		done <- f.Invoke(t.Context(), testARN, nil)
	}()
	id := p.next(t.Context())
	req, err := http.NewRequest(http.MethodPost, p.base+"invocation/"+id+"/response", io.MultiReader(strings.NewReader("half an ans")))
	if err != nil {
		t.Fatal(err)
	}
	req.Trailer = http.Header{
		"Lambda-Runtime-Function-Error-Type": {"T"},
		"Lambda-Runtime-Function-Error-Body": {"eyJlcnJvclR5cGUiOiJUIiwiZXJyb3JNZXNzYWdlIjoibSJ9"},
	}
	res, err := p.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if e := failed(t, <-done); res.StatusCode != http.StatusAccepted || e != (failure{"T", "m"}) {
		t.Errorf("%d, %+v", res.StatusCode, e)
	}
}

// TestPollerDies: whoever polls next gets what it would have got.
func TestPollerDies(t *testing.T) {
	t.Parallel()
	f, address := serve(t, lambda.Options{Timeout: 20 * time.Second})

	// A connection that breaks while the invocation is written to it.
	broken := make(chan struct{})
	go func() {
		defer close(broken)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, runtimeAPI+"invocation/next", nil)
		f.ServeHTTP(brokenWriter{}, r)
	}()
	waitAttached(t, f, "greet")
	done := make(chan lambda.Invocation, 1)
	go func() { done <- f.Invoke(t.Context(), testARN, []byte(`{}`)) }()
	<-broken
	p := newPoller(t, address)
	id := p.next(t.Context())
	if got := p.post("invocation/"+id+"/response", `1`); got != accepted {
		t.Error(got)
	}
	if inv := <-done; inv.Outcome.Err != nil || inv.RequestID != id {
		t.Errorf("%+v", inv)
	}
	if got := p.post("invocation/"+id+"/response", `1`); got != accepted {
		t.Error(got)
	}

	// Polls whose connections are gone already. The function counts as attached
	// for a moment after its answer, so the call waits for a process.
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	go func() { done <- f.Invoke(t.Context(), testARN, []byte(`{}`)) }()
	for range 100 {
		w := httptest.NewRecorder()
		f.ServeHTTP(w, httptest.NewRequestWithContext(ended, http.MethodGet, runtimeAPI+"invocation/next", nil))
		if w.Body.Len() > 0 {
			t.Fatal("handed to nobody")
		}
	}
	id = p.next(t.Context())
	p.post("invocation/"+id+"/response", `2`)
	if inv := <-done; inv.Outcome.Err != nil || string(inv.Payload) != "2" {
		t.Errorf("%+v", inv)
	}
}

// TestPollerLeaves: a process that ends while it waits is not attached any more.
func TestPollerLeaves(t *testing.T) {
	t.Parallel()
	f, address := serve(t, lambda.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan struct{})
	go func() { defer close(gone); newPoller(t, address).next(ctx) }()
	waitAttached(t, f, "greet")
	cancel()
	<-gone
	for end := time.Now().Add(30 * time.Second); f.Attached("greet"); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("still attached")
		}
	}
	if inv := f.Invoke(t.Context(), testARN, nil); inv.Outcome.Err == nil || inv.Outcome.Permanent || inv.FunctionError {
		t.Errorf("%+v", inv)
	}
}

type brokenWriter struct{}

func (brokenWriter) Header() http.Header       { return http.Header{} }
func (brokenWriter) WriteHeader(int)           {}
func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("connection reset") }

// TestCallerLeaves: what its process answers is dropped, and nothing is left of it.
func TestCallerLeaves(t *testing.T) {
	t.Parallel()
	var now atomic.Int64
	f, address := serve(t, lambda.Options{Timeout: time.Minute, Now: func() time.Time { return time.Unix(now.Load(), 0) }})
	w := &slowWriter{header: http.Header{}, writing: make(chan struct{}), goOn: make(chan struct{})}
	polled := make(chan struct{})
	go func() {
		defer close(polled)
		f.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, runtimeAPI+"invocation/next", nil))
	}()
	waitAttached(t, f, "greet")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan lambda.Invocation, 1)
	go func() { done <- f.Invoke(ctx, testARN, []byte(`{}`)) }()
	<-w.writing
	cancel()
	if inv := <-done; !errors.Is(inv.Outcome.Err, context.Canceled) || inv.FunctionError || inv.Outcome.Permanent {
		t.Errorf("%+v", inv)
	}
	close(w.goOn)
	<-polled
	now.Store(3600)
	if f.Attached("greet") {
		t.Error("attached, by an invocation that nobody waits for")
	}
	p := newPoller(t, address)
	if got := p.post("invocation/"+w.header.Get("Lambda-Runtime-Aws-Request-Id")+"/response", `1`); got != accepted {
		t.Error(got)
	}
}

// slowWriter is a process that takes its time to read.
type slowWriter struct {
	header        http.Header
	writing, goOn chan struct{}
}

func (w *slowWriter) Header() http.Header { return w.header }
func (w *slowWriter) WriteHeader(int)     {}
func (w *slowWriter) Flush()              {}
func (w *slowWriter) Write(p []byte) (int, error) {
	close(w.writing)
	<-w.goOn
	return len(p), nil
}

func TestBusy(t *testing.T) {
	t.Parallel()
	f, address := serve(t, lambda.Options{Timeout: time.Second})
	p := newPoller(t, address)
	go func() {
		waitAttached(t, f, "greet")
		f.Invoke(t.Context(), testARN, nil)
	}()
	if p.next(t.Context()) == "" {
		t.Fatal("nothing to do")
	}
	inv := f.Invoke(t.Context(), testARN, nil)
	if inv.Outcome.Err == nil || inv.Outcome.Permanent || inv.FunctionError {
		t.Errorf("%+v", inv)
	}
}

func TestNotAttached(t *testing.T) {
	t.Parallel()
	f := lambda.New(lambda.Options{})
	defer f.Close()
	for name, permanent := range map[string]bool{
		testARN:                              false,
		"greet":                              false,
		"":                                   true,
		"a b":                                true,
		"arn:aws:sqs:us-east-1:1:function:x": true,
		"arn:aws:lambda:us-east-1:111122223333:layer:x": true,
	} {
		inv := f.Invoke(t.Context(), name, nil)
		if inv.Outcome.Err == nil || inv.Outcome.Permanent != permanent || inv.FunctionError {
			t.Errorf("%q: %+v", name, inv)
		}
	}
	if inv := f.Invoke(t.Context(), testARN, make([]byte, lambda.MaxPayload+1)); !inv.Outcome.Permanent {
		t.Errorf("too large: %+v", inv)
	}
}

func TestPassword(t *testing.T) {
	t.Parallel()
	_, address := serve(t, lambda.Options{Password: "secret"})
	for _, test := range []struct{ user, want string }{
		{"", `403 {"errorMessage":"Wrong password","errorType":"Forbidden"}`},
		{"any:wrong@", `403 {"errorMessage":"Wrong password","errorType":"Forbidden"}`},
		{"any:secret@", accepted},
	} {
		if got := newPoller(t, test.user+address).post("init/error", `{}`); got != test.want {
			t.Errorf("%q: %s", test.user, got)
		}
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	f, address := serve(t, lambda.Options{Timeout: time.Minute})
	p := newPoller(t, address)
	running := make(chan lambda.Invocation, 1)
	go func() {
		waitAttached(t, f, "greet")
		running <- f.Invoke(context.Background(), testARN, nil)
	}()
	if p.next(t.Context()) == "" {
		t.Fatal("nothing to do")
	}
	polled := make(chan string, 1)
	go func() { polled <- p.next(context.Background()) }()
	f.Close()
	if inv := <-running; inv.Outcome.Err == nil || inv.Outcome.Permanent || inv.FunctionError {
		t.Errorf("%+v", inv)
	}
	if id := <-polled; id != "" {
		t.Errorf("polled %s", id)
	}
	if inv := f.Invoke(t.Context(), testARN, nil); inv.Outcome.Err == nil || inv.Outcome.Permanent {
		t.Errorf("after Close: %+v", inv)
	}
}

// TestTooManyFunctions: names are forgotten when nobody polls for them any more.
func TestTooManyFunctions(t *testing.T) {
	t.Parallel()
	f := lambda.New(lambda.Options{})
	defer f.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for i := range 3000 {
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, lambda.Prefix+"f"+strconv.Itoa(i)+"/2018-06-01/runtime/invocation/next", nil)
		w := httptest.NewRecorder()
		f.ServeHTTP(w, r)
		if w.Code != http.StatusOK { // nothing was written
			t.Fatalf("%d: %d %s", i, w.Code, w.Body)
		}
	}
}
