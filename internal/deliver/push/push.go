// Package push sends notifications to mobile devices: through Apple's APNs, with
// a signing key or a certificate, and through Firebase Cloud Messaging with a
// service account. What SNS calls a platform says which, and what SNS calls the
// attributes of a platform application are the credentials.
package push

import (
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/spillway/spillway/internal/deliver"
)

const (
	defaultTimeout = 15 * time.Second
	maxAnswer      = 64 << 10

	defaultFCM         = "https://fcm.googleapis.com"
	defaultAPNS        = "https://api.push.apple.com"
	defaultAPNSSandbox = "https://api.sandbox.push.apple.com"
	defaultToken       = "https://oauth2.googleapis.com/token"
)

// Options configure a Sender. An empty URL is the real service's.
type Options struct {
	FCMURL, APNSURL, APNSSandboxURL string
	// TokenURL gives access tokens for service accounts. What a service account
	// itself says about that (token_uri) is not followed: it is its owner's word,
	// and could lead anywhere.
	TokenURL string
	Timeout  time.Duration  // of one attempt, with getting a token: 15 s if 0
	RootCAs  *x509.CertPool // nil means the system's
}

// Target is a platform endpoint.
type Target struct {
	Platform string // as in its ARN: APNS, APNS_SANDBOX, GCM...
	Token    string // of the device
	// Credentials are the platform application's: PlatformCredential,
	// PlatformPrincipal, ApplePlatformTeamID, ApplePlatformBundleID.
	//
	// With ApplePlatformTeamID, PlatformCredential is a signing key (.p8) and
	// PlatformPrincipal its id; without, they are a certificate's private key and
	// the certificate, as PEM. For GCM, PlatformCredential is the JSON of a
	// service account.
	Credentials map[string]string
}

// Result is how an attempt ended.
type Result struct {
	deliver.Outcome

	Gone bool // the token is not, or no longer, one of the application's: SNS disables the endpoint
}

// Sender sends notifications.
type Sender struct {
	options  Options
	attempts *deliver.Attempts
	plain    *http.Transport // without a certificate
	certs    *certificates
	tokens   *tokens
}

// New returns a sender to be closed.
func New(o Options) *Sender {
	for _, u := range []struct {
		url *string
		or  string
	}{{&o.FCMURL, defaultFCM}, {&o.APNSURL, defaultAPNS}, {&o.APNSSandboxURL, defaultAPNSSandbox}, {&o.TokenURL, defaultToken}} {
		if *u.url == "" {
			*u.url = u.or
		}
		*u.url = strings.TrimRight(*u.url, "/")
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	return &Sender{
		options: o, attempts: deliver.NewAttempts(),
		plain:  newTransport(o.RootCAs, nil),
		certs:  &certificates{roots: o.RootCAs, known: map[digest]*certificate{}},
		tokens: &tokens{known: map[digest]*token{}},
	}
}

// Supported reports whether there is a sender for a platform.
func Supported(platform string) bool {
	return platform == "GCM" || platform == "FCM" || isApple(platform)
}

func isApple(platform string) bool {
	switch strings.TrimSuffix(platform, "_SANDBOX") {
	case "APNS", "APNS_VOIP", "MACOS":
		return true
	}
	return false
}

var errPlatform = errors.New("push: no sender for this platform")

// Send makes one attempt. The payload is the platform's JSON, as it was published.
// Attributes are the reserved attributes of the message under their full names,
// such as AWS.SNS.MOBILE.APNS.TTL; others are ignored. A TTL counts from now: the
// caller takes off how long the message has waited.
func (s *Sender) Send(ctx context.Context, t Target, payload string, attributes map[string]string) Result {
	ctx, done, err := s.attempts.Begin(ctx)
	if err != nil {
		return failed(err, false)
	}
	defer done()
	ctx, cancel := context.WithTimeout(ctx, s.options.Timeout) // of all that this takes
	defer cancel()
	switch {
	case isApple(t.Platform):
		return s.sendAPNS(ctx, t, payload, attributes)
	case Supported(t.Platform):
		return s.sendFCM(ctx, t, payload, attributes)
	}
	return failed(errPlatform, true)
}

// Close ends the attempts that run, and waits for them.
func (s *Sender) Close() {
	s.attempts.Close()
	s.plain.CloseIdleConnections()
	s.certs.close()
}

func failed(err error, permanent bool) Result {
	return Result{Outcome: deliver.Fail(err, permanent)}
}

const attributePrefix = "AWS.SNS.MOBILE."

// attribute is the first of the named attributes that is there: such as APNS.TTL.
func attribute(attributes map[string]string, names ...string) (string, bool) {
	for _, name := range names {
		if v, ok := attributes[attributePrefix+name]; ok {
			return v, true
		}
	}
	return "", false
}
