package loadtest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"time"
)

// signer signs requests of one connection with AWS Signature Version 4.
type signer struct {
	accessKey, secret, region, service string

	second  int64  // of timestamp
	stamp   string // 20060102T150405Z
	scope   string // 20060102/region/service/aws4_request
	keyed   hash.Hash
	hash    hash.Hash
	scratch []byte
	sum     [sha256.Size]byte
}

func newSigner(accessKey, secret, region, service string) *signer {
	return &signer{accessKey: accessKey, secret: secret, region: region, service: service, hash: sha256.New()}
}

// tick sets the time of the following signatures.
func (s *signer) tick(now time.Time) {
	if now.Unix() == s.second {
		return
	}
	s.second = now.Unix()
	s.stamp = now.UTC().Format("20060102T150405Z")
	day := s.stamp[:8]
	if scope := day + "/" + s.region + "/" + s.service + "/aws4_request"; scope != s.scope {
		s.scope = scope
		key := []byte("AWS4" + s.secret)
		for _, part := range []string{day, s.region, s.service, "aws4_request"} {
			h := hmac.New(sha256.New, key)
			h.Write([]byte(part))
			key = h.Sum(nil)
		}
		s.keyed = hmac.New(sha256.New, key)
	}
}

// appendHex appends the hash of p in hexadecimal digits.
func (s *signer) appendHex(b, p []byte) []byte {
	s.hash.Reset()
	s.hash.Write(p)
	return hex.AppendEncode(b, s.hash.Sum(s.sum[:0]))
}

// appendSignature appends the signature of a POST request.
func (s *signer) appendSignature(b []byte, op *operation, body []byte) []byte {
	c := append(s.scratch[:0], "POST\n"...)
	c = append(c, op.path...)
	c = append(c, "\n\n"...)
	c = append(c, op.before...)
	c = append(c, "x-amz-date:"...)
	c = append(c, s.stamp...)
	c = append(c, '\n')
	c = append(c, op.after...)
	c = append(c, '\n')
	c = append(c, op.signed...)
	c = append(c, '\n')
	c = s.appendHex(c, body)
	text := len(c)
	c = append(c, "AWS4-HMAC-SHA256\n"...)
	c = append(c, s.stamp...)
	c = append(c, '\n')
	c = append(c, s.scope...)
	c = append(c, '\n')
	c = s.appendHex(c, c[:text])
	s.scratch = c
	s.keyed.Reset()
	s.keyed.Write(c[text:])
	return hex.AppendEncode(b, s.keyed.Sum(s.sum[:0]))
}
