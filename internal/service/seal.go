package service

import (
	"crypto"
	"errors"
)

// Seal is a signature that a message was stored without, and gets when it is delivered.
type Seal struct {
	At   int         // offset in the body, where SealBytes blanks are
	Hash crypto.Hash // SHA-1 or SHA-256
	Sum  []byte      // what is signed
}

// SealBytes is the length of a signature: base64 of 2,048 bits.
const SealBytes = 344

var errSeal = errors.New("a signature does not fit its message")

// Fill returns the body with the signature in it.
func (s *Seal) Fill(body []byte, signature string) (string, error) {
	if len(signature) != SealBytes || s.At < 0 || s.At > len(body)-SealBytes {
		return "", errSeal
	}
	return string(body[:s.At]) + signature + string(body[s.At+SealBytes:]), nil
}
