package gateway_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/gateway"
)

// TestOwnHandlers: a handler that answers its paths itself can stream, hears when its
// client goes, and does not answer for the guard.
func TestOwnHandlers(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{})
	addr, _ := start(t, gateway.Config{Own: map[string]http.Handler{"/_own/": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "first "+r.URL.Path)
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		<-r.Context().Done()
		close(gone)
	})}})
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, "GET /_own/x HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	var got string
	for b := make([]byte, 1024); !strings.Contains(got, "first /_own/x"); {
		n, err := c.Read(b)
		if err != nil {
			t.Fatalf("%v after %q", err, got)
		}
		got += string(b[:n])
	}
	c.Close()
	select {
	case <-gone:
	case <-time.After(10 * time.Second):
		t.Error("the handler was not told that its client went")
	}
	req, err := http.NewRequest(http.MethodGet, "http://"+addr+"/_own/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Origin", "https://evil.example.com")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("a page from elsewhere: %s", res.Status)
	}
}
