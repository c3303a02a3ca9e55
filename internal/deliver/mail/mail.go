// Package mail sends mail through the SMTP relay of the configuration.
package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/smtp"
	"strings"
	"time"

	"github.com/spillway/spillway/internal/deliver"
)

const (
	defaultTimeout = 30 * time.Second
	quitTime       = 2 * time.Second
	maxRead        = 1 << 20 // bytes of what a relay says in one session
)

// Options configure a Sender.
type Options struct {
	Address            string // of the relay: host:port
	Username, Password string // for PLAIN or LOGIN; never sent in clear, but to this machine
	From               string // the sender's address
	// TLS is "starttls" (needs a relay that offers it; also for ""),
	// "opportunistic" (only if offered), "implicit" (TLS from the first byte, as on
	// port 465) or "none". Certificates are verified.
	TLS     string
	Timeout time.Duration  // of one attempt, 30 s if 0
	RootCAs *x509.CertPool // nil means the system's
}

// Message is one mail of plain text.
type Message struct {
	FromName string // shown instead of the sender's address; may be empty
	To       string // one address, without a name
	Subject  string // what is beyond 512 bytes is cut off
	Body     string
}

// Sender sends mail, each on a connection of its own. It keeps nothing open.
type Sender struct {
	options Options
	host    string // of the relay
	from    mail.Address
	domain  string // of the sender
}

// New checks the options.
func New(o Options) (*Sender, error) {
	host, _, err := net.SplitHostPort(o.Address)
	if err != nil || host == "" {
		return nil, errors.New("mail: the relay's address is not host:port")
	}
	if !plainAddress(o.From) {
		return nil, errors.New("mail: the sender is not an address")
	}
	switch o.TLS {
	case "":
		o.TLS = "starttls"
	case "starttls", "opportunistic", "implicit":
	case "none":
		if o.Username != "" && !onThisMachine(host) {
			return nil, errors.New("mail: without TLS, the password would be sent in clear")
		}
	default:
		return nil, fmt.Errorf("mail: TLS is starttls, opportunistic, implicit or none, not %q", o.TLS)
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	return &Sender{
		options: o, host: host, from: mail.Address{Address: o.From},
		domain: o.From[strings.LastIndexByte(o.From, '@')+1:],
	}, nil
}

var errRecipient = errors.New("mail: the recipient is not an address")

// Send makes one attempt. A refusal of the message or its recipient (5xx) is
// permanent. All else is not: no connection, 4xx, and refusals that are about the
// relay's configuration, such as of the password.
func (s *Sender) Send(ctx context.Context, m Message) deliver.Outcome {
	if !plainAddress(m.To) {
		return deliver.Fail(errRecipient, true)
	}
	attempt, cancel := context.WithTimeout(ctx, s.options.Timeout)
	defer cancel()
	o := s.send(attempt, m)
	switch {
	case o.Err == nil || o.Permanent:
	case ctx.Err() != nil:
		o.Err = context.Cause(ctx)
	case attempt.Err() != nil:
		o.Err = fmt.Errorf("mail: no answer within %v", s.options.Timeout)
	}
	return o
}

func (s *Sender) send(ctx context.Context, m Message) deliver.Outcome {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.options.Address)
	if err != nil {
		return deliver.Fail(err, false)
	}
	// SMTP knows no context: its end is a deadline that has passed.
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	defer conn.Close()
	c, err := s.open(ctx, conn)
	if err != nil {
		o := judge(err)
		o.Permanent = false // not about the message
		return o
	}
	answer, err := s.transact(c, m)
	if err != nil {
		return judge(err)
	}
	_ = conn.SetDeadline(time.Now().Add(quitTime))
	_ = c.Quit() // it is sent already
	return deliver.Outcome{Status: 250, Response: deliver.Excerpt([]byte(answer))}
}

// open brings a connection to where a message can be sent.
func (s *Sender) open(ctx context.Context, conn net.Conn) (*smtp.Client, error) {
	var transport net.Conn = &limitedConn{Conn: conn, left: maxRead}
	if s.options.TLS == "implicit" {
		secure := tls.Client(transport, s.tls())
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		transport = secure
	}
	c, err := smtp.NewClient(transport, s.host)
	if err != nil {
		return nil, err
	}
	if err := c.Hello(addressLiteral(conn)); err != nil {
		return nil, err
	}
	if offered, _ := c.Extension("STARTTLS"); offered && (s.options.TLS == "starttls" || s.options.TLS == "opportunistic") {
		if err := c.StartTLS(s.tls()); err != nil {
			return nil, err
		}
	} else if s.options.TLS == "starttls" {
		return nil, errors.New("mail: the relay does not offer STARTTLS")
	}
	if s.options.Username != "" {
		if err := s.authenticate(c); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (s *Sender) tls() *tls.Config {
	return &tls.Config{ServerName: s.host, RootCAs: s.options.RootCAs}
}

// transact sends a message, and returns what the relay said to it.
func (s *Sender) transact(c *smtp.Client, m Message) (string, error) {
	if err := c.Mail(s.from.Address); err != nil {
		return "", err
	}
	if err := c.Rcpt(m.To); err != nil {
		return "", err
	}
	// Not c.Data: that drops the answer, in which relays say under which name they
	// have the message.
	id, err := c.Text.Cmd("DATA")
	if err != nil {
		return "", err
	}
	c.Text.StartResponse(id)
	defer c.Text.EndResponse(id)
	if _, _, err := c.Text.ReadResponse(354); err != nil {
		return "", err
	}
	w := c.Text.DotWriter()
	if err := s.compose(w, m); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	_, answer, err := c.Text.ReadResponse(250)
	return answer, err
}
