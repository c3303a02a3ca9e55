package gateway_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/gateway"
	"github.com/spillway/spillway/internal/service"
	"github.com/spillway/spillway/internal/wire"
)

const poll = `{"QueueUrl":"q","WaitTimeSeconds":20}`

// soon is how long a test waits for what should happen at once.
const soon = 10 * time.Second

func receive[T any](t *testing.T, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(soon):
		t.Fatal("it did not happen")
	}
	return v
}

func TestKeepAliveAndPipelining(t *testing.T) {
	t.Parallel()
	addr, _ := start(t, gateway.Config{Services: []*service.Service{newToy().service()}})
	c := dial(t, addr)
	for i := range 3 {
		c.send(request("SendMessage", sendMessage(itoa(i))))
		if got := c.reply(); got.StatusCode != 200 || got.text != `{"MessageId":"`+itoa(i)+`"}` {
			t.Fatalf("%d %s", got.StatusCode, got.text)
		}
	}
	var all strings.Builder
	for i := range 100 {
		all.WriteString(request("SendMessage", sendMessage(itoa(i))))
	}
	c.send(all.String())
	for i := range 100 {
		if got := c.reply(); got.text != `{"MessageId":"`+itoa(i)+`"}` {
			t.Fatalf("answer %d is %s", i, got.text)
		}
	}
}

// TestByteByByte: a client may send its first bytes in as many packets.
func TestByteByByte(t *testing.T) {
	t.Parallel()
	addr, _ := start(t, gateway.Config{Services: []*service.Service{newToy().service()}})
	c := dial(t, addr)
	for _, b := range request("SendMessage", sendMessage("x")) {
		c.send(string(b))
	}
	if got := c.reply(); got.StatusCode != 200 {
		t.Errorf("%d %s", got.StatusCode, got.text)
	}
}

func TestClientLeavesPoll(t *testing.T) {
	t.Parallel()
	s := newToy()
	addr, _ := start(t, gateway.Config{Services: []*service.Service{s.service()}})
	t.Run("fast", func(t *testing.T) {
		c := dial(t, addr)
		c.send(request("ReceiveMessage", poll))
		receive(t, s.wait)
		c.Close()
		if cause := receive(t, s.causes); errors.Is(cause, gateway.ErrStopWaiting) {
			t.Error(cause)
		}
	})
	t.Run("std", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			req, _ := http.NewRequestWithContext(ctx, "POST", "http://"+addr, strings.NewReader(poll))
			req.Header.Set("X-Amz-Target", "AmazonSQS.ReceiveMessage")
			if res, err := fronts(t)["std"].Do(req); err == nil {
				res.Body.Close()
			}
		}()
		receive(t, s.wait)
		cancel()
		if cause := receive(t, s.causes); errors.Is(cause, gateway.ErrStopWaiting) {
			t.Error(cause)
		}
		receive(t, ended)
	})
}

// TestPipelinedBehindPoll: the byte that watching reads belongs to the next request.
func TestPipelinedBehindPoll(t *testing.T) {
	t.Parallel()
	s := newToy()
	addr, g := start(t, gateway.Config{Services: []*service.Service{s.service()}})
	c := dial(t, addr)
	c.send(request("ReceiveMessage", poll))
	receive(t, s.wait)
	// A second poll tells by its beginning that the connection is still read.
	c.send(request("ReceiveMessage", `{"QueueUrl":"q"}`))
	drained := make(chan error, 1)
	go func() { drained <- g.Shutdown(context.Background()) }()
	if got := c.reply(); got.StatusCode != 200 || got.text != "{}" {
		t.Errorf("%d %s", got.StatusCode, got.text)
	}
	if err := receive(t, drained); err != nil {
		t.Error(err)
	}
}

