package push

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"strings"
	"sync"
	"time"
)

// maxTokens are kept at a time.
const maxTokens = 1000

// tokens are what authenticates to the services, by the credentials that they were
// made from.
type tokens struct {
	mu    sync.Mutex // guards known, and used of all
	known map[digest]*token
}

type token struct {
	used time.Time
	busy chan struct{} // has room for the one who may look at, or change, what follows

	value   string
	expires time.Time
}

// get returns a token that is good for now. If there is none, one caller makes it
// and the others wait; fresh is true for that one.
func (t *tokens) get(ctx context.Context, id digest, mint func(context.Context) (string, time.Time, error)) (value string, fresh bool, err error) {
	k := t.find(id)
	select {
	case k.busy <- struct{}{}:
	case <-ctx.Done():
		return "", false, context.Cause(ctx)
	}
	defer func() { <-k.busy }()
	if k.value != "" && time.Now().Before(k.expires) {
		return k.value, false, nil
	}
	value, expires, err := mint(ctx)
	if err != nil {
		return "", true, err
	}
	k.value, k.expires = value, expires
	return value, true, nil
}

// drop forgets a token that was refused, unless there is another by now.
func (t *tokens) drop(id digest, refused string) {
	k := t.find(id)
	select {
	case k.busy <- struct{}{}:
		if k.value == refused {
			k.value = ""
		}
		<-k.busy
	default: // somebody sees to it
	}
}

func (t *tokens) find(id digest) *token {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := t.known[id]
	if k == nil {
		if len(t.known) >= maxTokens {
			t.evict()
		}
		k = &token{busy: make(chan struct{}, 1)}
		t.known[id] = k
	}
	k.used = time.Now()
	return k
}

// evict forgets the token used longest ago.
func (t *tokens) evict() {
	var oldest digest
	var at time.Time
	for id, k := range t.known {
		if at.IsZero() || k.used.Before(at) {
			oldest, at = id, k.used
		}
	}
	delete(t.known, oldest)
}

var errKey = errors.New("push: the platform application's private key cannot be used")

// parseKey reads a private key: PEM, or what is between PEM's lines.
func parseKey(text string) (crypto.Signer, error) {
	var der []byte
	if block, _ := pem.Decode([]byte(text)); block != nil {
		der = block.Bytes
	} else if b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), "")); err == nil {
		der = b
	}
	if key, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		if signer, ok := key.(crypto.Signer); ok {
			return signer, nil
		}
	}
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key, nil
	}
	if key, err := x509.ParseECPrivateKey(der); err == nil {
		return key, nil
	}
	return nil, errKey
}

// signJWT makes a JSON Web Token (RFC 7519): ES256 with a key on P-256, RS256 with
// an RSA one. The header gets its algorithm.
func signJWT(key crypto.Signer, header, claims map[string]any) (string, error) {
	switch k := key.(type) {
	case *ecdsa.PrivateKey:
		if k.Curve.Params().BitSize != 256 {
			return "", errKey
		}
		header["alg"] = "ES256"
	case *rsa.PrivateKey:
		header["alg"] = "RS256"
	default:
		return "", errKey
	}
	var parts [2]string
	for i, part := range []any{header, claims} {
		b, err := json.Marshal(part)
		if err != nil {
			return "", err
		}
		parts[i] = base64.RawURLEncoding.EncodeToString(b)
	}
	signed := parts[0] + "." + parts[1]
	sum := sha256.Sum256([]byte(signed))
	var signature []byte
	switch k := key.(type) {
	case *ecdsa.PrivateKey:
		r, s, err := ecdsa.Sign(rand.Reader, k, sum[:])
		if err != nil {
			return "", errKey
		}
		signature = make([]byte, 64) // both halves at full length (RFC 7518, section 3.4)
		r.FillBytes(signature[:32])
		s.FillBytes(signature[32:])
	case *rsa.PrivateKey:
		var err error
		if signature, err = rsa.SignPKCS1v15(nil, k, crypto.SHA256, sum[:]); err != nil {
			return "", errKey
		}
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}
