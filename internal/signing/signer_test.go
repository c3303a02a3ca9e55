package signing

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"strings"
	"sync"
	"testing"

	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/queue"
	"github.com/spillway/spillway/internal/service"
	"github.com/spillway/spillway/internal/store"
)

// open returns a catalog in memory.
func open(t *testing.T) *catalog.Catalog {
	t.Helper()
	st, err := store.Open(store.Options{Memory: true})
	if err != nil {
		t.Fatal(err)
	}
	set, err := partition.OpenSet(st, partition.Options{Partitions: 1})
	if err != nil {
		t.Fatal(err)
	}
	cat := catalog.New(set.Catalog(), nil)
	queue.New(set, st, queue.Options{}) // what every partition needs some engine for
	if err := set.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { set.Close(context.Background()); st.Close() })
	return cat
}

func digestOf(i int) []byte {
	sum := sha256.Sum256(binary.AppendVarint(nil, int64(i)))
	return sum[:]
}

func TestSigner(t *testing.T) {
	ctx := context.Background()
	cat := open(t)
	s, same := New(cat, 1), New(cat, 0)
	for _, x := range []*Signer{s, same} {
		if err := x.Start(ctx); err != nil {
			t.Fatal(err)
		}
	}
	text, ok, err := s.SignEarly(ctx, crypto.SHA256, digestOf(1))
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if _, ok, err := same.SignEarly(ctx, crypto.SHA256, digestOf(1)); err != nil || ok {
		t.Errorf("%v %v: signed early by one that must not", ok, err)
	}
	if late, err := same.Sign(ctx, crypto.SHA256, digestOf(1)); err != nil || late != text {
		t.Errorf("%s, %v: another signature than %s", late, err, text)
	}
	certificate, err := same.Certificate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(certificate)
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := base64.StdEncoding.DecodeString(text)
	if err := rsa.VerifyPKCS1v15(c.PublicKey.(*rsa.PublicKey), crypto.SHA256, digestOf(1), raw); err != nil {
		t.Error(err)
	}
	body := []byte("<" + strings.Repeat(" ", service.SealBytes) + ">")
	if whole, err := (&service.Seal{At: 1}).Fill(body, text); err != nil || whole != "<"+text+">" || body[1] != ' ' {
		t.Errorf("%s, %v", whole, err)
	}
	for _, at := range []int{-1, 3, 1 << 30} {
		if _, err := (&service.Seal{At: at}).Fill(body, text); err == nil {
			t.Errorf("a signature at %d of %d bytes", at, len(body))
		}
	}
	if _, err := s.Sign(ctx, crypto.SHA256, []byte("short")); err == nil {
		t.Error("a digest of another length was signed")
	}
}

// TestOneSlot: a second one is not made early while the first one is.
func TestOneSlot(t *testing.T) {
	s := New(open(t), 1)
	s.early <- struct{}{}
	if _, ok, err := s.SignEarly(t.Context(), crypto.SHA256, digestOf(1)); ok || err != nil {
		t.Error(ok, err)
	}
	<-s.early
	if _, ok, err := s.SignEarly(t.Context(), crypto.SHA256, digestOf(1)); !ok || err != nil {
		t.Error(ok, err)
	}
	if len(s.early) != 0 {
		t.Error("the slot is not free again")
	}
}

// TestRemembered signatures are bounded, and each is made once.
func TestRemembered(t *testing.T) {
	s := New(nil, 1)
	first := s.entry(digest{crypto.SHA256, [32]byte(digestOf(0))})
	var made sync.Map
	var all sync.WaitGroup
	for i := range 3 * remembered / 2 {
		all.Go(func() { made.Store(s.entry(digest{crypto.SHA256, [32]byte(digestOf(i))}), nil) })
	}
	all.Wait()
	if len(s.made) != remembered || len(s.order) != remembered {
		t.Errorf("%d signatures, %d in order", len(s.made), len(s.order))
	}
	if s.entry(digest{crypto.SHA256, [32]byte(digestOf(0))}) == first {
		t.Error("the oldest is not forgotten")
	}
}
