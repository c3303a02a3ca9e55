// Package deliver is the vocabulary of what leaves Spillway for someone else's
// server: one attempt, and how it went. The senders are in the packages below,
// one for each way out. When to try again, and what is sent, is the caller's
// business.
package deliver

import (
	"net/http"
	"strings"
)

// MaxResponse is the most that an Outcome keeps of an answer, in bytes.
const MaxResponse = 1024

// Outcome is how one attempt ended. The zero Outcome is a success.
type Outcome struct {
	Status    int    // HTTP (or SMTP) status; 0 if there was none
	Response  string // the beginning of what the other side said, at most MaxResponse, valid UTF-8
	Err       error  // nil for success; has no credentials and no query of a URL in it
	Permanent bool   // another attempt is pointless: 4xx other than 429, a bad address, refused by a guard
}

// Request is one HTTP delivery. User name and password in the URL are sent as
// basic authentication.
type Request struct {
	URL    string
	Header http.Header // not changed; User-Agent should be in it
	Body   []byte
}

// Fail is an attempt that ended without an answer.
func Fail(err error, permanent bool) Outcome {
	return Outcome{Err: err, Permanent: permanent}
}

// Excerpt is what an Outcome keeps of an answer.
func Excerpt(answer []byte) string {
	return strings.ToValidUTF8(string(answer[:min(len(answer), MaxResponse)]), "")
}
