package web_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/deliver"
	"github.com/spillway/spillway/internal/deliver/web"
)

func TestGuardRefusesWhatIsNotPublic(t *testing.T) {
	t.Parallel()
	for addr, allowed := range map[string]bool{
		"93.184.216.34":        true,
		"172.32.0.1":           true,
		"100.128.0.1":          true,
		"2606:2800:220:1::1":   true,
		"64:ff9b::5db8:d822":   true, // NAT64 of 93.184.216.34
		"127.0.0.1":            false,
		"127.255.255.254":      false,
		"0.0.0.0":              false,
		"0.1.2.3":              false,
		"10.1.2.3":             false,
		"172.16.0.1":           false,
		"172.31.255.255":       false,
		"192.168.1.1":          false,
		"169.254.169.254":      false,
		"100.64.0.1":           false,
		"100.100.100.200":      false,
		"168.63.129.16":        false,
		"192.0.0.192":          false,
		"198.18.0.1":           false,
		"224.0.0.1":            false,
		"255.255.255.255":      false,
		"::":                   false,
		"::1":                  false,
		"::ffff:127.0.0.1":     false,
		"::ffff:10.0.0.1":      false,
		"::127.0.0.1":          false,
		"::ffff:0:127.0.0.1":   false,
		"64:ff9b::127.0.0.1":   false,
		"64:ff9b::a9fe:a9fe":   false,
		"64:ff9b:1::a00:1":     false,
		"2002:7f00:1::":        false,
		"2001:0:1:2:3:4:5:6":   false,
		"fe80::1":              false,
		"fe80::1%eth0":         false,
		"fec0::1":              false,
		"fc00::1":              false,
		"fd00:ec2::254":        false,
		"ff02::1":              false,
		"2001:db8::1":          false,
		"::ffff:93.184.216.34": true,
	} {
		if err := web.Check(web.Options{}, netip.MustParseAddr(addr)); (err == nil) != allowed {
			t.Errorf("%s: %v", addr, err)
		}
	}
}

func TestGuardLists(t *testing.T) {
	t.Parallel()
	list := func(s ...string) (out []netip.Prefix) {
		for _, p := range s {
			out = append(out, netip.MustParsePrefix(p))
		}
		return out
	}
	lists := web.Options{
		Allow: list("10.0.0.0/8", "fd00::/8", "127.0.0.1/32"),
		Deny:  list("10.9.0.0/16", "93.184.0.0/16", "fd01::/16"),
	}
	private := lists
	private.AllowPrivate = true
	for _, test := range []struct {
		options web.Options
		addr    string
		allowed bool
	}{
		{lists, "10.1.1.1", true},
		{lists, "::ffff:10.1.1.1", true},
		{lists, "64:ff9b::a01:101", true},
		{lists, "10.9.1.1", false},
		{lists, "::ffff:10.9.1.1", false},
		{lists, "64:ff9b::a09:101", false},
		{lists, "93.184.216.34", false},
		{lists, "64:ff9b::5db8:d822", false},
		{lists, "fd00::1", true},
		{lists, "fd01::1", false},
		{lists, "fd01::1%eth0", false},
		{lists, "127.0.0.2", false},
		{lists, "192.168.0.1", false},
		{private, "192.168.0.1", true},
		{private, "::1", true},
		{private, "10.9.1.1", false},
		{private, "fd01::1%eth0", false},
	} {
		if err := web.Check(test.options, netip.MustParseAddr(test.addr)); (err == nil) != test.allowed {
			t.Errorf("%s with %+v: %v", test.addr, test.options, err)
		}
	}
}

// reached is a server on loopback that counts what gets there.
func reached(t *testing.T) (port string, requests *atomic.Int32) {
	requests = new(atomic.Int32)
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) }))
	t.Cleanup(s.Close)
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u.Port(), requests
}

