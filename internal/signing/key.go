package signing

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/spillway/spillway/internal/catalog"
)

const (
	// Kind of the catalog's records: the key, and the secret that names its certificate.
	Kind = "sns.key"
	// Record is the key as the catalog stores it, in PEM: PKCS #8 key and self-signed
	// certificate, one after the other.
	Record = "signing"

	keyBits = 2048 // as AWS's
	// certificateLife is how long a certificate is valid.
	certificateLife = 20 * 365 * 24 * time.Hour
)

// CertificatePath is where the signing certificate is served.
func (s *Signer) CertificatePath() string { return "/" + s.file }

// Certificate is the signing certificate in PEM.
func (s *Signer) Certificate(ctx context.Context) ([]byte, error) {
	_, certificate, err := s.load(ctx)
	return certificate, err
}

// load returns the key and the certificate.
func (s *Signer) load(ctx context.Context) (*rsa.PrivateKey, []byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.key != nil {
		return s.key, s.pem, nil
	}
	stored, ok := s.catalog.Get(Kind, Record)
	if !ok {
		made, err := NewRecord(time.Now())
		if err != nil {
			return nil, nil, err
		}
		err = s.catalog.Ensure(ctx, func(tx *catalog.Tx) error {
			if stored, ok = tx.Get(Kind, Record); !ok {
				stored = made
				tx.Put(Kind, Record, made)
			}
			return nil
		})
		if err != nil {
			return nil, nil, err
		}
	}
	key, certificate, err := parseRecord(stored)
	if err != nil {
		return nil, nil, err
	}
	s.key, s.pem = key, certificate
	return key, certificate, nil
}

// NewRecord makes a key.
func NewRecord(now time.Time) ([]byte, error) {
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: new(big.Int).SetInt64(now.UnixNano()),
		Subject:      pkix.Name{CommonName: "sns.amazonaws.com", Organization: []string{"Spillway"}},
		NotBefore:    now.Add(-24 * time.Hour), NotAfter: now.Add(certificateLife),
		KeyUsage: x509.KeyUsageDigitalSignature, DNSNames: []string{"sns.amazonaws.com"},
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

var errRecord = errors.New("signing: the key in the catalog cannot be read")

func parseRecord(b []byte) (*rsa.PrivateKey, []byte, error) {
	block, certificate := pem.Decode(b)
	if block == nil {
		return nil, nil, errRecord
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errRecord, err)
	}
	private, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, nil, errRecord
	}
	return private, certificate, nil
}
