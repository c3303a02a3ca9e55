// Package web posts to HTTP and HTTPS endpoints that anyone who may subscribe can
// name. So what is behind Spillway is guarded: see Options.
package web

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/spillway/spillway/internal/deliver"
)

const (
	defaultTimeout = 15 * time.Second // SNS
	maxBody        = 64 << 10         // read of an answer, so that its connection can be used again
	maxHeader      = 64 << 10
	maxIdle        = 256
	maxIdlePerHost = 16
	idleTimeout    = 30 * time.Second
)

// Options configure a Client.
type Options struct {
	// Deny are addresses never connected to. It wins over everything.
	Deny []netip.Prefix
	// Allow are addresses connected to although they are not public.
	Allow []netip.Prefix
	// AllowPrivate connects to any address but Deny. Otherwise only public ones
	// and Allow are: loopback, private, link-local (with it the metadata of
	// clouds), shared, multicast and reserved addresses are refused.
	AllowPrivate bool
	// Timeout is of one attempt, from looking up the name to the end of the
	// answer: 15 s if it is 0.
	Timeout time.Duration
	// RootCAs verify https endpoints; nil means the system's.
	RootCAs *x509.CertPool
	// InsecureSkipVerify accepts any certificate.
	InsecureSkipVerify bool
}

// Client posts. It keeps connections (SNS closes each: nobody can tell, and it
// is cheaper), speaks HTTP/1.1 as SNS does, and uses no proxy.
type Client struct {
	transport *http.Transport
	dialer    *net.Dialer
	guard     guard
	timeout   time.Duration

	// attempts, and dials: those go on after the attempt that wanted them.
	attempts *deliver.Attempts
}

// New returns a client to be closed.
func New(o Options) *Client {
	c := &Client{
		guard:    guard{allow: o.Allow, deny: o.Deny, private: o.AllowPrivate},
		timeout:  o.Timeout,
		attempts: deliver.NewAttempts(),
	}
	if c.timeout <= 0 {
		c.timeout = defaultTimeout
	}
	// The guard sees the address that is about to be connected to, so a name that
	// resolves to another address from one look-up to the next gains nothing.
	c.dialer = &net.Dialer{Timeout: c.timeout, ControlContext: c.guard.control}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	c.transport = &http.Transport{
		DialContext: c.dial,
		TLSClientConfig: &tls.Config{
			RootCAs:            o.RootCAs,
			InsecureSkipVerify: o.InsecureSkipVerify, // the operator's decision
		},
		Protocols:              protocols,
		TLSHandshakeTimeout:    c.timeout,
		MaxIdleConns:           maxIdle,
		MaxIdleConnsPerHost:    maxIdlePerHost,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxHeader,
	}
	return c
}

// Post makes one attempt.
func (c *Client) Post(ctx context.Context, r deliver.Request) deliver.Outcome {
	ctx, done, err := c.attempts.Begin(ctx)
	if err != nil {
		return deliver.Fail(err, false)
	}
	defer done()
	return deliver.Post(ctx, c.transport, r, maxBody, c.timeout).Outcome
}

func (c *Client) dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, done, err := c.attempts.Begin(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	return c.dialer.DialContext(ctx, network, address)
}

// Close ends the attempts that run, and waits for them.
func (c *Client) Close() {
	c.attempts.Close()
	c.transport.CloseIdleConnections()
}
