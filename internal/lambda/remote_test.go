package lambda_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/spillway/spillway/internal/lambda"
)

// TestInvokeAPI: calls are signed as the SDK signs them.
func TestInvokeAPI(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if want := "/base/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-west-1%3A111122223333%3Afunction%3Agreet%3Alive/invocations"; r.RequestURI != want {
			t.Errorf("%s, not %s", r.RequestURI, want)
		}
		if r.Method != http.MethodPost || r.Header.Get("X-Amz-Invocation-Type") != "RequestResponse" || string(body) != `{"a":1}` {
			t.Errorf("%s %v %s", r.Method, r.Header, body)
		}
		signed, err := http.NewRequest(r.Method, "http://"+r.Host+r.RequestURI, bytes.NewReader(body))
		if err != nil {
			t.Error(err)
			return
		}
		signed.ContentLength = -1 // the SDK would sign it
		for _, name := range []string{"Content-Type", "X-Amz-Invocation-Type"} {
			signed.Header.Set(name, r.Header.Get(name))
		}
		sum := sha256.Sum256(body)
		creds := aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "SECRET"}
		if err := v4.NewSigner().SignHTTP(r.Context(), creds, signed, hex.EncodeToString(sum[:]), "lambda", "eu-west-1", at); err != nil {
			t.Error(err)
		}
		if got, want := r.Header.Get("Authorization"), signed.Header.Get("Authorization"); got != want {
			t.Errorf("signed %q, not %q", got, want)
		}
		w.Header().Set("X-Amzn-RequestId", "there")
		_, _ = io.WriteString(w, `"hello"`)
	}))
	defer s.Close()
	f := lambda.New(lambda.Options{
		InvokeURL: s.URL + "/base/", AccessKeyID: "AKID", SecretAccessKey: "SECRET",
		Now: func() time.Time { return at },
	})
	defer f.Close()
	inv := f.Invoke(t.Context(), testARN, []byte(`{"a":1}`))
	if inv.Outcome.Err != nil || string(inv.Payload) != `"hello"` || inv.RequestID != "there" || inv.FunctionError {
		t.Errorf("%+v", inv)
	}
}

func TestInvokeAPIFails(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		status    int
		function  string // X-Amz-Function-Error
		permanent bool
	}{
		{status: 200, function: "Unhandled"},
		{status: 403, permanent: true},
		{status: 404, permanent: true},
		{status: 429},
		{status: 500},
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "" {
				t.Error("signed without a key")
			}
			if test.function != "" {
				w.Header().Set("X-Amz-Function-Error", test.function)
			}
			w.WriteHeader(test.status)
			_, _ = io.WriteString(w, `{"errorMessage":"m"}`)
		}))
		f := lambda.New(lambda.Options{InvokeURL: s.URL, Account: "111122223333", Region: "eu-west-1"})
		inv := f.Invoke(t.Context(), "greet", nil)
		o := inv.Outcome
		if o.Err == nil || o.Status != test.status || o.Permanent != test.permanent ||
			inv.FunctionError != (test.function != "") || o.Response != `{"errorMessage":"m"}` {
			t.Errorf("%d: %+v", test.status, inv)
		}
		f.Close()
		s.Close()
	}
}
