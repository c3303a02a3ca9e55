package gateway

import (
	"bytes"
	"net/http"
	"strings"
	"time"
)

// front is who reads a connection.
type front int

const (
	frontUndecided front = iota // more bytes are needed
	frontFast                   // HTTP/1.1 in clear
	frontStd                    // HTTP/2 in clear, or an upgrade from HTTP/1.1
	frontTLS
)

// preface is how HTTP/2 begins in clear (RFC 9113 section 3.4); net/http checks
// the rest of it.
const preface = "PRI * HTTP/2.0"

// recordHandshake is the first byte of TLS (RFC 8446 section 5.1).
const recordHandshake = 0x16

// sniffSize is how much is looked at: the headers of any request to upgrade.
const sniffSize = 4 << 10

// decide says who can read what begins with b; own are the paths of Config.Own.
func decide(b []byte, own map[string]http.Handler) front {
	switch {
	case len(b) == 0:
		return frontUndecided
	case b[0] == recordHandshake:
		return frontTLS
	case strings.HasPrefix(preface, string(b[:min(len(b), len(preface))])):
		if len(b) < len(preface) {
			return frontUndecided
		}
		return frontStd
	case wantsUpgrade(b) || len(own) > 0 && ownPath(b, own) != nil:
		return frontStd
	}
	return frontFast
}

// ownPath finds the handler of the request that b begins with.
func ownPath(b []byte, own map[string]http.Handler) http.Handler {
	_, target, _ := strings.Cut(string(b[:min(len(b), maxOwn)]), " ")
	return findOwn(target, own)
}

// maxOwn bounds how much of a request is looked at for its path.
const maxOwn = 128

func findOwn(path string, own map[string]http.Handler) http.Handler {
	for prefix, h := range own {
		if strings.HasPrefix(path, prefix) {
			return h
		}
	}
	return nil
}

// wantsUpgrade looks for the Upgrade header in what came of the headers. Clients
// that upgrade send their small request in one piece.
func wantsUpgrade(b []byte) bool {
	if end := bytes.Index(b, []byte("\r\n\r\n")); end >= 0 {
		b = b[:end]
	}
	const name = "\nupgrade:"
	for {
		i := bytes.IndexByte(b, '\n')
		if i < 0 || len(b)-i < len(name) {
			return false
		}
		if c := b[i+1]; (c == 'U' || c == 'u') && strings.EqualFold(string(b[i:i+len(name)]), name) {
			return true
		}
		b = b[i+1:]
	}
}

// sniff reads the beginning of a connection and decides. An error means that
// nothing came.
func (c *conn) sniff() (front, error) {
	if err := c.Conn.SetReadDeadline(time.Now().Add(c.g.limits.IdleTimeout)); err != nil {
		return frontUndecided, err
	}
	buf, _ := c.g.sniffed.Get().(*[]byte)
	if buf == nil {
		b := make([]byte, sniffSize)
		buf = &b
	}
	c.buffer = buf
	n := 0
	for {
		m, err := c.Conn.Read((*buf)[n:])
		n += m
		if f := decide((*buf)[:n], c.g.config.Own); f != frontUndecided {
			c.prefix = (*buf)[:n]
			return f, c.Conn.SetReadDeadline(time.Time{})
		}
		if err != nil {
			c.releaseBuffer()
			return frontUndecided, err
		}
	}
}
