package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/spillway/spillway/internal/config"
)

// selfMadeFile is where in the data folder a self-made certificate is, with its key.
const selfMadeFile = "tls.pem"

// selfMadeLife is how long it is valid.
const selfMadeLife = 10 * 365 * 24 * time.Hour

// selfMade returns the server's own certificate, which stays with the data folder, so
// that clients can be told to trust it.
func (s *Server) selfMade() (*tls.Certificate, error) {
	if s.config.Storage == config.StorageMemory {
		text, err := makeCertificate(s.config.Listen)
		if err != nil {
			return nil, err
		}
		pair, err := tls.X509KeyPair(text, text)
		return &pair, err
	}
	path := filepath.Join(s.config.DataDir, selfMadeFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if text, err = makeCertificate(s.config.Listen); err == nil {
			err = os.WriteFile(path, text, 0o600)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("self-made tls certificate: %w", err)
	}
	pair, err := tls.X509KeyPair(text, text)
	if err != nil {
		return nil, fmt.Errorf("self-made tls certificate %s: %w", path, err)
	}
	return &pair, nil
}

// makeCertificate makes a key and a certificate for this machine's names, in PEM.
func makeCertificate(listen string) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "localhost", Organization: []string{"Spillway"}},
		NotBefore: now.Add(-24 * time.Hour), NotAfter: now.Add(selfMadeLife), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: []string{"localhost", "*.localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	if name, err := os.Hostname(); err == nil {
		template.DNSNames = append(template.DNSNames, name)
	}
	if host, _, err := net.SplitHostPort(listen); err == nil {
		if ip := net.ParseIP(host); ip != nil && !ip.IsUnspecified() {
			template.IPAddresses = append(template.IPAddresses, ip)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	out := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
	return append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...), nil
}
