package deliver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Answer is what an HTTP server said, and how an Outcome reads it.
type Answer struct {
	Outcome

	Header http.Header // nil without an answer
	Body   []byte      // as much as Post was told to read
}

var (
	errURL     = errors.New("the URL is malformed")
	errScheme  = errors.New("the URL is neither http nor https")
	errTimeout = errors.New("no answer in time")
)

// Post posts r once. It reads at most limit bytes of the answer and
// waits at most timeout for all of it. 2xx is success; 429, 5xx, time-outs and
// failed connections are worth another attempt; anything else is permanent,
// redirects too: they are not followed.
func Post(ctx context.Context, via http.RoundTripper, r Request, limit int64, timeout time.Duration) Answer {
	attempt, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := CheckURL(r.URL); err != nil {
		return Answer{Outcome: Fail(err, true)}
	}
	req, err := http.NewRequestWithContext(attempt, http.MethodPost, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return Answer{Outcome: Fail(errURL, true)}
	}
	req.Header = make(http.Header, len(r.Header)+1)
	for name, values := range r.Header {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	if user := req.URL.User; user != nil && req.Header.Get("Authorization") == "" {
		password, _ := user.Password()
		req.SetBasicAuth(user.Username(), password)
	}
	// Not sent. It has net/http send again when a kept connection turns out to be
	// closed: what goes out here may arrive twice anyway.
	req.Header["Idempotency-Key"] = nil

	res, err := via.RoundTrip(req)
	if err != nil {
		return Answer{Outcome: unanswered(ctx, err)}
	}
	defer res.Body.Close()
	// The status has decided: an answer that breaks off changes nothing.
	body, _ := io.ReadAll(io.LimitReader(res.Body, limit))
	return Answer{
		Outcome: judge(res.StatusCode, Excerpt(body)),
		Header:  res.Header,
		Body:    body,
	}
}

// CheckURL refuses what cannot be posted to. Its errors do not quote the URL,
// in which there may be a password.
func CheckURL(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return errURL
	case u.Scheme != "http" && u.Scheme != "https":
		return errScheme
	case u.Hostname() == "":
		return errURL
	}
	return nil
}

// judge reads a status.
func judge(status int, response string) Outcome {
	o := Outcome{Status: status, Response: response}
	if status < 200 || status > 299 {
		o.Err = fmt.Errorf("answered %d %s", status, http.StatusText(status))
		o.Permanent = status < 500 && status != http.StatusTooManyRequests
	}
	return o
}

// Permanent marks errors after which another attempt is pointless.
type Permanent interface {
	error
	Permanent() bool
}

// unanswered says why there was no answer.
func unanswered(ctx context.Context, err error) Outcome {
	var p Permanent
	switch {
	case errors.As(err, &p):
		return Fail(p, p.Permanent())
	case ctx.Err() != nil:
		return Fail(context.Cause(ctx), false)
	case timedOut(err):
		return Fail(errTimeout, false)
	}
	if text := err.Error(); len(text) > MaxResponse { // it may quote the other side
		err = errors.New(strings.ToValidUTF8(text[:MaxResponse], ""))
	}
	return Fail(err, false)
}

func timedOut(err error) bool {
	var t interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &t) && t.Timeout()
}
