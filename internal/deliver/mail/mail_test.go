package mail_test

import (
	"context"
	"errors"
	"io"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/spillway/spillway/internal/deliver"
	spillmail "github.com/spillway/spillway/internal/deliver/mail"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func sender(t *testing.T, r *relay, o spillmail.Options) *spillmail.Sender {
	t.Helper()
	o.Address, o.RootCAs = r.listener.Addr().String(), r.roots
	if o.From == "" {
		o.From = "no-reply@sns.example"
	}
	s, err := spillmail.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSend(t *testing.T) {
	t.Parallel()
	r := (&relay{startTLS: true, auth: "LOGIN PLAIN"}).start(t)
	s := sender(t, r, spillmail.Options{Username: "user", Password: "secret"})
	body := "Grüße,\n.\n..\nhttps://example.com/?a=b\r\n" + strings.Repeat("x", 3000) + "\x00."
	o := s.Send(t.Context(), spillmail.Message{FromName: "AWS Notifications", To: "someone@example.com", Subject: "Hello", Body: body})
	if o != (deliver.Outcome{Status: 250, Response: "2.0.0 queued as 4711"}) {
		t.Fatalf("%+v", o)
	}
	commands, message, secure := r.got()
	want := []string{"EHLO [127.0.0.1]", "STARTTLS", "EHLO [127.0.0.1]", "AUTH PLAIN |user|secret",
		"MAIL FROM:<no-reply@sns.example> BODY=8BITMIME", "RCPT TO:<someone@example.com>", "DATA", "QUIT"}
	if !slices.Equal(commands, want) || !secure {
		t.Errorf("%q, TLS %v", commands, secure)
	}
	m, err := mail.ReadMessage(strings.NewReader(message))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"From":         `"AWS Notifications" <no-reply@sns.example>`,
		"To":           "<someone@example.com>",
		"Subject":      "Hello",
		"Content-Type": "text/plain; charset=utf-8",
	} {
		if got := m.Header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if date, err := m.Header.Date(); err != nil || time.Since(date) > time.Minute {
		t.Errorf("%v, %v", date, err)
	}
	if id := m.Header.Get("Message-Id"); !strings.HasSuffix(id, "@sns.example>") {
		t.Error(id)
	}
	text, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	if got := strings.TrimSuffix(string(text), "\n"); err != nil || got != strings.ReplaceAll(body, "\r\n", "\n") {
		t.Errorf("%q, %v", got, err)
	}
}

func TestTLSModes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		startTLS, implicit bool
		mode               string
		ok, secure         bool
	}{
		{startTLS: true, mode: "", ok: true, secure: true},
		{mode: "starttls"},
		{startTLS: true, mode: "opportunistic", ok: true, secure: true},
		{mode: "opportunistic", ok: true},
		{implicit: true, mode: "implicit", ok: true, secure: true},
		{startTLS: true, mode: "none", ok: true},
	} {
		r := (&relay{startTLS: test.startTLS, implicit: test.implicit}).start(t)
		o := sender(t, r, spillmail.Options{TLS: test.mode}).Send(t.Context(), spillmail.Message{To: "a@example.com"})
		if _, _, secure := r.got(); (o.Err == nil) != test.ok || o.Permanent || secure != test.secure {
			t.Errorf("%q: %+v, TLS %v", test.mode, o, secure)
		}
	}
}

func TestUnknownAuthority(t *testing.T) {
	t.Parallel()
	r := (&relay{startTLS: true, auth: "PLAIN"}).start(t)
	r.roots = nil
	o := sender(t, r, spillmail.Options{Username: "user", Password: "secret"}).Send(t.Context(), spillmail.Message{To: "a@example.com"})
	commands, _, _ := r.got()
	if o.Err == nil || o.Permanent || strings.Contains(strings.Join(commands, ""), "secret") {
		t.Errorf("%+v after %q", o, commands)
	}
}