// TestDrainLetsFinish: a call that only takes long is neither ended by a drain nor
// counted as one that waits; and it hears that its client has gone.
func TestDrainLetsFinish(t *testing.T) {
	t.Parallel()
	s := newToy()
	addr, g := start(t, gateway.Config{Services: []*service.Service{s.service()}})
	left := dial(t, addr)
	left.send(request("PurgeQueue", `{"QueueUrl":"q"}`))
	receive(t, s.wait)
	left.Close()
	if cause := receive(t, s.causes); errors.Is(cause, gateway.ErrStopWaiting) {
		t.Error(cause)
	}
	c, poller := dial(t, addr), dial(t, addr)
	c.send(request("PurgeQueue", `{"QueueUrl":"q"}`))
	receive(t, s.wait)
	poller.send(request("ReceiveMessage", poll))
	receive(t, s.wait)
	for deadline := time.Now().Add(soon); ; time.Sleep(time.Millisecond) {
		running, waiting := g.Load()
		if running == 1 && waiting == 1 {
			break // the purge and the poll
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d run and %d wait", running, waiting)
		}
	}
	drained := make(chan error, 1)
	go func() { drained <- g.Shutdown(context.Background()) }()
	receive(t, s.causes) // the poll's: the drain has come to those that wait
	close(s.finish)
	if got := c.reply(); got.StatusCode != 200 {
		t.Errorf("%d %s", got.StatusCode, got.text)
	}
	if err := receive(t, drained); err != nil {
		t.Error(err)
	}
}

// TestPollThenRequest: polls that end by themselves leave the connection intact.
func TestPollThenRequest(t *testing.T) {
	t.Parallel()
	s := newToy()
	// No room to wait: polls are short ones, after having been watched or not.
	addr, _ := start(t, gateway.Config{Services: []*service.Service{s.service()}, Limits: gateway.Limits{MaxLongPolls: 1, MaxConcurrent: 1}})
	holder := dial(t, addr)
	holder.send(request("ReceiveMessage", poll))
	receive(t, s.wait)
	c := dial(t, addr)
	untilParked(t, c)
	for i := range 20 {
		c.send(request("ReceiveMessage", poll) + request("SendMessage", sendMessage(itoa(i))))
		receive(t, s.wait)
		if cause := receive(t, s.causes); !errors.Is(cause, gateway.ErrStopWaiting) {
			t.Fatal(cause)
		}
		if got := c.reply(); got.text != "{}" {
			t.Fatalf("%d %s", got.StatusCode, got.text)
		}
		if got := c.reply(); got.text != `{"MessageId":"`+itoa(i)+`"}` {
			t.Fatalf("%d %s", got.StatusCode, got.text)
		}
	}
}

// untilParked returns when the one request in work waits. The server must take
// no more than one.
func untilParked(t *testing.T, c *raw) {
	t.Helper()
	for deadline := time.Now().Add(soon); ; {
		c.send(request("SendMessage", sendMessage("x")))
		res := c.reply()
		if res.StatusCode == 200 {
			return
		}
		if res.StatusCode != 503 || !strings.Contains(res.text, "ServiceUnavailable") || time.Now().After(deadline) {
			t.Fatalf("%d %s", res.StatusCode, res.text)
		}
	}
}

