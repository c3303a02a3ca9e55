package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/spillway/spillway/internal/config"
)

// TestSelfMadeCertificate: clients that trust the certificate in the data folder are
// served over TLS, with HTTP/2, also after a restart.
func TestSelfMadeCertificate(t *testing.T) {
	t.Parallel()
	c := config.Default()
	c.DataDir, c.Listen, c.TLS.SelfMade = t.TempDir(), "127.0.0.1:0", true
	for range 2 {
		s, err := Start(context.Background(), c, Options{})
		if err != nil {
			t.Fatal(err)
		}
		pool := x509.NewCertPool()
		text, err := os.ReadFile(filepath.Join(c.DataDir, selfMadeFile))
		if err != nil || !pool.AppendCertsFromPEM(text) {
			t.Fatal(err)
		}
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}}
		res, err := client.Get("https://" + s.Addr().String() + "/_spillway/health")
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusOK || res.ProtoMajor != 2 {
			t.Errorf("%s %s", res.Status, res.Proto)
		}
		client.CloseIdleConnections()
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	}
}