func TestGuardedPost(t *testing.T) {
	t.Parallel()
	port, requests := reached(t)
	c := client(t, web.Options{Timeout: 2 * time.Second})
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433", "0x7f.1"} {
		// The last two are names to some resolvers, and loopback to others.
		o := c.Post(t.Context(), deliver.Request{URL: "http://" + host + ":" + port + "/"})
		if o.Err == nil || o.Status != 0 {
			t.Errorf("%s: %+v", host, o)
		}
		if !strings.ContainsAny(host[:1], "20") || host == "0.0.0.0" {
			if !o.Permanent {
				t.Errorf("%s: %+v is not permanent", host, o)
			}
		}
	}
	if n := requests.Load(); n != 0 {
		t.Errorf("%d requests arrived", n)
	}
	allowing := client(t, web.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	if o := allowing.Post(t.Context(), deliver.Request{URL: "http://127.0.0.1:" + port}); o.Err != nil {
		t.Error(o.Err)
	}
}

func TestAllowed(t *testing.T) {
	t.Parallel()
	c := client(t, web.Options{})
	c.Resolve(resolver(t, func(name string, _ int32) netip.Addr {
		switch name {
		case "public.test.":
			return netip.MustParseAddr("93.184.216.34")
		case "private.test.":
			return netip.MustParseAddr("10.0.0.1")
		}
		return netip.Addr{}
	}))
	for raw, allowed := range map[string]bool{
		"http://public.test/":                  true,
		"https://public.test:8443/a?b=c":       true,
		"http://unknown.test/":                 true,
		"http://8.8.8.8/":                      true,
		"http://private.test/":                 false,
		"http://user:secret@private.test/":     false,
		"http://127.0.0.1/":                    false,
		"http://[::1]:80/":                     false,
		"http://[fe80::1%25eth0]/":             false,
		"http://169.254.169.254/latest?secret": false,
		"ftp://public.test/":                   false,
		"http://":                              false,
		"http://user:secret/x@public.test/":    false,
		"//public.test/":                       false,
	} {
		err := c.Allowed(t.Context(), raw)
		if (err == nil) != allowed {
			t.Errorf("%s: %v", raw, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error tells: %v", raw, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Allowed(ctx, "http://public.test/"); err == nil {
		t.Error("allowed after its context has ended")
	}
}

// TestRebinding: a name that was public when it was asked about is refused when
// it is not any more.
func TestRebinding(t *testing.T) {
	t.Parallel()
	port, requests := reached(t)
	c := client(t, web.Options{})
	c.Resolve(resolver(t, func(_ string, lookups int32) netip.Addr {
		if lookups == 1 {
			return netip.MustParseAddr("93.184.216.34")
		}
		return netip.MustParseAddr("127.0.0.1")
	}))
	target := "http://rebinding.test:" + port + "/"
	if err := c.Allowed(t.Context(), target); err != nil {
		t.Fatal(err)
	}
	o := c.Post(t.Context(), deliver.Request{URL: target})
	if o.Err == nil || !o.Permanent || requests.Load() != 0 {
		t.Errorf("%+v, %d requests", o, requests.Load())
	}
}

// resolver answers A queries with what address says: it is told how many there
// were. The zero address means that there is no such name.
func resolver(t *testing.T, address func(name string, lookups int32) netip.Addr) *net.Resolver {
	var lookups atomic.Int32
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		_ = ours.SetDeadline(time.Now().Add(10 * time.Second))
		go func() {
			defer ours.Close()
			for answerQuery(ours, func(name string) netip.Addr { return address(name, lookups.Add(1)) }) == nil {
			}
		}()
		return theirs, nil
	}}
}

// answerQuery speaks enough DNS over a stream (RFC 1035).
func answerQuery(c net.Conn, address func(name string) netip.Addr) error {
	var length [2]byte
	if _, err := io.ReadFull(c, length[:]); err != nil {
		return err
	}
	query := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(c, query); err != nil {
		return err
	}
	const header = 12
	var name strings.Builder
	i := header
	for query[i] != 0 {
		name.Write(query[i+1 : i+1+int(query[i])])
		name.WriteByte('.')
		i += 1 + int(query[i])
	}
	question := query[header : i+5]
	kind := binary.BigEndian.Uint16(query[i+1:])

	answer := append([]byte(nil), query[:2]...)
	answer = append(answer, 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0)
	answer = append(answer, question...)
	if kind == 1 { // A; all else has no records
		if addr := address(name.String()); addr.IsValid() {
			answer[7] = 1
			ip := addr.As4()
			answer = append(answer, 0xc0, header, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
			answer = append(answer, ip[:]...)
		} else {
			answer[3] |= 3 // NXDOMAIN
		}
	}
	_, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...))
	return err
}
