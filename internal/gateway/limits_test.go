package gateway_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/gateway"
	"github.com/spillway/spillway/internal/service"
)

func TestLargestLegalBody(t *testing.T) {
	t.Parallel()
	addr, _ := start(t, gateway.Config{Services: []*service.Service{newToy().service()}})
	for front, client := range fronts(t) {
		res := do(t, client, "POST", "http://"+addr, sendMessage(strings.Repeat(`\u0041`, 1<<20)), target("SendMessage")...)
		if res.StatusCode != 200 || len(res.text) < 1<<20 {
			t.Errorf("%s: %d, %d bytes", front, res.StatusCode, len(res.text))
		}
	}
}

func TestTooLarge(t *testing.T) {
	t.Parallel()
	addr, _ := start(t, gateway.Config{Services: []*service.Service{newToy().service()}})
	const head = "POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: AmazonSQS.SendMessage\r\n"
	for name, c := range map[string]struct {
		send   string
		status int
		want   string
	}{
		"length":          {head + "Content-Length: 2147483648\r\n\r\n{", 413, "RequestEntityTooLargeException"},
		"upgraded length": {head + "Upgrade: x\r\nConnection: upgrade\r\nContent-Length: 2147483648\r\n\r\n{", 413, "RequestEntityTooLargeException"},
		"expecting":       {head + "Expect: 100-continue\r\nContent-Length: 2147483648\r\n\r\n", 413, ""},
		"chunks":          {head + "Transfer-Encoding: chunked\r\n\r\n70000000\r\n{", 413, "RequestEntityTooLarge"},
		"header":          {head + "X-Large: " + strings.Repeat("x", 64<<10) + "\r\n\r\n", 431, ""},
		"upgraded header": {head + "Upgrade: x\r\nX-Large: " + strings.Repeat("x", 64<<10) + "\r\n\r\n", 431, ""},
		"garbage":         {"\x00\x01\x02\r\n\r\n", 400, ""},
		"two lengths":     {head + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}", 400, ""},
		"no length":       {head + "Content-Length: x\r\n\r\n{}", 400, ""},
	} {
		t.Run(name, func(t *testing.T) {
			conn := dial(t, addr)
			conn.send(c.send)
			got := conn.reply()
			if got.StatusCode != c.status || !strings.Contains(got.text, c.want) {
				t.Errorf("%d %s", got.StatusCode, got.text)
			}
			if _, err := conn.r.ReadByte(); err == nil {
				t.Errorf("the connection goes on")
			}
		})
	}
}

// TestExpect: a body that is small enough is asked for.
func TestExpect(t *testing.T) {
	t.Parallel()
	addr, _ := start(t, gateway.Config{Services: []*service.Service{newToy().service()}})
	c := dial(t, addr)
	r := request("SendMessage", sendMessage("x"))
	head, body, _ := strings.Cut(r, "\r\n\r\n")
	c.send(head + "\r\nExpect: 100-continue\r\n\r\n")
	if got, err := c.r.ReadString('\n'); err != nil || got != "HTTP/1.1 100 Continue\r\n" {
		t.Fatalf("%q, %v", got, err)
	}
	if _, err := c.r.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	c.send(body)
	if got := c.reply(); got.StatusCode != 200 {
		t.Errorf("%d %s", got.StatusCode, got.text)
	}
}

// TestSlowBody: a body that does not come is not waited for, but a poll is.
func TestSlowBody(t *testing.T) {
	t.Parallel()
	s := newToy()
	addr, _ := start(t, gateway.Config{Services: []*service.Service{s.service()}, Limits: gateway.Limits{ReadTimeout: 100 * time.Millisecond}})
	polls := []*raw{dial(t, addr), dial(t, addr)}
	polls[0].send(request("ReceiveMessage", poll))
	polls[1].send(strings.Replace(request("ReceiveMessage", poll), "\r\n", "\r\nUpgrade: x\r\n", 1))
	receive(t, s.wait)
	receive(t, s.wait)
	for _, upgrade := range []string{"", "Upgrade: x\r\n"} {
		c := dial(t, addr)
		c.send("POST / HTTP/1.1\r\nHost: localhost\r\n" + upgrade + "X-Amz-Target: AmazonSQS.SendMessage\r\nContent-Length: 10\r\n\r\n{")
		if got := c.reply(); got.StatusCode != 408 || !strings.Contains(got.text, "RequestTimeout") {
			t.Errorf("%d %s", got.StatusCode, got.text)
		}
	}
	// The time-out has passed for the polls, too.
	select {
	case cause := <-s.causes:
		t.Errorf("a poll ended: %v", cause)
	default:
	}
}

// TestBusy: requests over the limit are told so, and polls that wait do not count.
func TestBusy(t *testing.T) {
	t.Parallel()
	s := newToy()
	addr, _ := start(t, gateway.Config{Services: []*service.Service{s.service()}, Limits: gateway.Limits{MaxConcurrent: 1}})
	c := dial(t, addr)
	c.send(request("ReceiveMessage", poll))
	receive(t, s.wait)
	untilParked(t, dial(t, addr))
}

// recorder keeps what it is told.
type recorder struct {
	mu   sync.Mutex
	seen []gateway.RequestInfo
}

func newRecorder() *recorder { return &recorder{} }

// Request implements gateway.Observer.
func (r *recorder) Request(i gateway.RequestInfo) {
	r.mu.Lock()
	r.seen = append(r.seen, i)
	r.mu.Unlock()
}

func TestObserver(t *testing.T) {
	t.Parallel()
	watch := newRecorder()
	addr, _ := start(t, gateway.Config{Services: []*service.Service{newToy().service()}, Observer: watch})
	for front, client := range fronts(t) {
		ok := do(t, client, "POST", "http://"+addr, sendMessage("x"), target("SendMessage")...)
		bad := do(t, client, "POST", "http://"+addr, sendMessage("fail"), target("SendMessage")...)
		watch.mu.Lock()
		got := watch.seen[len(watch.seen)-2:]
		watch.mu.Unlock()
		for i, res := range []reply{ok, bad} {
			g := got[i]
			if g.Service != "sqs" || g.Operation != "SendMessage" || g.Principal != "arn:aws:iam::000000000000:root" || g.Region != "us-east-1" ||
				g.Status != res.StatusCode || g.BytesOut != len(res.text) || g.BytesIn == 0 || g.RequestID != res.Header.Get("x-amzn-RequestId") || g.Duration <= 0 || !g.Remote.IsValid() {
				t.Errorf("%s: %+v", front, g)
			}
		}
		if got[0].Code != "" || got[1].Code != "InternalFailure" {
			t.Errorf("%s: %+v", front, got)
		}
	}
}
