package sigv4

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"pgregory.net/rapid"

	"github.com/spillway/spillway/internal/iam"
	"github.com/spillway/spillway/internal/smithy"
	"github.com/spillway/spillway/internal/wire"
)

const (
	testKey    = "AKIDEXAMPLE"
	testSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
)

var testTime = time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)

// header is a request's header lines, in order.
type header [][2]string

func (h header) Get(name string) string {
	for _, l := range h {
		if strings.EqualFold(l[0], name) {
			return l[1]
		}
	}
	return ""
}

func (h header) Values(dst []string, name string) []string {
	for _, l := range h {
		if strings.EqualFold(l[0], name) {
			dst = append(dst, l[1])
		}
	}
	return dst
}

func (h header) Each(f func(name, value string) bool) {
	for _, l := range h {
		if !f(l[0], l[1]) {
			return
		}
	}
}

type oneKey struct{ id, secret, token string }

func (k oneKey) Secret(id, token string, _ time.Time) (string, *iam.Principal, error) {
	if id != k.id || token != k.token {
		return "", nil, smithy.UnrecognizedClient.New("The security token included in the request is invalid.")
	}
	return k.secret, &iam.Principal{AccessKeyID: k.id}, nil
}

func testVerifier() *Verifier { return NewVerifier(oneKey{testKey, testSecret, ""}) }

func shape(err error) string {
	var e *smithy.APIError
	if errors.As(err, &e) {
		return e.Shape
	}
	return fmt.Sprint(err)
}

// fromHTTP is the request as a server would receive it.
func fromHTTP(r *http.Request, body string) *wire.Request {
	h := header{{"Host", r.Host}}
	for name, values := range r.Header {
		for _, v := range values {
			h = append(h, [2]string{name, v})
		}
	}
	path := r.URL.EscapedPath()
	return &wire.Request{Method: r.Method, Path: path, RawQuery: r.URL.RawQuery, Header: h, Body: []byte(body)}
}

