package sqs

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"hash"
	"sync"

	"github.com/spillway/spillway/internal/api/sqsapi"
)

// A receipt handle is a lease, authenticated so that nobody can make one up:
// base64 of version, queue id, sequence, generation and a truncated HMAC-SHA256.
const (
	receiptVersion = 1
	receiptBody    = 1 + 8 + 8 + 4
	receiptMAC     = 15
	receiptSize    = receiptBody + receiptMAC
)

type receipt struct {
	queue, seq uint64
	generation uint32
}

type receipts struct{ macs sync.Pool }

// loadReceiptKey reads the key of receipt handles, or makes it in a new folder.
func (s *Service) loadReceiptKey(ctx context.Context) error {
	key, err := s.catalog.Secret(ctx, kindKey, "receipt")
	s.receipts.macs.New = func() any { return hmac.New(sha256.New, key) }
	return err
}

func (r *receipts) sign(b []byte) []byte {
	mac := r.macs.Get().(hash.Hash)
	mac.Reset()
	mac.Write(b[:receiptBody])
	var sum [sha256.Size]byte
	b = append(b[:receiptBody], mac.Sum(sum[:0])[:receiptMAC]...)
	r.macs.Put(mac)
	return b
}

// encode returns the handle of a lease.
func (r *receipts) encode(x receipt) string {
	var buf [receiptSize]byte
	buf[0] = receiptVersion
	binary.BigEndian.PutUint64(buf[1:], x.queue)
	binary.BigEndian.PutUint64(buf[9:], x.seq)
	binary.BigEndian.PutUint32(buf[17:], x.generation)
	return base64.StdEncoding.EncodeToString(r.sign(buf[:]))
}

// decode checks a handle. Only this server's own pass.
func (r *receipts) decode(handle string) (receipt, bool) {
	var buf [receiptSize]byte
	if base64.StdEncoding.DecodedLen(len(handle)) != receiptSize {
		return receipt{}, false
	}
	if n, err := base64.StdEncoding.Decode(buf[:], []byte(handle)); err != nil || n != receiptSize || buf[0] != receiptVersion {
		return receipt{}, false
	}
	given := buf
	if subtle.ConstantTimeCompare(r.sign(buf[:]), given[:]) != 1 {
		return receipt{}, false
	}
	return receipt{
		queue:      binary.BigEndian.Uint64(buf[1:]),
		seq:        binary.BigEndian.Uint64(buf[9:]),
		generation: binary.BigEndian.Uint32(buf[17:]),
	}, true
}

// receipt reads the handle of a message of q.
func (s *Service) receipt(q *Queue, handle *string) (receipt, error) {
	if handle == nil || *handle == "" {
		return receipt{}, missingParameter("ReceiptHandle")
	}
	r, ok := s.receipts.decode(*handle)
	if !ok || r.queue != q.ID {
		return receipt{}, sqsapi.ReceiptHandleIsInvalid.Newf("The input receipt handle \"%s\" is not a valid receipt handle.", *handle)
	}
	return r, nil
}
