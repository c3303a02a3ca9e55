package web_test

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/spillway/spillway/internal/deliver"
	"github.com/spillway/spillway/internal/deliver/web"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func client(t *testing.T, o web.Options) *web.Client {
	c := web.New(o)
	t.Cleanup(c.Close)
	return c
}

// endpoint is an https endpoint, and a client that reaches it.
func endpoint(t *testing.T, h http.HandlerFunc, o web.Options) (*web.Client, string) {
	s := httptest.NewTLSServer(h)
	t.Cleanup(s.Close)
	o.AllowPrivate = true
	o.RootCAs = x509.NewCertPool()
	o.RootCAs.AddCert(s.Certificate())
	return client(t, o), s.URL
}

func TestPost(t *testing.T) {
	t.Parallel()
	type seen struct {
		header              http.Header
		body, proto, target string
	}
	got := make(chan seen, 1)
	c, base := endpoint(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- seen{r.Header, string(body), r.Proto, r.RequestURI}
		_, _ = io.WriteString(w, "thanks")
	}, web.Options{})
	o := c.Post(t.Context(), deliver.Request{
		URL: strings.Replace(base, "://", "://user:p%40ss@", 1) + "/hook?x=1",
		Header: http.Header{
			"Content-Type":         {"text/plain; charset=UTF-8"},
			"User-Agent":           {"Amazon Simple Notification Service Agent"},
			"x-amz-sns-message-id": {"m"},
		},
		Body: []byte(`{"a":1}`),
	})
	if o != (deliver.Outcome{Status: 200, Response: "thanks"}) {
		t.Fatalf("%+v", o)
	}
	s := <-got
	if s.body != `{"a":1}` || s.proto != "HTTP/1.1" || s.target != "/hook?x=1" {
		t.Errorf("%+v", s)
	}
	for name, want := range map[string]string{
		"Authorization":        "Basic dXNlcjpwQHNz",
		"Content-Type":         "text/plain; charset=UTF-8",
		"User-Agent":           "Amazon Simple Notification Service Agent",
		"X-Amz-Sns-Message-Id": "m",
		"Idempotency-Key":      "",
		"Content-Length":       "7",
	} {
		if got := s.header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestStatuses(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]struct{ ok, permanent bool }{
		200: {ok: true}, 202: {ok: true}, 204: {ok: true}, 299: {ok: true},
		301: {permanent: true}, 302: {permanent: true}, 307: {permanent: true},
		400: {permanent: true}, 403: {permanent: true}, 404: {permanent: true}, 410: {permanent: true},
		429: {}, 500: {}, 502: {}, 503: {}, 599: {},
	} {
		var requests atomic.Int32
		c, base := endpoint(t, func(w http.ResponseWriter, _ *http.Request) {
			requests.Add(1)
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
		}, web.Options{})
		o := c.Post(t.Context(), deliver.Request{URL: base})
		if o.Status != status || (o.Err == nil) != want.ok || o.Permanent != want.permanent || requests.Load() != 1 {
			t.Errorf("%d: %+v after %d requests", status, o, requests.Load())
		}
	}
}

func TestRetryable(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	c := client(t, web.Options{AllowPrivate: true, Timeout: 5 * time.Second})
	o := c.Post(t.Context(), deliver.Request{URL: "http://user:secret@" + l.Addr().String() + "/?secret"})
	if o.Err == nil || o.Permanent || strings.Contains(o.Err.Error(), "secret") {
		t.Errorf("nobody listens: %+v", o)
	}

	_, base := endpoint(t, func(http.ResponseWriter, *http.Request) {}, web.Options{})
	o = c.Post(t.Context(), deliver.Request{URL: base})
	if unknown := new(x509.UnknownAuthorityError); !errors.As(o.Err, unknown) || o.Permanent {
		t.Errorf("unknown authority: %+v", o)
	}
	insecure := client(t, web.Options{AllowPrivate: true, InsecureSkipVerify: true})
	if o := insecure.Post(t.Context(), deliver.Request{URL: base}); o.Err != nil {
		t.Error(o.Err)
	}
}

func TestBadURLs(t *testing.T) {
	t.Parallel()
	c := client(t, web.Options{AllowPrivate: true})
	for _, raw := range []string{"", "ftp://host/secret", "http://", "http://user:secret/@host/", "http://u:secret%zz@host/", "host/secret", "http://[secret/"} {
		o := c.Post(t.Context(), deliver.Request{URL: raw})
		if o.Err == nil || !o.Permanent || strings.Contains(o.Err.Error(), "secret") {
			t.Errorf("%q: %+v", raw, o)
		}
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	c, base := endpoint(t, func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		close(ended)
	}, web.Options{Timeout: 300 * time.Millisecond})
	o := c.Post(t.Context(), deliver.Request{URL: base})
	if o.Err == nil || o.Permanent || o.Status != 0 {
		t.Errorf("%+v", o)
	}
	<-ended
}

func TestContextEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	c, base := endpoint(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}, web.Options{})
	o := c.Post(ctx, deliver.Request{URL: base})
	if !errors.Is(o.Err, context.Canceled) || o.Permanent {
		t.Errorf("%+v", o)
	}
}

// TestEndlessAnswer: what is kept of an answer is bounded, and so is what is read.
func TestEndlessAnswer(t *testing.T) {
	t.Parallel()
	var written atomic.Int64
	ended := make(chan struct{})
	c, base := endpoint(t, func(w http.ResponseWriter, _ *http.Request) {
		defer close(ended)
		chunk := []byte(strings.Repeat("é", 2000))
		for {
			n, err := w.Write(chunk)
			written.Add(int64(n))
			if err != nil {
				return
			}
		}
	}, web.Options{})
	o := c.Post(t.Context(), deliver.Request{URL: base})
	if o.Err != nil || o.Response != strings.Repeat("é", deliver.MaxResponse/2) {
		t.Errorf("%d bytes kept, %v", len(o.Response), o.Err)
	}
	<-ended
	if n := written.Load(); n > 32<<20 { // the rest is in the kernel's buffers
		t.Errorf("%d bytes were taken", n)
	}
}

// TestKeptConnections: they are used again, and one that the other side has
// closed meanwhile costs no attempt.
func TestKeptConnections(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var conns []net.Conn
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	}))
	s.Config.ConnState = func(c net.Conn, state http.ConnState) {
		if state == http.StateNew {
			mu.Lock()
			conns = append(conns, c)
			mu.Unlock()
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	c := client(t, web.Options{AllowPrivate: true})
	for i := range 20 {
		if o := c.Post(t.Context(), deliver.Request{URL: s.URL, Body: []byte("x")}); o.Err != nil || o.Response != "x" {
			t.Fatalf("%d: %+v", i, o)
		}
		if i == 9 {
			mu.Lock()
			if len(conns) != 1 {
				t.Errorf("%d connections", len(conns))
			}
			conns[0].Close()
			mu.Unlock()
		}
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{})
	c, base := endpoint(t, func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
	}, web.Options{})
	done := make(chan deliver.Outcome)
	go func() { done <- c.Post(context.Background(), deliver.Request{URL: base}) }()
	<-arrived
	c.Close()
	c.Close()
	if o := <-done; o.Err == nil || o.Permanent {
		t.Errorf("%+v", o)
	}
	if o := c.Post(t.Context(), deliver.Request{URL: base}); o.Err == nil || o.Permanent {
		t.Errorf("after Close: %+v", o)
	}
}
