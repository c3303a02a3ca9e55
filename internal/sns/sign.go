package sns

import (
	"context"
	"crypto"
	"crypto/sha1"
	"crypto/sha256"

	"github.com/spillway/spillway/internal/service"
)

func (s *Service) certificateURL(base string) string {
	if s.config.CertificateURL != "" {
		return s.config.CertificateURL
	}
	return base + s.signer.CertificatePath()
}

// sign sets the notification's signature.
//
// AWS: "Verifying the signatures of Amazon SNS messages".
func (s *Service) sign(ctx context.Context, n *notification) error {
	hash, sum := digestOf(n)
	signature, err := s.signer.Sign(ctx, hash, sum)
	if err == nil {
		n.Signature, n.Unsigned = signature, false
	}
	return err
}

// signEarly is sign if there is time for it. Without, the notification is signed when it
// is delivered.
func (s *Service) signEarly(ctx context.Context, n *notification) (err error) {
	var ok bool
	hash, sum := digestOf(n)
	n.Signature, ok, err = s.signer.SignEarly(ctx, hash, sum)
	n.Unsigned = !ok
	return err
}

// sealOf is the signature that is missing in an envelope, which has blanks for it at an
// offset.
func sealOf(n *notification, at int) *service.Seal {
	hash, sum := digestOf(n)
	return &service.Seal{At: at, Hash: hash, Sum: sum}
}

// digestOf is what is signed.
func digestOf(n *notification) (crypto.Hash, []byte) {
	text := stringToSign(n)
	if n.Version == "2" {
		sum := sha256.Sum256(text)
		return crypto.SHA256, sum[:]
	}
	sum := sha1.Sum(text) // version 1 is that
	return crypto.SHA1, sum[:]
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