func TestDrain(t *testing.T) {
	t.Parallel()
	s := newToy()
	addr, g := start(t, gateway.Config{Services: []*service.Service{s.service()}})
	idle, fresh, polling := dial(t, addr), dial(t, addr), dial(t, addr)
	idle.send(request("SendMessage", sendMessage("x")))
	idle.reply()
	polling.send(request("ReceiveMessage", poll))
	receive(t, s.wait)
	h2 := make(chan reply, 1)
	go func() {
		h2 <- do(t, fronts(t)["std"], "POST", "http://"+addr, poll, target("ReceiveMessage")...)
	}()
	receive(t, s.wait)
	drained := make(chan error, 1)
	go func() { drained <- g.Shutdown(context.Background()) }()
	if got := polling.reply(); got.StatusCode != 200 || got.text != "{}" || !got.Close {
		t.Errorf("%d %s close: %v", got.StatusCode, got.text, got.Close)
	}
	if got := receive(t, h2); got.StatusCode != 200 || got.text != "{}" {
		t.Errorf("%d %s", got.StatusCode, got.text)
	}
	for range 2 {
		if cause := receive(t, s.causes); !errors.Is(cause, gateway.ErrStopWaiting) {
			t.Error(cause)
		}
	}
	for _, c := range []*raw{idle, fresh} {
		if n, err := c.r.ReadByte(); err == nil {
			t.Errorf("an idle connection got %q", n)
		}
	}
	if err := receive(t, drained); err != nil {
		t.Error(err)
	}
	if c, err := net.Dial("tcp", addr); err == nil {
		c.Close()
		t.Error("still accepts")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Serve(l); !errors.Is(err, gateway.ErrClosed) {
		t.Error(err)
	}
}

func TestDrainGivesUp(t *testing.T) {
	t.Parallel()
	held, release := make(chan struct{}), make(chan struct{})
	addr, g := start(t, gateway.Config{Extra: map[string]gateway.Handler{"/_hold": func(context.Context, *gateway.Request) wire.Response {
		close(held)
		<-release
		return wire.Response{Status: 200}
	}}})
	c := dial(t, addr)
	c.send("GET /_hold HTTP/1.1\r\nHost: localhost\r\n\r\n")
	receive(t, held)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := g.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := c.r.ReadByte(); err == nil {
		t.Error("the connection is still open")
	}
	close(release)
}

func TestManyConnections(t *testing.T) {
	t.Parallel()
	addr, _ := start(t, gateway.Config{Services: []*service.Service{newToy().service()}, Limits: gateway.Limits{MaxConnections: 200}})
	conns := make([]*raw, 200)
	for i := range conns {
		conns[i] = dial(t, addr)
		conns[i].send(request("SendMessage", sendMessage(itoa(i))))
		conns[i].reply()
	}
	if got := dial(t, addr).reply(); got.StatusCode != 503 {
		t.Errorf("one too many: %d", got.StatusCode)
	}
	var wg sync.WaitGroup
	for i, c := range conns {
		wg.Go(func() {
			for n := range 20 {
				id := fmt.Sprint(i, "-", n)
				if _, err := io.WriteString(c, request("SendMessage", sendMessage(id))); err != nil {
					t.Error(err)
					return
				}
				res, err := http.ReadResponse(c.r, nil)
				if err != nil {
					t.Error(err)
					return
				}
				if b, _ := io.ReadAll(res.Body); string(b) != `{"MessageId":"`+id+`"}` {
					t.Errorf("%s: %s", id, b)
				}
			}
		})
	}
	wg.Wait()
}

// selfSigned is a certificate for this machine, and who trusts it.
func selfSigned(t *testing.T) (*tls.Config, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, pool
}

func TestTLS(t *testing.T) {
	t.Parallel()
	config, pool := selfSigned(t)
	s := newToy()
	addr, _ := start(t, gateway.Config{Services: []*service.Service{s.service()}, TLS: config})
	for major, http2 := range map[int]bool{1: false, 2: true} {
		p := new(http.Protocols)
		p.SetHTTP1(!http2)
		p.SetHTTP2(http2)
		tr := &http.Transport{Protocols: p, TLSClientConfig: &tls.Config{RootCAs: pool}}
		t.Cleanup(tr.CloseIdleConnections)
		res := do(t, &http.Client{Transport: tr, Timeout: soon}, "POST", "https://"+addr, sendMessage("x"), target("SendMessage")...)
		if res.StatusCode != 200 || res.ProtoMajor != major {
			t.Errorf("HTTP/%d: %d, HTTP/%d, %s", major, res.StatusCode, res.ProtoMajor, res.text)
		}
		if got := s.calls[len(s.calls)-1].BaseURL; got != "https://"+addr {
			t.Error(got)
		}
	}
	if res := do(t, fronts(t)["fast"], "POST", "http://"+addr, sendMessage("x"), target("SendMessage")...); res.StatusCode != 200 {
		t.Errorf("in clear: %d", res.StatusCode)
	}
}

// TestUpgrade: Java's client asks for h2c by upgrade, and takes no for an answer.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	addr, _ := start(t, gateway.Config{Services: []*service.Service{newToy().service()}})
	c := dial(t, addr)
	c.send("POST / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n" +
		"X-Amz-Target: AmazonSQS.ListQueues\r\nContent-Length: 2\r\n\r\n{}")
	if got := c.reply(); got.StatusCode != 200 || got.text != "{}" {
		t.Errorf("%d %s", got.StatusCode, got.text)
	}
}
