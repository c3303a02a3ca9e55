package lambda

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spillway/spillway/internal/deliver"
)

const (
	signedService = "lambda"
	algorithm     = "AWS4-HMAC-SHA256"
)

var errInvokeURL = errors.New("lambda: the Invoke endpoint is not a URL, or has a query")

// sign adds a version 4 signature to a request without a query. internal/sigv4
// verifies what others have sent, in buffers of its own; this makes one now and
// then.
//
// Source: AWS, "Create a signed AWS API request".
func sign(r *deliver.Request, accessKeyID, secret, region string, now time.Time) error {
	u, err := url.Parse(r.URL)
	if err != nil || u.Host == "" || u.RawQuery != "" {
		return errInvokeURL
	}
	timestamp := now.UTC().Format("20060102T150405Z")
	date := timestamp[:len("20060102")]
	r.Header.Set("X-Amz-Date", timestamp)

	headers, names := signedHeaders(u.Host, r.Header)
	canonical := strings.Join([]string{
		http.MethodPost, encodePath(u.EscapedPath()), "", headers, names, hexSum(r.Body),
	}, "\n")
	scope := strings.Join([]string{date, region, signedService, "aws4_request"}, "/")
	toSign := strings.Join([]string{algorithm, timestamp, scope, hexSum([]byte(canonical))}, "\n")

	key := []byte("AWS4" + secret)
	for _, part := range []string{date, region, signedService, "aws4_request"} {
		key = mac(key, part)
	}
	r.Header.Set("Authorization", algorithm+" Credential="+accessKeyID+"/"+scope+
		", SignedHeaders="+names+", Signature="+hex.EncodeToString(mac(key, toSign)))
	return nil
}

// signedHeaders are the canonical headers, each with a line end, and their names.
func signedHeaders(host string, header http.Header) (lines, names string) {
	lower := []string{"host"}
	for name := range header {
		if name != "User-Agent" { // proxies change it
			lower = append(lower, strings.ToLower(name))
		}
	}
	slices.Sort(lower)
	var b strings.Builder
	for _, name := range lower {
		value := header.Get(name)
		if name == "host" {
			value = host
		}
		b.WriteString(name + ":" + strings.TrimSpace(value) + "\n")
	}
	return b.String(), strings.Join(lower, ";")
}

// encodePath percent-encodes a path that is encoded already, which is the
// canonical form everywhere but in S3.
func encodePath(path string) string {
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		switch c := path[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("/-._~", c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteString("%" + strings.ToUpper(hex.EncodeToString([]byte{c})))
		}
	}
	return b.String()
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func mac(key []byte, message string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(message)) // never fails
	return h.Sum(nil)
}
