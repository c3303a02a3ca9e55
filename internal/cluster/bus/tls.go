package bus

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"time"
)

// credentials are what the cluster's secret becomes: every node derives the same key
// of a certificate authority from it, makes itself a certificate at start, and takes
// nobody in who has none. No file has to be distributed.
type credentials struct {
	ca      *x509.Certificate
	key     ed25519.PrivateKey
	routes  string // password of routes
	clients string // password of the users of the port for clients: see Config.clientPassword
}

func derive(secret, cluster string) (*credentials, error) {
	seed, err := hkdf.Key(sha256.New, []byte(secret), []byte(cluster), "spillway cluster authority", ed25519.SeedSize)
	if err != nil {
		return nil, err
	}
	routes, err := hkdf.Key(sha256.New, []byte(secret), []byte(cluster), "spillway cluster routes", 32)
	if err != nil {
		return nil, err
	}
	c := &credentials{key: ed25519.NewKeyFromSeed(seed), routes: hex.EncodeToString(routes)}
	// Clocks of nodes may differ by anything before the cluster has formed: the
	// certificates' times mean nothing here.
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Spillway cluster " + cluster},
		NotBefore: time.Unix(0, 0), NotAfter: time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, c.key.Public(), c.key)
	if err != nil {
		return nil, err
	}
	c.ca, err = x509.ParseCertificate(der)
	return c, err
}

// Authority is the certificate of the cluster's authority in PEM, which clients of
// Config.ClientListen trust.
func Authority(secret, cluster string) ([]byte, error) {
	c, err := derive(secret, cluster)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.ca.Raw}), nil
}

// certificate makes a node's certificate, for the hosts it may be called by.
func (c *credentials) certificate(node string, hosts ...string) (tls.Certificate, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: node},
		NotBefore: c.ca.NotBefore, NotAfter: c.ca.NotAfter,
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else if host != "" {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, c.ca, public, c.key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}, nil
}

// routeTLS is for both ends of a connection between nodes: each shows a certificate
// of the authority. Names do not matter, membership does.
func (c *credentials) routeTLS(node string) (*tls.Config, error) {
	certificate, err := c.certificate(node)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(c.ca)
	return &tls.Config{
		MinVersion:         tls.VersionTLS13,
		Certificates:       []tls.Certificate{certificate},
		ClientAuth:         tls.RequireAnyClientCert,
		InsecureSkipVerify: true, // names are not checked; VerifyConnection does the rest
		VerifyConnection: func(state tls.ConnectionState) error {
			if len(state.PeerCertificates) == 0 {
				return errors.New("no certificate")
			}
			_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{
				Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
			})
			if err != nil {
				return fmt.Errorf("not a node of this cluster: %w", err)
			}
			return nil
		},
	}, nil
}

// clientTLS is for the port of the CLI; nil on loopback.
func (c *credentials) clientTLS(node, host string) (*tls.Config, error) {
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		return nil, nil
	}
	certificate, err := c.certificate(node, node, host, "localhost", "127.0.0.1")
	if err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{certificate}}, nil
}
