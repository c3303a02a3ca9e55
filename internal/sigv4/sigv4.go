// Package sigv4 verifies AWS Signature Version 4, in the Authorization header
// and in presigned URLs. It is the server's half: it never signs.
//
// Source: AWS IAM User Guide, "AWS Signature Version 4 for API requests",
// "Create a signed AWS API request". Streaming (chunked) payload signatures are
// not taken: no service served here uses them.
package sigv4

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strings"
	"sync"
	"time"

	"github.com/spillway/spillway/internal/iam"
	"github.com/spillway/spillway/internal/wire"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"
	// maxSkew is how far the client's clock may be off, and how long a signature
	// without its own expiry lives.
	maxSkew = 15 * time.Minute
	// maxExpires is the longest life of a presigned URL.
	maxExpires = 7 * 24 * time.Hour

	unsignedPayload = "UNSIGNED-PAYLOAD"
	timeLayout      = "20060102T150405Z"
)

// Keys finds the secret of an access key. Errors are *smithy.APIError, such as
// UnrecognizedClient or ExpiredToken. The arguments may alias a network buffer.
type Keys interface {
	Secret(accessKeyID, sessionToken string, now time.Time) (secret string, p *iam.Principal, err error)
}

// Result is what a verified request proves. Region and Service are those of the
// credential scope; they are safe to keep, and empty for anonymous requests.
type Result struct {
	Principal *iam.Principal
	Region    string
	Service   string
	Anonymous bool
}

// Verifier verifies requests. It is safe for concurrent use.
type Verifier struct {
	keys      Keys
	cache     *keyCache
	anonymous *iam.Principal
	scratch   sync.Pool // of *scratch
}

// NewVerifier returns a verifier of signatures by the given keys.
func NewVerifier(keys Keys) *Verifier {
	return &Verifier{
		keys:      keys,
		cache:     newKeyCache(),
		anonymous: iam.Anonymous(),
		scratch:   sync.Pool{New: func() any { return new(scratch) }},
	}
}

// Verify checks the request's signature as of now. A request without any
// credentials is anonymous: what it may do is for policies to say. Errors are
// *smithy.APIError and hold neither secrets nor signatures.
func (v *Verifier) Verify(r *wire.Request, now time.Time) (Result, error) {
	c, err := parseClaim(r)
	if err != nil {
		return Result{}, err
	}
	if c == (claim{}) {
		return Result{Principal: v.anonymous, Anonymous: true}, nil
	}
	if err := c.check(r, now); err != nil {
		return Result{}, err
	}
	secret, principal, err := v.keys.Secret(c.accessKeyID, c.token, now)
	if err != nil {
		return Result{}, err
	}
	s := v.scratch.Get().(*scratch)
	defer func() {
		s.release()
		v.scratch.Put(s)
	}()

	id := keyID{c.accessKeyID, c.date, c.region, c.service}
	key, cached := v.cache.get(id, secret)
	if !cached {
		key = newSigningKey(id, secret)
	}
	payload, err := s.payloadHash(r)
	if err != nil {
		return Result{}, err
	}
	if !s.verify(r, &c, key, payload) {
		return Result{}, errMismatch()
	}
	if !cached {
		// Only proven keys get in, so strangers cannot push others out.
		v.cache.put(key)
	}
	return Result{Principal: principal, Region: key.id.region, Service: key.id.service}, nil
}

// check is everything that needs no secret.
func (c *claim) check(r *wire.Request, now time.Time) error {
	if c.terminator != terminator {
		return errTerminator(c.terminator)
	}
	if c.date != c.timestamp[:len("20060102")] {
		return errScopeDate(c.date, c.timestamp)
	}
	if !signsHost(c.signedHeaders) {
		return errHostNotSigned()
	}
	life := maxSkew
	if c.expires > 0 {
		life = c.expires
	}
	switch {
	case now.Sub(c.signed) > life:
		return errExpired(c.timestamp, now, life)
	case c.signed.Sub(now) > maxSkew:
		return errNotYetCurrent(c.timestamp, now)
	}
	return nil
}

func signsHost(signedHeaders string) bool {
	for name := range strings.SplitSeq(signedHeaders, ";") {
		if strings.EqualFold(name, "host") {
			return true
		}
	}
	return false
}

// scratch is the working memory of one verification.
type scratch struct {
	buf    []byte   // canonical request, then what is hashed under a key
	query  []byte   // encoded query parameters
	params []param  // slices of query
	values []string // values of one header
	hash   [2 * sha256.Size]byte
}

// release drops what points into the request.
func (s *scratch) release() {
	clear(s.values[:cap(s.values)])
	s.values = s.values[:0]
	const keep = 64 << 10
	if cap(s.buf) > keep || cap(s.query) > keep {
		s.buf, s.query = nil, nil
	}
}

// payloadHash is the last line of the canonical request. The result is valid
// until the next use of the scratch.
func (s *scratch) payloadHash(r *wire.Request) ([]byte, error) {
	stated := r.Header.Get("X-Amz-Content-Sha256")
	if stated == unsignedPayload {
		return append(s.hash[:0], unsignedPayload...), nil
	}
	sum := sha256.Sum256(r.Body)
	hex.Encode(s.hash[:], sum[:])
	if stated != "" && !strings.EqualFold(stated, string(s.hash[:])) {
		return nil, errPayloadHash()
	}
	return s.hash[:], nil
}

// verify tries the ways in which signers write the request's path.
func (s *scratch) verify(r *wire.Request, c *claim, key *signingKey, payload []byte) bool {
	path := r.Path
	if path == "" {
		path = "/"
	}
	if c.service == "s3" {
		return s.verifyPath(r, c, key, payload, pathAsIs, path)
	}
	if s.verifyPath(r, c, key, payload, pathEncoded, path) {
		return true
	}
	// Some signers, botocore for one, sign the path without its empty and dot
	// segments, as the specification says; the Go and Java ones do not.
	normal := normalizePath(path)
	return normal != path && s.verifyPath(r, c, key, payload, pathEncoded, normal)
}

func (s *scratch) verifyPath(r *wire.Request, c *claim, key *signingKey, payload []byte, style pathStyle, path string) bool {
	s.buf = s.appendCanonical(s.buf[:0], r, c, style, path, payload)
	sum := sha256.Sum256(s.buf)

	b := append(s.buf[:0], zeroBlock[:]...) // room for the HMAC's inner pad
	b = append(b, algorithm+"\n"...)
	b = append(b, c.timestamp...)
	b = append(b, '\n')
	b = append(b, c.scope...)
	b = append(b, '\n')
	b = hex.AppendEncode(b, sum[:])
	s.buf = b
	mac := hmacInPlace(key.key[:], b)

	var want, got [2 * sha256.Size]byte
	hex.Encode(want[:], mac[:])
	if copy(got[:], c.signature) != len(got) || len(c.signature) != len(got) {
		return false
	}
	return subtle.ConstantTimeCompare(want[:], got[:]) == 1
}
