package mail

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/mail"
	"net/smtp"
	"net/textproto"
	"slices"
	"strings"

	"github.com/spillway/spillway/internal/deliver"
)

// authRequired is what a relay says to anything when its configuration and ours
// do not fit.
const authRequired = 530

// judge reads an error of a session.
func judge(err error) deliver.Outcome {
	var refusal *textproto.Error
	if !errors.As(err, &refusal) {
		return deliver.Fail(err, false)
	}
	response := deliver.Excerpt([]byte(refusal.Msg))
	return deliver.Outcome{
		Status: refusal.Code, Response: response,
		Err:       fmt.Errorf("mail: the relay said %d %s", refusal.Code, response),
		Permanent: refusal.Code >= 500 && refusal.Code != authRequired,
	}
}

func (s *Sender) authenticate(c *smtp.Client) error {
	_, offered := c.Extension("AUTH")
	mechanisms := strings.Fields(strings.ToUpper(offered))
	switch {
	case slices.Contains(mechanisms, "PLAIN"):
		return c.Auth(smtp.PlainAuth("", s.options.Username, s.options.Password, s.host))
	case slices.Contains(mechanisms, "LOGIN"):
		return c.Auth(&login{username: s.options.Username, password: s.options.Password})
	}
	return errors.New("mail: the relay offers neither AUTH PLAIN nor LOGIN")
}

// login is AUTH LOGIN, which net/smtp does not have: it was never a standard, and
// some relays have nothing else.
type login struct{ username, password string }

// Start implements smtp.Auth.
func (l *login) Start(server *smtp.ServerInfo) (string, []byte, error) {
	if !server.TLS && !onThisMachine(server.Name) {
		return "", nil, errors.New("mail: the password would be sent in clear")
	}
	return "LOGIN", nil, nil
}

// Next implements smtp.Auth.
func (l *login) Next(challenge []byte, more bool) ([]byte, error) {
	switch {
	case !more:
		return nil, nil
	case strings.HasPrefix(strings.ToLower(string(challenge)), "user"):
		return []byte(l.username), nil
	case strings.HasPrefix(strings.ToLower(string(challenge)), "pass"):
		return []byte(l.password), nil
	}
	return nil, errors.New("mail: the relay asks for neither user name nor password")
}

// onThisMachine is what net/smtp trusts with a password in clear.
func onThisMachine(host string) bool {
	return host == "localhost" || host == "127.0.0.1" || host == "::1"
}

// plainAddress reports whether s is an address without a name or quoting: nothing
// in it ends an SMTP command or a header.
func plainAddress(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s && len(s) <= 320 && !strings.ContainsAny(s, "<>\"\\ \t\r\n\x00,;:()[]")
}

// addressLiteral is this end's name as EHLO wants it, of a machine that may have
// none (RFC 5321, section 4.1.3).
func addressLiteral(conn net.Conn) string {
	host, _, err := net.SplitHostPort(conn.LocalAddr().String())
	if err != nil {
		return "localhost"
	}
	host, _, _ = strings.Cut(host, "%")
	if strings.Contains(host, ":") {
		host = "IPv6:" + host
	}
	return "[" + host + "]"
}

// limitedConn bounds what a relay can say.
type limitedConn struct {
	net.Conn
	left int
}

// Read implements net.Conn.
func (c *limitedConn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}
