package sns

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"sync"
	"time"

	"github.com/spillway/spillway/internal/catalog"
)

// signer signs messages with a key that is made when it is first needed, and kept in
// the catalog, so that all nodes have the same.
type signer struct {
	catalog *catalog.Catalog
	file    string // of the certificate, "SimpleNotificationService-<32 hex>.pem"

	mu  sync.Mutex // guards the rest
	key *rsa.PrivateKey
	pem []byte
}

// signingRecord is the key as the catalog stores it, in PEM: PKCS #8 key and
// self-signed certificate, one after the other.
const signingRecord = "signing"

const keyBits = 2048 // as AWS's

func (s *signer) start(ctx context.Context) error {
	id, err := s.catalog.Secret(ctx, kindKey, "certificate")
	if err != nil {
		return err
	}
	s.file = "SimpleNotificationService-" + hex.EncodeToString(id[:16]) + ".pem"
	return nil
}

// CertificatePath is where the signing certificate is served.
func (s *Service) CertificatePath() string { return "/" + s.signer.file }

// Certificate is the signing certificate in PEM.
func (s *Service) Certificate(ctx context.Context) ([]byte, error) {
	_, certificate, err := s.signer.load(ctx)
	return certificate, err
}

func (s *Service) certificateURL(base string) string {
	if s.config.CertificateURL != "" {
		return s.config.CertificateURL
	}
	return base + s.CertificatePath()
}

// load returns the key and the certificate.
func (s *signer) load(ctx context.Context) (*rsa.PrivateKey, []byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.key != nil {
		return s.key, s.pem, nil
	}
	stored, ok := s.catalog.Get(kindKey, signingRecord)
	if !ok {
		made, err := newSigningRecord(time.Now())
		if err != nil {
			return nil, nil, err
		}
		err = s.catalog.Ensure(ctx, func(tx *catalog.Tx) error {
			if stored, ok = tx.Get(kindKey, signingRecord); !ok {
				stored = made
				tx.Put(kindKey, signingRecord, made)
			}
			return nil
		})
		if err != nil {
			return nil, nil, err
		}
	}
	key, certificate, err := parseSigningRecord(stored)
	if err != nil {
		return nil, nil, err
	}
	s.key, s.pem = key, certificate
	return key, certificate, nil
}

// certificateLife is how long a certificate is valid.
const certificateLife = 20 * 365 * 24 * time.Hour

func newSigningRecord(now time.Time) ([]byte, error) {
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

var errSigningRecord = errors.New("sns: the signing key in the catalog cannot be read")

func parseSigningRecord(b []byte) (*rsa.PrivateKey, []byte, error) {
	block, certificate := pem.Decode(b)
	if block == nil {
		return nil, nil, errSigningRecord
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errSigningRecord, err)
	}
	private, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, nil, errSigningRecord
	}
	return private, certificate, nil
}

// sign sets the notification's signature.
//
// AWS: "Verifying the signatures of Amazon SNS messages".
func (s *signer) sign(ctx context.Context, n *notification) error {
	key, _, err := s.load(ctx)
	if err != nil {
		return err
	}
	text := stringToSign(n)
	hash, digest := crypto.SHA1, []byte(nil)
	if n.Version == "2" {
		sum := sha256.Sum256(text)
		hash, digest = crypto.SHA256, sum[:]
	} else {
		sum := sha1.Sum(text) // version 1 is that
		digest = sum[:]
	}
	signature, err := rsa.SignPKCS1v15(nil, key, hash, digest)
	if err != nil {
		return err
	}
	n.Signature = base64.StdEncoding.EncodeToString(signature)
	return nil
}

// stringToSign is what the signature is about: names and values, a line each, in order
// of name.
func stringToSign(n *notification) []byte {
	b := make([]byte, 0, 256+len(n.Message))
	line := func(key, value string) {
		b = append(append(b, key...), '\n')
		b = append(append(b, value...), '\n')
	}
	line("Message", n.Message)
	line("MessageId", n.ID)
	if n.Token != "" {
		line("SubscribeURL", subscribeURL(n))
	} else if n.Subject != nil {
		line("Subject", *n.Subject)
	}
	line("Timestamp", timestamp(n.Sent))
	if n.Token != "" {
		line("Token", n.Token)
	}
	line("TopicArn", n.Topic)
	line("Type", n.Type)
	return b
}
