package e2e

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// The tests here are not parallel: they count goroutines, which nobody else may
// start meanwhile.

// address is the server's host and port.
func (f *fixture) address() string {
	f.Helper()
	u, err := url.Parse(f.url)
	if err != nil {
		f.Fatal(err)
	}
	return u.Host
}

// dial opens a socket that is closed with the test.
func dial(t testing.TB, address string) net.Conn {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() }) // most are closed by then
	return c
}

// refused reads what the server says before it closes the connection: a status
// between 400 and 599, or nothing.
func refused(t *testing.T, name string, c net.Conn) int {
	t.Helper()
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0 // closed without a word
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%s: %v", name, err)
	}
	if res.StatusCode < 400 {
		t.Errorf("%s: status %d", name, res.StatusCode)
	}
	return res.StatusCode
}

// baseline makes a queue and returns how many goroutines there are without any
// connection: servers start some with their first request.
func baseline(f *fixture) int {
	f.Helper()
	f.create("q", "")
	f.client.CloseIdleConnections()
	least := runtime.NumGoroutine()
	for range 20 {
		time.Sleep(5 * time.Millisecond)
		least = min(least, runtime.NumGoroutine())
	}
	return least
}

// settle demands that goroutines go back to what they were.
func settle(t *testing.T, before int) {
	t.Helper()
	if *nodesFlag > 1 {
		return // the nodes' own connections and consumers come and go
	}
	for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<16)
			t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
		}
	}
}

