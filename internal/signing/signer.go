// Package signing makes the signatures of notifications, with RSA as AWS's have them: a key
// of 2,048 bits that is made when it is first needed, and kept in the catalog, so that all
// nodes have the same.
//
// A signature is the same whoever makes it, and whenever. It costs more than a millisecond,
// which is many times what storing a message costs; so it is made before a message is stored
// only if a processor has time for it, and else when the message is delivered (a
// service.Seal says which one is missing).
// docs/decisions/0005-signed-when-there-is-time.md has the figures.
package signing

import (
	"context"
	"crypto"
	"crypto/rsa"
	"encoding/base64"
	"encoding/hex"
	"runtime"
	"sync"

	"github.com/spillway/spillway/internal/catalog"
)

// Signer signs. Its methods may be called at the same time.
type Signer struct {
	catalog *catalog.Catalog
	file    string // of the certificate, "SimpleNotificationService-<32 hex>.pem"
	early   chan struct{}
	// busy leaves a processor to those who do not sign, however many receivers want
	// signatures at once.
	busy chan struct{}

	mu   sync.Mutex // guards the rest
	key  *rsa.PrivateKey
	pem  []byte
	made map[digest]*signature
	// order has what made has, as a ring that begins at oldest.
	order  []digest
	oldest int
}

// digest is what a signature is of.
type digest struct {
	hash crypto.Hash
	sum  [32]byte
}

// signature is made once, though many want it: all queues of a topic get the same.
type signature struct {
	once sync.Once
	text string
	err  error
}

// remembered signatures, each about 600 bytes.
const remembered = 8192

// New returns the signer of the catalog's key. Early is how many signatures may be made
// early at the same time.
func New(cat *catalog.Catalog, early int) *Signer {
	return &Signer{
		catalog: cat, made: make(map[digest]*signature),
		early: make(chan struct{}, early), busy: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)-1)),
	}
}

// Start makes or reads the name of the certificate.
func (s *Signer) Start(ctx context.Context) error {
	id, err := s.catalog.Secret(ctx, Kind, "certificate")
	if err != nil {
		return err
	}
	s.file = "SimpleNotificationService-" + hex.EncodeToString(id[:16]) + ".pem"
	return nil
}

// Sign returns the signature of a digest, in base64: service.SealBytes characters.
func (s *Signer) Sign(ctx context.Context, hash crypto.Hash, sum []byte) (string, error) {
	key, _, err := s.load(ctx)
	if err != nil {
		return "", err
	}
	d := digest{hash: hash}
	copy(d.sum[:], sum)
	of := s.entry(d)
	of.once.Do(func() {
		s.busy <- struct{}{}
		defer func() { <-s.busy }()
		var raw []byte
		raw, of.err = rsa.SignPKCS1v15(nil, key, hash, sum)
		of.text = base64.StdEncoding.EncodeToString(raw)
	})
	return of.text, of.err
}

// SignEarly is Sign, unless as many as may are signing already: then it is false.
func (s *Signer) SignEarly(ctx context.Context, hash crypto.Hash, sum []byte) (text string, ok bool, err error) {
	select {
	case s.early <- struct{}{}:
	default:
		return "", false, nil
	}
	defer func() { <-s.early }()
	text, err = s.Sign(ctx, hash, sum)
	return text, err == nil, err
}

// entry is the signature of a digest, made or to be made. The oldest is forgotten for it.
func (s *Signer) entry(d digest) *signature {
	s.mu.Lock()
	defer s.mu.Unlock()
	if of := s.made[d]; of != nil {
		return of
	}
	of := &signature{}
	s.made[d] = of
	if len(s.order) < remembered {
		s.order = append(s.order, d)
		return of
	}
	delete(s.made, s.order[s.oldest])
	s.order[s.oldest] = d
	s.oldest = (s.oldest + 1) % remembered
	return of
}