func TestLogin(t *testing.T) {
	t.Parallel()
	r := (&relay{startTLS: true, auth: "LOGIN"}).start(t)
	o := sender(t, r, spillmail.Options{Username: "user", Password: "secret"}).Send(t.Context(), spillmail.Message{To: "a@example.com"})
	commands, _, _ := r.got()
	if o.Err != nil || !slices.Contains(commands, "LOGIN secret") {
		t.Errorf("%+v after %q", o, commands)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		where, answer string
		status        int
		permanent     bool
	}{
		{"greeting", "554 go away", 554, false},
		{"greeting", "421 busy", 421, false},
		{"AUTH", "535 5.7.8 wrong", 535, false},
		{"MAIL", "530 authentication required", 530, false},
		{"MAIL", "553 bad sender", 553, true},
		{"RCPT", "550 5.1.1 no such user", 550, true},
		{"RCPT", "450 greylisted", 450, false},
		{"DATA", "554 no", 554, true},
		{"message", "552 too big", 552, true},
		{"message", "451 try later", 451, false},
	} {
		r := (&relay{auth: "PLAIN", refuse: map[string]string{test.where: test.answer}}).start(t)
		s := sender(t, r, spillmail.Options{TLS: "none", Username: "user", Password: "secret"})
		o := s.Send(t.Context(), spillmail.Message{To: "a@example.com"})
		if o.Err == nil || o.Status != test.status || o.Permanent != test.permanent || o.Response != test.answer[4:] || strings.Contains(o.Err.Error(), "secret") {
			t.Errorf("%s %s: %+v", test.where, test.answer, o)
		}
	}
}

func TestNoRelay(t *testing.T) {
	t.Parallel()
	r := new(relay).start(t)
	s := sender(t, r, spillmail.Options{TLS: "none"})
	r.listener.Close()
	if o := s.Send(t.Context(), spillmail.Message{To: "a@example.com"}); o.Err == nil || o.Permanent {
		t.Errorf("%+v", o)
	}
}

func TestRelayHangs(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{"EHLO", "RCPT"} {
		r := (&relay{hang: verb}).start(t)
		s := sender(t, r, spillmail.Options{TLS: "none", Timeout: 200 * time.Millisecond})
		if o := s.Send(t.Context(), spillmail.Message{To: "a@example.com"}); o.Err == nil || o.Permanent {
			t.Errorf("%s: %+v", verb, o)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		s = sender(t, r, spillmail.Options{TLS: "none"})
		if o := s.Send(ctx, spillmail.Message{To: "a@example.com"}); !errors.Is(o.Err, context.DeadlineExceeded) || o.Permanent {
			t.Errorf("%s: %+v", verb, o)
		}
		cancel()
	}
}

// TestInjection: nothing in a message becomes a header or a command.
func TestInjection(t *testing.T) {
	t.Parallel()
	r := new(relay).start(t)
	s := sender(t, r, spillmail.Options{TLS: "none"})
	evil := "x\r\nBcc: victim@example.com\r\n\r\n.\r\nMAIL FROM:<a@b>"
	subject := strings.Repeat("ä ü😀", 60) + evil
	o := s.Send(t.Context(), spillmail.Message{FromName: evil, To: "a@example.com", Subject: subject, Body: "hello\r\n.\r\nRCPT TO:<victim@example.com>"})
	if o.Err != nil {
		t.Fatal(o.Err)
	}
	commands, message, _ := r.got()
	m, err := mail.ReadMessage(strings.NewReader(message))
	if err != nil {
		t.Fatal(err)
	}
	if len(commands) != 5 || m.Header.Get("Bcc") != "" || len(m.Header) != 9 {
		t.Errorf("%q, %v", commands, m.Header)
	}
	from, err := mail.ParseAddress(m.Header.Get("From"))
	if err != nil || from.Name != evil {
		t.Errorf("%+v, %v", from, err)
	}
	got, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if want := strings.ToValidUTF8(subject[:512], ""); err != nil || got != want {
		t.Errorf("%q is not %q: %v", got, want, err)
	}
	for line := range strings.Lines(message) {
		if len(line) > 79 {
			t.Errorf("a line of %d bytes: %q", len(line), line)
		}
	}
	for _, to := range []string{"", "nobody", "a@b\r\nDATA", "<a@b>", "A <a@b>", "a@b, c@d", `"a>b"@c`, "a@b> NOTIFY=NEVER", "a b@c", "a@[127.0.0.1]"} {
		if o := s.Send(t.Context(), spillmail.Message{To: to}); o.Err == nil || !o.Permanent {
			t.Errorf("%q: %+v", to, o)
		}
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	good := spillmail.Options{Address: "relay.example:587", From: "a@b.example", Username: "u", Password: "p"}
	if _, err := spillmail.New(good); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*spillmail.Options){
		"no port":  func(o *spillmail.Options) { o.Address = "relay.example" },
		"no host":  func(o *spillmail.Options) { o.Address = ":25" },
		"from":     func(o *spillmail.Options) { o.From = "A <a@b.example>" },
		"mode":     func(o *spillmail.Options) { o.TLS = "tls" },
		"in clear": func(o *spillmail.Options) { o.TLS = "none" },
	} {
		o := good
		change(&o)
		if _, err := spillmail.New(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