// TestHostileBytes: what no client sends is refused at once, takes no memory, and
// leaves nothing behind; others are served meanwhile.
func TestHostileBytes(t *testing.T) {
	f := start(t, "")
	before := baseline(f)
	const post = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.0\r\nX-Amz-Target: AmazonSQS.SendMessage\r\n"
	deep := `{"QueueUrl":"q","MessageBody":` + strings.Repeat("[", 1<<20)
	garbage := make([]byte, 64<<10)
	for i := range garbage {
		garbage[i] = byte(i * 7)
	}
	for name, c := range map[string]struct {
		send string
		want int // 0: any refusal
	}{
		"2 GiB announced":       {post + "Content-Length: 2147483648\r\n\r\n{", 413},
		"huge length":           {post + "Content-Length: 99999999999999999999999\r\n\r\n{", 0},
		"negative length":       {post + "Content-Length: -1\r\n\r\n{", 0},
		"deep JSON":             {post + fmt.Sprintf("Content-Length: %d\r\nConnection: close\r\n\r\n%s", len(deep), deep), 400},
		"huge header":           {post + "X-Filler: " + strings.Repeat("x", 1<<20) + "\r\n\r\n", 431},
		"many headers":          {post + strings.Repeat("X-Filler: x\r\n", 1<<16) + "\r\n", 431},
		"garbage":               {string(garbage), 0},
		"zero bytes":            {strings.Repeat("\x00", 1<<16), 0},
		"TLS to a clear port":   {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 0},
		"HTTP/2 garbage":        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + strings.Repeat("\xff", 1<<12), 0},
		"endless request line":  {"GET /" + strings.Repeat("a", 1<<20), 0},
		"two lengths":           {post + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 0},
		"chunks without length": {post + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", 0},
	} {
		conn := dial(t, f.address())
		began := time.Now()
		writing := make(chan struct{})
		go func() { // the server may close before it has read all
			defer close(writing)
			_, _ = io.WriteString(conn, c.send)
			if half, ok := conn.(*net.TCPConn); ok && name != "2 GiB announced" {
				_ = half.CloseWrite()
			}
		}()
		got := refused(t, name, conn)
		if c.want != 0 && got != c.want && got != 0 || name == "2 GiB announced" && got != 413 {
			t.Errorf("%s: status %d, want %d", name, got, c.want)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
		_ = conn.Close()
		<-writing
		if res := f.json("SendMessage", `{"QueueUrl":"q","MessageBody":"m"}`); res.status != 200 {
			t.Fatalf("after %s: %d %s", name, res.status, res.text)
		}
	}
	f.client.CloseIdleConnections()
	settle(t, before)
}

// TestHalfOpen: clients that stop in the middle of a request hold nothing but a
// connection, and others are served; see internal/gateway for their time-out.
func TestHalfOpen(t *testing.T) {
	f := start(t, "")
	before := baseline(f)
	var conns []net.Conn
	for i := range 300 {
		c := dial(t, f.address())
		conns = append(conns, c)
		part := []string{
			"", "P", "POST / HTTP/1.1\r\nHo",
			"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6000000\r\n\r\n{",
			"PRI * HTTP/2.0\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n",
		}[i%6]
		if _, err := io.WriteString(c, part); err != nil {
			t.Fatal(err)
		}
	}
	for range 200 {
		if res := f.json("SendMessage", `{"QueueUrl":"q","MessageBody":"m"}`); res.status != 200 {
			t.Fatalf("%d %s", res.status, res.text)
		}
	}
	for _, c := range conns {
		_ = c.Close()
	}
	f.client.CloseIdleConnections()
	settle(t, before)
}

// poller is one raw connection with a long poll.
func poller(t testing.TB, address, queue string) net.Conn {
	t.Helper()
	c := dial(t, address)
	body := fmt.Sprintf(`{"QueueUrl":%q,"WaitTimeSeconds":20}`, queue)
	_, err := fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nX-Amz-Target: AmazonSQS.ReceiveMessage\r\nContent-Length: %d\r\n\r\n%s", jsonType, len(body), body)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// answered reads the answer of a poll and reports whether it has a message.
func answered(c net.Conn) (bool, error) {
	res, err := http.ReadResponse(bufio.NewReaderSize(c, 1024), nil)
	if err != nil {
		return false, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != 200 {
		err = fmt.Errorf("%d %s", res.StatusCode, b)
	}
	return strings.Contains(string(b), `"Body":"wanted"`), err
}

// idlePolls has n long polls wait on one queue while another serves, then wakes
// each with one message.
func idlePolls(t *testing.T, f *fixture, n int) {
	t.Helper()
	f.create("idle", "")
	f.create("busy", "")
	conns := make([]net.Conn, n)
	for i := range conns {
		conns[i] = poller(t, f.address(), "idle")
	}
	f.waiting(n)
	for range 200 {
		f.json("SendMessage", `{"QueueUrl":"busy","MessageBody":"m"}`)
		f.one("busy", "")
	}
	var entries []string
	for i := range 10 {
		entries = append(entries, fmt.Sprintf(`{"Id":"%d","MessageBody":"wanted"}`, i))
	}
	batch := `{"QueueUrl":"idle","Entries":[` + strings.Join(entries, ",") + `]}`
	var wg sync.WaitGroup
	var mu sync.Mutex
	got := 0
	for _, c := range conns {
		wg.Go(func() {
			defer c.Close()
			ok, err := answered(c)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Errorf("a poll: %v", err)
			}
			if ok {
				got++
			}
		})
	}
	for range n / 10 {
		f.json("SendMessageBatch", batch)
	}
	wg.Wait()
	if got != n {
		t.Errorf("%d of %d polls got a message", got, n)
	}
}

// TestIdlePolls: a thousand wait and cost nobody anything; each is woken.
// TestPollMemory does it with more, and the binary.
func TestIdlePolls(t *testing.T) {
	if *nodesFlag > 1 {
		t.Skip("it counts what waits in one server")
	}
	f := start(t, "")
	before := baseline(f)
	idlePolls(t, f, 1000)
	// Clients that go away in the middle of a poll leave nothing waiting.
	for range 100 {
		_ = poller(t, f.address(), "idle").Close()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "POST", f.url, strings.NewReader(`{"QueueUrl":"idle","WaitTimeSeconds":20}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", jsonType)
	req.Header.Set("X-Amz-Target", "AmazonSQS.ReceiveMessage")
	if res, err := f.client.Do(req); err == nil {
		res.Body.Close()
		t.Error("a poll ended before its client left")
	}
	f.client.CloseIdleConnections()
	settle(t, before)
	f.json("SendMessage", `{"QueueUrl":"idle","MessageBody":"left"}`)
	if m := f.one("idle", ""); m.Body != "left" {
		t.Errorf("%+v", m)
	}
}
