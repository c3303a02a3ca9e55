package mail_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"net/textproto"
	"strings"
	"sync"
	"testing"
)

// relay is an SMTP server.
type relay struct {
	startTLS, implicit bool
	auth               string            // mechanisms offered
	refuse             map[string]string // verb, or "message" or "greeting", to the answer
	hang               string            // a verb that is never answered

	listener net.Listener
	tls      *tls.Config
	roots    *x509.CertPool
	served   sync.WaitGroup

	mu       sync.Mutex
	conns    []net.Conn
	commands []string // with base64 decoded
	message  string
	secure   bool // when the message came
}

func (r *relay) start(t *testing.T) *relay {
	// httptest has a certificate for 127.0.0.1.
	s := httptest.NewTLSServer(nil)
	r.tls = &tls.Config{Certificates: s.TLS.Certificates}
	r.roots = x509.NewCertPool()
	r.roots.AddCert(s.Certificate())
	s.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.listener = l
	r.served.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			r.mu.Lock()
			r.conns = append(r.conns, c)
			r.mu.Unlock()
			r.served.Go(func() { defer c.Close(); r.serve(c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		r.mu.Lock()
		for _, c := range r.conns {
			c.Close()
		}
		r.mu.Unlock()
		r.served.Wait()
	})
	return r
}

func (r *relay) serve(c net.Conn) {
	secure := r.implicit
	if secure {
		c = tls.Server(c, r.tls)
	}
	in := bufio.NewReader(c)
	say := func(answer string) { fmt.Fprintf(c, "%s\r\n", answer) }
	if answer := r.refuse["greeting"]; answer != "" {
		say(answer)
		return
	}
	say("220 relay.test ESMTP")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		r.note(line)
		verb, argument, _ := strings.Cut(line, " ")
		verb = strings.ToUpper(verb)
		if answer := r.refuse[verb]; answer != "" {
			say(answer)
			continue
		}
		if verb == r.hang {
			_, _ = io.Copy(io.Discard, in)
			return
		}
		switch verb {
		case "EHLO":
			say("250-relay.test")
			if r.startTLS && !secure {
				say("250-STARTTLS")
			}
			if r.auth != "" {
				say("250-AUTH " + r.auth)
			}
			say("250 8BITMIME")
		case "STARTTLS":
			say("220 go ahead")
			c, secure = tls.Server(c, r.tls), true
			in = bufio.NewReader(c)
		case "AUTH":
			if argument == "LOGIN" {
				for _, challenge := range []string{"Username:", "Password:"} {
					say("334 " + base64.StdEncoding.EncodeToString([]byte(challenge)))
					line, _ := in.ReadString('\n')
					r.note("LOGIN " + strings.TrimSpace(line))
				}
			}
			say("235 welcome")
		case "DATA":
			say("354 go on")
			text, err := io.ReadAll(textproto.NewReader(in).DotReader())
			if err != nil {
				return
			}
			r.mu.Lock()
			r.message, r.secure = string(text), secure
			r.mu.Unlock()
			if answer := r.refuse["message"]; answer != "" {
				say(answer)
				continue
			}
			say("250 2.0.0 queued as 4711")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func (r *relay) note(line string) {
	words := strings.Fields(line)
	for i, word := range words {
		if b, err := base64.StdEncoding.DecodeString(word); err == nil && i > 0 {
			words[i] = strings.ReplaceAll(string(b), "\x00", "|")
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.commands = append(r.commands, strings.Join(words, " "))
}

// got returns what the relay was told.
func (r *relay) got() (commands []string, message string, secure bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.commands, r.message, r.secure
}