// AWS's aws4_testsuite and the example of "Create a signed AWS API request".
func TestPublishedVectors(t *testing.T) {
	t.Parallel()
	auth := func(service, signed, signature string) [2]string {
		return [2]string{"Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/" + service + "/aws4_request, SignedHeaders=" + signed + ", Signature=" + signature}
	}
	host, date := [2]string{"Host", "example.amazonaws.com"}, [2]string{"X-Amz-Date", "20150830T123600Z"}
	for name, r := range map[string]*wire.Request{
		"get-vanilla": {Method: "GET", Path: "/", Header: header{host, date,
			auth("service", "host;x-amz-date", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")}},
		"get-relative": {Method: "GET", Path: "/example/..", Header: header{host, date,
			auth("service", "host;x-amz-date", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")}},
		"get-slash": {Method: "GET", Path: "//", Header: header{host, date,
			auth("service", "host;x-amz-date", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")}},
		"get-vanilla-query-order-key-case": {Method: "GET", Path: "/", RawQuery: "Param2=value2&Param1=value1", Header: header{host, date,
			auth("service", "host;x-amz-date", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500")}},
		"post-vanilla": {Method: "POST", Path: "/", Header: header{host, date,
			auth("service", "host;x-amz-date", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b")}},
		"post-x-www-form-urlencoded": {Method: "POST", Path: "/", Body: []byte("Param1=value1"),
			Header: header{{"Content-Type", "application/x-www-form-urlencoded"}, host, date,
				auth("service", "content-type;host;x-amz-date", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a")}},
		"get-header-value-trim": {Method: "GET", Path: "/", Header: header{host, {"My-Header1", " value1"}, {"My-Header2", ` "a   b   c"`}, date,
			auth("service", "host;my-header1;my-header2;x-amz-date", "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736")}},
		"get-header-key-duplicate": {Method: "GET", Path: "/", Header: header{host, {"My-Header1", "value2"}, {"My-Header1", "value2"}, {"My-Header1", "value1"}, date,
			auth("service", "host;my-header1;x-amz-date", "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea")}},
		"iam ListUsers": {Method: "GET", Path: "/", RawQuery: "Action=ListUsers&Version=2010-05-08",
			Header: header{{"Host", "iam.amazonaws.com"}, {"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}, date,
				auth("iam", "content-type;host;x-amz-date", "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7")}},
	} {
		got, err := testVerifier().Verify(r, testTime)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got.Region != "us-east-1" || got.Anonymous || got.Principal.AccessKeyID != testKey {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func TestHMAC(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SliceOfN(rapid.Byte(), 0, 64).Draw(t, "key")
		message := rapid.SliceOf(rapid.Byte()).Draw(t, "message")
		want := hmac.New(sha256.New, key)
		want.Write(message)
		got := hmacInPlace(key, append(make([]byte, sha256.BlockSize), message...))
		if !hmac.Equal(got[:], want.Sum(nil)) {
			t.Fatal("differs from crypto/hmac")
		}
	})
}

// drawn is a random request signed by AWS's own signer.
func drawn(t *rapid.T, presign bool) (*wire.Request, string, string) {
	text := rapid.StringMatching(`[a-zA-Z0-9 /+%&=;:~_.*'é漢-]{0,12}`)
	method := rapid.SampledFrom([]string{"GET", "POST", "PUT"}).Draw(t, "method")
	service := rapid.SampledFrom([]string{"sqs", "sns", "kinesis", "mq"}).Draw(t, "service")
	region := rapid.SampledFrom([]string{"us-east-1", "eu-west-1", "local"}).Draw(t, "region")
	body := rapid.String().Draw(t, "body")
	u := url.URL{Scheme: "http", Host: "localhost:4566", Path: "/" + text.Draw(t, "path")}
	q := url.Values{}
	for range rapid.IntRange(0, 4).Draw(t, "params") {
		q.Add(text.Draw(t, "key"), text.Draw(t, "value"))
	}
	u.RawQuery = q.Encode()
	r, err := http.NewRequest(method, u.String(), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	for range rapid.IntRange(0, 3).Draw(t, "headers") {
		name := "X-Amz-Meta-" + rapid.StringMatching(`[A-Za-z0-9]{1,5}`).Draw(t, "name")
		r.Header.Add(name, rapid.StringMatching(`[a-zA-Z0-9,;:= "é-]{0,10}`).Draw(t, "text"))
	}
	if !presign {
		r.Header.Set("X-Amz-Target", "AmazonSQS.SendMessage")
	}
	sum := sha256.Sum256([]byte(body))
	creds := aws.Credentials{AccessKeyID: testKey, SecretAccessKey: testSecret}
	hash := hex.EncodeToString(sum[:])
	if !presign {
		if err := v4.NewSigner().SignHTTP(context.Background(), creds, r, hash, service, region, testTime); err != nil {
			t.Fatal(err)
		}
		return fromHTTP(r, body), service, region
	}
	signed, _, err := v4.NewSigner().PresignHTTP(context.Background(), creds, r, hash, service, region, testTime)
	if err != nil {
		t.Fatal(err)
	}
	if r.URL, err = url.Parse(signed); err != nil {
		t.Fatal(err)
	}
	return fromHTTP(r, body), service, region
}

func TestSDKSigner(t *testing.T) {
	t.Parallel()
	v := testVerifier()
	for _, presign := range []bool{false, true} {
		rapid.Check(t, func(t *rapid.T) {
			r, service, region := drawn(t, presign)
			got, err := v.Verify(r, testTime.Add(time.Duration(rapid.IntRange(-900, 900).Draw(t, "skew"))*time.Second))
			if err != nil {
				t.Fatalf("%v\n%+v", err, r)
			}
			if got.Service != service || got.Region != region {
				t.Fatalf("got %+v", got)
			}
			key, gotRegion, gotService, ok := ParseScope(r)
			if !ok || key != testKey || gotRegion != region || gotService != service {
				t.Fatalf("ParseScope: %q %q %q %v", key, gotRegion, gotService, ok)
			}
		})
	}
}

// Whatever byte of what is signed changes, the request is refused.
func TestTampering(t *testing.T) {
	t.Parallel()
	v := testVerifier()
	flip := func(t *rapid.T, s string) string {
		b := []byte(s)
		i := rapid.IntRange(0, len(b)-1).Draw(t, "at")
		b[i] ^= byte(rapid.IntRange(1, 255).Draw(t, "xor"))
		return string(b)
	}
	rapid.Check(t, func(t *rapid.T) {
		r, _, _ := drawn(t, false)
		r.Body = append(r.Body, 'x')
		if _, err := v.Verify(r, testTime); err == nil {
			t.Fatal("accepted a longer body")
		}
		r.Body = r.Body[:len(r.Body)-1]
		h := r.Header.(header)
		at := rapid.IntRange(0, len(h)-1).Draw(t, "line")
		if h[at][1] == "" {
			return
		}
		changed := flip(t, h[at][1])
		if h[at][0] == "Authorization" {
			// Unlike the parts that are signed, blanks and commas between the
			// parameters may differ.
			squeeze := strings.NewReplacer(" ", "", "\t", "", ",", "")
			if squeeze.Replace(changed) == squeeze.Replace(h[at][1]) {
				return
			}
		} else if string(appendCollapsed(nil, changed)) == string(appendCollapsed(nil, h[at][1])) {
			return
		}
		h[at][1] = changed
		if got, err := v.Verify(r, testTime); err == nil && !got.Anonymous {
			t.Fatalf("accepted %q: %q", h[at][0], changed)
		}
	})
}

func TestTamperingPathQueryMethod(t *testing.T) {
	t.Parallel()
	v := testVerifier()
	for _, presign := range []bool{false, true} {
		rapid.Check(t, func(t *rapid.T) {
			r, _, _ := drawn(t, presign)
			original := *r
			for what, change := range map[string]func(){
				"method": func() { r.Method += "X" },
				"path":   func() { r.Path += "x" },
				"query":  func() { r.RawQuery += "&x=y" },
				"body":   func() { r.Body = append([]byte("x"), r.Body...) },
			} {
				*r = original
				change()
				if _, err := v.Verify(r, testTime); err == nil {
					t.Fatalf("accepted another %s", what)
				}
			}
		})
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	r := &wire.Request{Method: "GET", Path: "/", Header: header{{"Host", "example.amazonaws.com"}, {"X-Amz-Date", "20150830T123600Z"},
		{"Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request,SignedHeaders=host;x-amz-date,Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"}}}
	for _, tc := range []struct {
		off     time.Duration
		message string
	}{
		{15 * time.Minute, ""},
		{-15 * time.Minute, ""},
		{15*time.Minute + time.Second, "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T125101Z - 15 min.)"},
		{-15*time.Minute - time.Second, "Signature not yet current: 20150830T123600Z is still later than 20150830T123559Z (20150830T122059Z + 15 min.)"},
	} {
		_, err := testVerifier().Verify(r, testTime.Add(tc.off))
		var e *smithy.APIError
		if errors.As(err, &e); (tc.message == "") != (err == nil) || (err != nil && (e.Message != tc.message || e.Shape != "InvalidSignatureException")) {
			t.Errorf("%v: %v", tc.off, err)
		}
	}
}

func TestPresignedExpiry(t *testing.T) {
	t.Parallel()
	sign := func(expires string) *wire.Request {
		target := "http://localhost:4566/000000000000/q?Action=ReceiveMessage"
		if expires != "" {
			target += "&X-Amz-Expires=" + expires
		}
		r, err := http.NewRequest("GET", target, nil)
		if err != nil {
			t.Fatal(err)
		}
		signed, _, err := v4.NewSigner().PresignHTTP(t.Context(), aws.Credentials{AccessKeyID: testKey, SecretAccessKey: testSecret}, r,
			"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "sqs", "us-east-1", testTime)
		if err != nil {
			t.Fatal(err)
		}
		if r.URL, err = url.Parse(signed); err != nil {
			t.Fatal(err)
		}
		return fromHTTP(r, "")
	}
	for _, tc := range []struct {
		expires string
		after   time.Duration
		want    string
	}{
		{"", 14 * time.Minute, ""},
		{"", 16 * time.Minute, "InvalidSignatureException"},
		{"60", time.Minute, ""},
		{"60", 61 * time.Second, "InvalidSignatureException"},
		{"604800", 7 * 24 * time.Hour, ""},
		{"604801", 0, "IncompleteSignatureException"},
		{"0", 0, "IncompleteSignatureException"},
		{"-1", 0, "IncompleteSignatureException"},
		{"x", 0, "IncompleteSignatureException"},
	} {
		_, err := testVerifier().Verify(sign(tc.expires), testTime.Add(tc.after))
		if (tc.want == "") != (err == nil) || (err != nil && shape(err) != tc.want) {
			t.Errorf("expires %q after %v: %v", tc.expires, tc.after, err)
		}
	}
}

func TestSessionTokenAndUnsignedPayload(t *testing.T) {
	t.Parallel()
	for _, hash := range []string{unsignedPayload, "315f5bdb76d078c43b8ac0064e4a0164612b1fce77c869345bfc94c75894edd3"} {
		r, err := http.NewRequest("POST", "http://localhost:4566/", strings.NewReader("Hello, world!"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Amz-Content-Sha256", hash)
		creds := aws.Credentials{AccessKeyID: testKey, SecretAccessKey: testSecret, SessionToken: "to/ke+n=="}
		if err := v4.NewSigner().SignHTTP(t.Context(), creds, r, hash, "sqs", "us-east-1", testTime); err != nil {
			t.Fatal(err)
		}
		w := fromHTTP(r, "Hello, world!")
		if _, err := NewVerifier(oneKey{testKey, testSecret, creds.SessionToken}).Verify(w, testTime); err != nil {
			t.Errorf("%s: %v", hash, err)
		}
		if _, err := testVerifier().Verify(w, testTime); shape(err) != "UnrecognizedClientException" {
			t.Errorf("with a token that is not the key's: %v", err)
		}
		w.Body = []byte("Hello, earth!") // as long: the length is signed
		if _, err := NewVerifier(oneKey{testKey, testSecret, creds.SessionToken}).Verify(w, testTime); (err == nil) != (hash == unsignedPayload) {
			t.Errorf("%s with another body: %v", hash, err)
		}
	}
}

func TestChangedSecretIsNotCached(t *testing.T) {
	t.Parallel()
	r := benchmarkRequest(t)
	keys := &oneKey{testKey, testSecret, ""}
	v := NewVerifier(keys)
	if _, err := v.Verify(r, testTime); err != nil {
		t.Fatal(err)
	}
	keys.secret = "another"
	if _, err := v.Verify(r, testTime); shape(err) != "InvalidSignatureException" {
		t.Fatalf("the old secret still opens: %v", err)
	}
}

func TestMalformed(t *testing.T) {
	t.Parallel()
	const scope = "Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request"
	const signed, signature = "SignedHeaders=host;x-amz-date", "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
	const a = "AWS4-HMAC-SHA256 "
	for _, tc := range []struct{ auth, want string }{
		{a + scope + ", " + signed + ", " + signature, ""},
		{a + signature + "," + signed + ",\t" + scope, ""},
		{a + "  " + scope + " ,  " + signed + "  ," + signature + " ", ""},
		{"", ""},
		{"AWS4-HMAC-SHA256", "IncompleteSignatureException"},
		{"AWS4-HMAC-SHA256" + scope, "IncompleteSignatureException"},
		{"AWS4-ECDSA-P256-SHA256 " + scope + "," + signed + "," + signature, "IncompleteSignatureException"},
		{"Basic dGVzdDp0ZXN0", "IncompleteSignatureException"},
		{"Bearer x", "IncompleteSignatureException"},
		{a + scope, "IncompleteSignatureException"},
		{a + scope + "," + signed, "IncompleteSignatureException"},
		{a + scope + "," + signature, "IncompleteSignatureException"},
		{a + signed + "," + signature, "IncompleteSignatureException"},
		{a + scope + "," + signed + "," + signature + "," + signature, "IncompleteSignatureException"},
		{a + scope + "," + signed + ",Signature", "IncompleteSignatureException"},
		{a + scope + "/x," + signed + "," + signature, "IncompleteSignatureException"},
		{a + "Credential=AKIDEXAMPLE," + signed + "," + signature, "IncompleteSignatureException"},
		{a + "Credential=/20150830/us-east-1/service/aws4_request," + signed + "," + signature, "IncompleteSignatureException"},
		{a + strings.Replace(scope, "aws4_request", "aws4", 1) + "," + signed + "," + signature, "InvalidSignatureException"},
		{a + strings.Replace(scope, "20150830", "20150831", 1) + "," + signed + "," + signature, "InvalidSignatureException"},
		{a + strings.Replace(scope, "us-east-1", "us-east-2", 1) + "," + signed + "," + signature, "InvalidSignatureException"},
		{a + scope + ",SignedHeaders=x-amz-date," + signature, "InvalidSignatureException"},
		{a + scope + ",SignedHeaders=x-amz-date;host," + signature, "InvalidSignatureException"},
		{a + scope + "," + signed + ",Signature=00", "InvalidSignatureException"},
		{a + scope + "," + signed + "," + signature + "00", "InvalidSignatureException"},
		{a + scope + "," + signed + "," + strings.ToUpper(signature[:12]) + signature[12:], "IncompleteSignatureException"},
		{a + strings.Replace(scope, "AKIDEXAMPLE", "AKIDOTHER", 1) + "," + signed + "," + signature, "UnrecognizedClientException"},
	} {
		r := &wire.Request{Method: "GET", Path: "/", Header: header{{"Host", "example.amazonaws.com"}, {"X-Amz-Date", "20150830T123600Z"}, {"Authorization", tc.auth}}}
		_, err := testVerifier().Verify(r, testTime)
		if (tc.want == "") != (err == nil) || (err != nil && shape(err) != tc.want) {
			t.Errorf("%q: got %v, want %s", tc.auth, err, tc.want)
		}
		if err != nil && (strings.Contains(err.Error(), signature[10:30]) || strings.Contains(err.Error(), testSecret)) {
			t.Errorf("the error tells a signature or secret: %v", err)
		}
	}
	for _, date := range []string{"", "20150830", "20150830T123600", "20151330T123600Z", "20150230T123600Z", "x"} {
		r := &wire.Request{Method: "GET", Path: "/", Header: header{{"Host", "h"}, {"X-Amz-Date", date}, {"Authorization", a + scope + "," + signed + "," + signature}}}
		if _, err := testVerifier().Verify(r, testTime); shape(err) != "IncompleteSignatureException" {
			t.Errorf("date %q: %v", date, err)
		}
	}
}

func FuzzVerify(f *testing.F) {
	f.Add("/", "a=b&a&=&%zz", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/sqs/aws4_request, SignedHeaders=host;x-amz-date, Signature=00", "20150830T123600Z")
	f.Add("//a/../b", "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20150830%2Fus-east-1%2Fsqs%2Faws4_request&X-Amz-Date=20150830T123600Z&X-Amz-SignedHeaders=host&X-Amz-Signature=00", "", "")
	f.Fuzz(func(t *testing.T, path, query, auth, date string) {
		r := &wire.Request{Method: "GET", Path: path, RawQuery: query, Header: header{{"Host", "h"}, {"Authorization", auth}, {"X-Amz-Date", date}, {"Date", date}}}
		ParseScope(r)
		got, err := testVerifier().Verify(r, testTime)
		if err == nil && !got.Anonymous {
			t.Fatal("a forged signature")
		}
		var e *smithy.APIError
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("not an API error: %v", err)
		}
	})
}

func benchmarkRequest(t testing.TB) *wire.Request {
	body := strings.Repeat("x", 400)
	r, err := http.NewRequest("POST", "http://localhost:4566/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("X-Amz-Target", "AmazonSQS.SendMessage")
	r.Header.Set("X-Amz-User-Agent", "aws-sdk-go-v2/1.0")
	sum := sha256.Sum256([]byte(body))
	creds := aws.Credentials{AccessKeyID: testKey, SecretAccessKey: testSecret}
	if err := v4.NewSigner().SignHTTP(context.Background(), creds, r, hex.EncodeToString(sum[:]), "sqs", "us-east-1", testTime); err != nil {
		t.Fatal(err)
	}
	return fromHTTP(r, body)
}

type fixedKeys struct{ p *iam.Principal }

func (k fixedKeys) Secret(string, string, time.Time) (string, *iam.Principal, error) {
	return testSecret, k.p, nil
}

func BenchmarkVerify(b *testing.B) {
	r := benchmarkRequest(b)
	v := NewVerifier(fixedKeys{&iam.Principal{}})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(r, testTime); err != nil {
			b.Fatal(err)
		}
	}
}
