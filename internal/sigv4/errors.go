package sigv4

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/spillway/spillway/internal/smithy"
)

// The texts are AWS's own, as clients log them and search engines find them.
// Where AWS quotes the Authorization header, it quotes a hash of it: the header
// holds the signature.

func errMismatch() error {
	return smithy.InvalidSignature.New("The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
}

func errPayloadHash() error {
	return smithy.InvalidSignature.New("The value passed in as x-amz-content-sha256 does not match the computed payload hash.")
}

func errHostNotSigned() error {
	return smithy.InvalidSignature.New("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
}

func errTerminator(got string) error {
	return smithy.InvalidSignature.Newf("Credential should be scoped with a valid terminator: 'aws4_request', not '%s'.", got)
}

func errScopeDate(scope, timestamp string) error {
	return smithy.InvalidSignature.Newf("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s', from '%s'.",
		scope, timestamp[:len("20060102")], timestamp)
}

func errExpired(timestamp string, now time.Time, life time.Duration) error {
	now = now.UTC()
	return smithy.InvalidSignature.Newf("Signature expired: %s is now earlier than %s (%s - %s.)",
		timestamp, now.Add(-life).Format(timeLayout), now.Format(timeLayout), span(life))
}

func errNotYetCurrent(timestamp string, now time.Time) error {
	now = now.UTC()
	return smithy.InvalidSignature.Newf("Signature not yet current: %s is still later than %s (%s + %s.)",
		timestamp, now.Add(maxSkew).Format(timeLayout), now.Format(timeLayout), span(maxSkew))
}

// span is "15 min" or "90 sec".
func span(d time.Duration) string {
	if d%time.Minute == 0 {
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return fmt.Sprintf("%d sec", d/time.Second)
}

func errAlgorithm(header string) error {
	return smithy.IncompleteSignature.New("Unsupported AWS 'algorithm': the Authorization header must start with 'AWS4-HMAC-SHA256'. " + quoted(header))
}

func errNotKeyValue(header string) error {
	return smithy.IncompleteSignature.New("Invalid key=value pair (missing equal-sign) in Authorization header " + quoted(header))
}

func errRepeated(name, header string) error {
	return smithy.IncompleteSignature.Newf("Authorization header has '%s' more than once. %s", name, quoted(header))
}

func errIncomplete(credential, signature, signedHeaders, date, header string) error {
	var b strings.Builder
	for _, p := range []struct{ name, value string }{{"Credential", credential}, {"Signature", signature}, {"SignedHeaders", signedHeaders}} {
		if p.value == "" {
			fmt.Fprintf(&b, "Authorization header requires '%s' parameter. ", p.name)
		}
	}
	if date == "" {
		b.WriteString("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ")
	}
	return smithy.IncompleteSignature.New(b.String() + quoted(header))
}

func errIncompleteQuery() error {
	return smithy.IncompleteSignature.New("AWS query-string parameters must include 'X-Amz-Algorithm' (AWS4-HMAC-SHA256), 'X-Amz-Credential', 'X-Amz-Signature', 'X-Amz-SignedHeaders' and 'X-Amz-Date'. Re-examine the query-string parameters.")
}

func errCredential() error {
	return smithy.IncompleteSignature.New("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.")
}

func errDate() error {
	return smithy.IncompleteSignature.New("Date must be in ISO-8601 'basic format'. See http://en.wikipedia.org/wiki/ISO_8601.")
}

func errExpires() error {
	return smithy.IncompleteSignature.New("X-Amz-Expires must be a number of seconds between 1 and 604800.")
}

func quoted(header string) string {
	sum := sha256.Sum256([]byte(header))
	return "(Hashed with SHA-256 and encoded with Base64) Authorization=" + base64.StdEncoding.EncodeToString(sum[:])
}
