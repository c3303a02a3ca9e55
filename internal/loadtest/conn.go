package loadtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// conn is one keep-alive connection with its buffers.
type conn struct {
	target *target
	signer *signer // nil: requests are not signed

	net    net.Conn
	poller *poller // nil: the runtime waits
	out    []byte  // request
	body   []byte  // of the request
	repeat bool    // the next call is the same as the last one
	in     []byte  // response, as read
	read   int     // bytes of in that are read
	text   []byte  // of a chunked response
}

func (t *target) connect(ctx context.Context) (*conn, error) {
	c := &conn{target: t, in: make([]byte, 16<<10)}
	if t.accessKey != "" {
		c.signer = newSigner(t.accessKey, t.secret, t.region, t.service)
	}
	return c, c.dial(ctx)
}

func (c *conn) dial(ctx context.Context) error {
	if c.net != nil {
		c.net.Close()
	}
	n, err := new(net.Dialer).DialContext(ctx, "tcp", c.target.address)
	if err != nil {
		return err
	}
	c.net, c.read = n, 0
	// One deadline for all: setting one for each request costs more than signing.
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(24 * time.Hour)
	}
	if err := n.SetDeadline(deadline); err != nil || c.poller == nil {
		return err
	}
	return c.poll()
}

// call sends c.body as a call of the operation. The response's body is valid until
// the next call.
func (c *conn) call(ctx context.Context, op *operation) (status int, body []byte, err error) {
	if !c.repeat || c.signer != nil && c.signer.second != time.Now().Unix() {
		c.out = c.appendRequest(c.out[:0], op)
	}
	if err := c.write(c.out); err != nil {
		return 0, nil, err
	}
	status, body, keep, err := c.response()
	if err == nil && !keep {
		err = c.dial(ctx)
	}
	return status, body, err
}

func (c *conn) appendRequest(b []byte, op *operation) []byte {
	b = append(b, op.head...)
	if c.signer != nil {
		c.signer.tick(time.Now())
		b = append(b, "X-Amz-Date: "...)
		b = append(b, c.signer.stamp...)
		b = append(b, "\r\nAuthorization: AWS4-HMAC-SHA256 Credential="...)
		b = append(b, c.signer.accessKey...)
		b = append(b, '/')
		b = append(b, c.signer.scope...)
		b = append(b, ", SignedHeaders="...)
		b = append(b, op.signed...)
		b = append(b, ", Signature="...)
		b = c.signer.appendSignature(b, op, c.body)
		b = append(b, "\r\n"...)
	}
	b = append(b, "Content-Length: "...)
	b = strconv.AppendInt(b, int64(len(c.body)), 10)
	b = append(b, "\r\n\r\n"...)
	return append(b, c.body...)
}

// fill reads more of the response.
func (c *conn) fill() error {
	if c.read == len(c.in) {
		c.in = append(c.in, make([]byte, len(c.in))...)
	}
	n, err := c.receive(c.in[c.read:])
	c.read += n
	if n > 0 {
		return nil
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return err
}

var errMalformed = errors.New("malformed HTTP response")

// response reads one response. The body aliases the buffers.
func (c *conn) response() (status int, body []byte, keep bool, err error) {
	c.read = 0
	end := -1
	for end < 0 {
		from := max(c.read-3, 0)
		if err := c.fill(); err != nil {
			return 0, nil, false, err
		}
		if end = bytes.Index(c.in[from:c.read], []byte("\r\n\r\n")); end >= 0 {
			end += from
		}
	}
	h, err := parseHead(c.in[:end+2])
	if err != nil {
		return 0, nil, false, err
	}
	start := end + 4
	if h.chunked {
		body, err := c.chunks(start)
		return h.status, body, h.keep, err
	}
	for c.read < start+h.length {
		if err := c.fill(); err != nil {
			return 0, nil, false, err
		}
	}
	return h.status, c.in[start : start+h.length], h.keep, nil
}

// chunks reads a chunked body that begins at an offset of the buffer.
func (c *conn) chunks(at int) ([]byte, error) {
	c.text = c.text[:0]
	for {
		end := bytes.Index(c.in[at:c.read], []byte("\r\n"))
		if end < 0 {
			if err := c.fill(); err != nil {
				return nil, err
			}
			continue
		}
		size, _, _ := bytes.Cut(c.in[at:at+end], []byte(";"))
		n, err := strconv.ParseUint(string(bytes.TrimSpace(size)), 16, 31)
		if err != nil {
			return nil, fmt.Errorf("%w: chunk size %q", errMalformed, size)
		}
		at += end + 2
		for c.read < at+int(n)+2 {
			if err := c.fill(); err != nil {
				return nil, err
			}
		}
		c.text = append(c.text, c.in[at:at+int(n)]...)
		at += int(n) + 2
		if n == 0 {
			return c.text, nil
		}
	}
}

// head is what matters of a response's head.
type head struct {
	status, length int
	chunked, keep  bool
}

// parseHead parses the lines of a response's head.
func parseHead(b []byte) (head, error) {
	line, rest, _ := bytes.Cut(b, []byte("\r\n"))
	if len(line) < len("HTTP/1.1 200") || !bytes.HasPrefix(line, []byte("HTTP/1.")) {
		return head{}, fmt.Errorf("%w: %q", errMalformed, line)
	}
	status, err := strconv.Atoi(string(line[9:12]))
	if err != nil {
		return head{}, fmt.Errorf("%w: %q", errMalformed, line)
	}
	h := head{status: status, keep: line[len("HTTP/1.")] == '1'}
	for len(rest) > 0 {
		line, rest, _ = bytes.Cut(rest, []byte("\r\n"))
		// Only three headers matter; their first letters tell most others apart.
		if len(line) == 0 || line[0]|0x20 != 'c' && line[0]|0x20 != 't' {
			continue
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			n, err := strconv.ParseUint(string(value), 10, 31)
			if err != nil {
				return head{}, fmt.Errorf("%w: length %q", errMalformed, value)
			}
			h.length = int(n)
		case bytes.EqualFold(name, []byte("Connection")):
			h.keep = !bytes.EqualFold(value, []byte("close"))
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			h.chunked = bytes.EqualFold(value, []byte("chunked"))
		}
	}
	return h, nil
}
