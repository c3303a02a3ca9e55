package server

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"time"
)

// tlsConfig loads the certificate, if one is configured. The files are looked at
// again when they change, so a renewed certificate needs no restart.
func (s *Server) tlsConfig() (*tls.Config, error) {
	if s.config.TLS.SelfMade {
		pair, err := s.selfMade()
		if err != nil {
			return nil, err
		}
		return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{*pair}, NextProtos: []string{"h2", "http/1.1"}}, nil
	}
	if s.config.TLS.Cert == "" {
		return nil, nil
	}
	c := &certificate{cert: s.config.TLS.Cert, key: cmp.Or(s.config.TLS.Key, s.config.TLS.Cert)}
	if _, err := c.get(nil); err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get, NextProtos: []string{"h2", "http/1.1"}}, nil
}

// certificate is a key pair on disk.
type certificate struct {
	cert, key string

	mu       sync.Mutex // guards the rest
	loaded   *tls.Certificate
	modified time.Time
}

// get returns the certificate, read anew if its file changed. A renewal that
// cannot be read leaves the old one in use.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	info, err := os.Stat(c.cert)
	if err == nil && c.loaded != nil && info.ModTime().Equal(c.modified) {
		return c.loaded, nil
	}
	pair, err2 := tls.LoadX509KeyPair(c.cert, c.key)
	if err == nil {
		err = err2
	}
	if err != nil {
		if c.loaded != nil {
			return c.loaded, nil
		}
		return nil, fmt.Errorf("tls certificate: %w", err)
	}
	c.loaded, c.modified = &pair, info.ModTime()
	return c.loaded, nil
}
