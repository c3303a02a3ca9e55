package kinesis

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"time"

	"github.com/spillway/spillway/internal/api/kinesisapi"
)

// sealer makes iterators and tokens that nobody else can make or read.
type sealer struct{ aead cipher.AEAD }

func (s *sealer) init(secret []byte) error {
	block, err := aes.NewCipher(secret)
	if err != nil {
		return err
	}
	s.aead, err = cipher.NewGCM(block)
	return err
}

// iterator is a place in a shard.
type iterator struct {
	stream uint64 // id
	shard  int    // index
	next   uint64 // sequence in the engine of the first record to read
	made   int64  // unix ms
	name   name
}

const (
	// iteratorLife is how long an iterator can be used.
	iteratorLife = 5 * time.Minute
	// iteratorMark begins every iterator, as AWS's.
	iteratorMark = "\x00\x00\x00\x00\x00\x00\x00\x01"
	// iteratorSize is the least length of an iterator, and what its length is in blocks.
	iteratorSize  = 152
	iteratorBlock = 16
)

// encode seals an iterator. No two are the same.
func (s *sealer) encode(it iterator) string {
	plain := binary.BigEndian.AppendUint64(nil, it.stream)
	plain = binary.BigEndian.AppendUint64(plain, uint64(it.shard))
	plain = binary.BigEndian.AppendUint64(plain, it.next)
	plain = binary.BigEndian.AppendUint64(plain, uint64(it.made))
	key := it.name.key()
	plain = append(binary.BigEndian.AppendUint16(plain, uint16(len(key))), key...)
	around := len(iteratorMark) + s.aead.NonceSize() + s.aead.Overhead()
	for n := around + len(plain); n < iteratorSize || (n-iteratorSize)%iteratorBlock != 0; n++ {
		plain = append(plain, 0)
	}
	return base64.StdEncoding.EncodeToString(s.close([]byte(iteratorMark), plain))
}

func (s *sealer) close(dst, plain []byte) []byte {
	nonce := make([]byte, s.aead.NonceSize())
	rand.Read(nonce) // never fails
	dst = append(dst, nonce...)
	return s.aead.Seal(dst, nonce, plain, nil)
}

func (s *sealer) open(sealed []byte) ([]byte, bool) {
	n := s.aead.NonceSize()
	if len(sealed) < n {
		return nil, false
	}
	plain, err := s.aead.Open(nil, sealed[:n], sealed[n:], nil)
	return plain, err == nil
}

// decode opens an iterator; one in double quotes is taken, too (recorded).
func (s *sealer) decode(text string) (it iterator, ok bool) {
	if len(text) > 2 && strings.HasPrefix(text, `"`) && strings.HasSuffix(text, `"`) {
		text = text[1 : len(text)-1]
	}
	sealed, err := base64.StdEncoding.DecodeString(text)
	if err != nil || !strings.HasPrefix(string(sealed), iteratorMark) {
		return it, false
	}
	plain, ok := s.open(sealed[len(iteratorMark):])
	if !ok || len(plain) < 34 {
		return it, false
	}
	it.stream = binary.BigEndian.Uint64(plain)
	it.shard = int(binary.BigEndian.Uint64(plain[8:]))
	it.next = binary.BigEndian.Uint64(plain[16:])
	it.made = int64(binary.BigEndian.Uint64(plain[24:]))
	n := int(binary.BigEndian.Uint16(plain[32:]))
	if len(plain) < 34+n {
		return it, false
	}
	it.name, ok = parseKey(string(plain[34 : 34+n]))
	return it, ok
}

// check opens an iterator that must still be valid.
func (s *sealer) check(text string, now time.Time) (iterator, error) {
	it, ok := s.decode(text)
	if !ok {
		return it, invalid("Invalid ShardIterator.")
	}
	if made := time.UnixMilli(it.made); now.Sub(made) > iteratorLife {
		const layout = "Mon Jan 02 15:04:05 MST 2006"
		return it, kinesisapi.ExpiredIteratorException.Newf(
			"Iterator expired. The iterator was created at time %s while right now it is %s which is further in the future than the tolerated delay of %d milliseconds.",
			made.UTC().Format(layout), now.UTC().Format(layout), iteratorLife.Milliseconds())
	}
	return it, nil
}

// token seals where a list goes on. What it is of is part of it.
func (s *sealer) token(what string, now time.Time, after string) string {
	plain := binary.BigEndian.AppendUint64(nil, uint64(now.UnixMilli()))
	plain = append(append(plain, what...), 0)
	return base64.StdEncoding.EncodeToString(s.close(nil, append(plain, after...)))
}

// openToken opens a token of a list.
func (s *sealer) openToken(what, token string, now time.Time) (after string, err error) {
	sealed, err := base64.StdEncoding.DecodeString(token)
	if err != nil {
		return "", invalid("NextToken is invalid.")
	}
	plain, ok := s.open(sealed)
	if !ok || len(plain) < 8 || !strings.HasPrefix(string(plain[8:]), what+"\x00") {
		return "", invalid("NextToken is invalid.")
	}
	if made := time.UnixMilli(int64(binary.BigEndian.Uint64(plain))); now.Sub(made) > iteratorLife {
		return "", kinesisapi.ExpiredNextTokenException.New("The specified NextToken has expired.")
	}
	return string(plain[8+len(what)+1:]), nil
}
