package push

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"net/http"
	"sync"
	"time"
)

// maxCertificates have connections of their own at a time.
const maxCertificates = 64

// newTransport speaks HTTP/2, as APNs requires, or else HTTP/1.1. It notices
// connections that have died quietly: both services keep theirs for long.
func newTransport(roots *x509.CertPool, certificate *tls.Certificate) *http.Transport {
	config := &tls.Config{RootCAs: roots}
	if certificate != nil {
		config.Certificates = []tls.Certificate{*certificate}
	}
	return &http.Transport{
		TLSClientConfig:        config,
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 30 * time.Second, PingTimeout: 10 * time.Second},
		TLSHandshakeTimeout:    10 * time.Second,
		MaxIdleConnsPerHost:    16,
		IdleConnTimeout:        5 * time.Minute,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// digest identifies credentials without being them.
type digest [sha256.Size]byte

func digestOf(parts ...string) digest {
	h := sha256.New()
	for _, p := range parts {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(p)))
		h.Write(length[:]) // never fails
		h.Write([]byte(p))
	}
	return digest(h.Sum(nil))
}

// certificates are the connections of applications that have one.
type certificates struct {
	roots *x509.CertPool
	mu    sync.Mutex // guards known
	known map[digest]*certificate
}

// certificate is immutable but for used.
type certificate struct {
	transport *http.Transport
	topic     string // the bundle id in it
	used      time.Time
}

var errCertificate = errors.New("push: the platform application's certificate and private key cannot be used")

func (c *certificates) get(certPEM, keyPEM string) (*certificate, error) {
	id := digestOf(certPEM, keyPEM)
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.known[id]; known != nil {
		known.used = time.Now()
		return known, nil
	}
	pair, err := tls.X509KeyPair([]byte(certPEM), []byte(keyPEM))
	if err != nil {
		return nil, errCertificate // err may quote them
	}
	if len(c.known) >= maxCertificates {
		c.evict()
	}
	made := &certificate{transport: newTransport(c.roots, &pair), topic: userID(pair.Leaf), used: time.Now()}
	c.known[id] = made
	return made, nil
}

// evict forgets the certificate used longest ago. Attempts that have it go on.
func (c *certificates) evict() {
	var oldest digest
	var at time.Time
	for id, known := range c.known {
		if at.IsZero() || known.used.Before(at) {
			oldest, at = id, known.used
		}
	}
	c.known[oldest].transport.CloseIdleConnections()
	delete(c.known, oldest)
}

func (c *certificates) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, known := range c.known {
		known.transport.CloseIdleConnections()
	}
}

// userID is the attribute of a certificate's subject in which Apple has the bundle
// id (RFC 4519, section 2.39).
func userID(c *x509.Certificate) string {
	for _, name := range c.Subject.Names {
		if name.Type.Equal(asn1.ObjectIdentifier{0, 9, 2342, 19200300, 100, 1, 1}) {
			id, _ := name.Value.(string)
			return id
		}
	}
	return ""
}
