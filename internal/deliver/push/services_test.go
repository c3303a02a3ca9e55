package push_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/spillway/spillway/internal/deliver/push"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// services are APNs, FCM and Google's token endpoint.
type services struct {
	t      *testing.T
	sender *push.Sender
	comes  chan struct{} // a request, if anyone waits for it

	mu       sync.Mutex
	requests []request
	answers  []answer // of the next ones, before all is well
	tokens   int      // given
}

type request struct {
	target, proto, body string
	header              http.Header
	certificate         string // common name of the client's
}

type answer struct {
	status int
	body   string
}

func serve(t *testing.T, o push.Options) *services {
	s := &services{t: t, comes: make(chan struct{})}
	server := httptest.NewUnstartedServer(s)
	server.EnableHTTP2 = true
	server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	server.StartTLS()
	t.Cleanup(server.Close)
	o.RootCAs = x509.NewCertPool()
	o.RootCAs.AddCert(server.Certificate())
	o.APNSURL, o.APNSSandboxURL, o.FCMURL, o.TokenURL = server.URL+"/apns", server.URL+"/sandbox/", server.URL+"/fcm", server.URL+"/token"
	s.sender = push.New(o)
	t.Cleanup(s.sender.Close)
	return s
}

func (s *services) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	got := request{target: r.Method + " " + r.RequestURI, proto: r.Proto, body: string(body), header: r.Header}
	if len(r.TLS.PeerCertificates) > 0 {
		got.certificate = r.TLS.PeerCertificates[0].Subject.CommonName
	}
	select {
	case s.comes <- struct{}{}:
	default:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, got)
	if len(s.answers) > 0 {
		a := s.answers[0]
		s.answers = s.answers[1:]
		w.WriteHeader(a.status)
		_, _ = io.WriteString(w, a.body)
		return
	}
	switch {
	case strings.HasPrefix(r.URL.Path, "/token"):
		s.tokens++
		_ = json.NewEncoder(w).Encode(map[string]any{"access_token": "access-" + string(rune('0'+s.tokens)), "expires_in": 3600})
	case strings.HasPrefix(r.URL.Path, "/fcm"):
		_, _ = io.WriteString(w, `{"name":"projects/p/messages/1"}`)
	default:
		w.Header().Set("apns-id", "an-id")
	}
}

// answer queues answers to the next requests.
func (s *services) answer(a ...answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers = append(s.answers, a...)
}

// took returns the requests since it was last asked.
func (s *services) took() []request {
	s.mu.Lock()
	defer s.mu.Unlock()
	got := s.requests
	s.requests = nil
	return got
}

func pemOf(t *testing.T, key crypto.Signer) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func newECKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// clientCertificate is what Apple would issue, as PEM, with its key.
func clientCertificate(t *testing.T, name, bundle string) (certificate, key string) {
	t.Helper()
	k := newECKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		Subject: pkix.Name{CommonName: name, ExtraNames: []pkix.AttributeTypeAndValue{
			{Type: asn1.ObjectIdentifier{0, 9, 2342, 19200300, 100, 1, 1}, Value: bundle},
		}},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), pemOf(t, k)
}

// readJWT verifies a token and returns header and claims.
func readJWT(t *testing.T, jwt string, key crypto.PublicKey) (header, claims map[string]any) {
	t.Helper()
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		t.Fatalf("not a JWT: %q", jwt)
	}
	var decoded [3][]byte
	for i, part := range parts {
		b, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil {
			t.Fatal(err)
		}
		decoded[i] = b
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		r, s := new(big.Int).SetBytes(decoded[2][:32]), new(big.Int).SetBytes(decoded[2][32:])
		if !ecdsa.Verify(k, sum[:], r, s) {
			t.Error("wrong signature")
		}
	case *rsa.PublicKey:
		if err := rsa.VerifyPKCS1v15(k, crypto.SHA256, sum[:], decoded[2]); err != nil {
			t.Error(err)
		}
	}
	for i, out := range []*map[string]any{&header, &claims} {
		if err := json.Unmarshal(decoded[i], out); err != nil {
			t.Fatal(err)
		}
	}
	return header, claims
}
