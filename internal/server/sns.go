package server

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/spillway/spillway/internal/config"
	"github.com/spillway/spillway/internal/deliver"
	"github.com/spillway/spillway/internal/deliver/mail"
	"github.com/spillway/spillway/internal/deliver/push"
	"github.com/spillway/spillway/internal/deliver/sms"
	"github.com/spillway/spillway/internal/deliver/web"
	"github.com/spillway/spillway/internal/gateway"
	"github.com/spillway/spillway/internal/lambda"
	"github.com/spillway/spillway/internal/sns"
	"github.com/spillway/spillway/internal/wire"
)

// senders are what SNS delivers with; nil for what is not configured.
type senders struct {
	functions *lambda.Functions
	web       *web.Client
	sms       *sms.Sender
	push      *push.Sender
}

// newSNS builds SNS with its ways out.
func (s *Server) newSNS() error {
	c := s.config
	s.out.functions = lambda.New(lambda.Options{
		Timeout: c.Lambda.Timeout, Password: string(c.Lambda.Password), InvokeURL: c.Lambda.InvokeURL,
		AccessKeyID: c.Lambda.Key.AccessKeyID, SecretAccessKey: string(c.Lambda.Key.SecretAccessKey),
		Region: c.Region, Account: c.AccountID, Logger: s.logger,
	})
	options := web.Options{AllowPrivate: s.private(), InsecureSkipVerify: c.SNS.HTTP.Insecure}
	for _, list := range []struct {
		to   *[]netip.Prefix
		from []string
	}{{&options.Allow, c.SNS.HTTP.Allow}, {&options.Deny, c.SNS.HTTP.Deny}} {
		for _, text := range list.from {
			p, err := netip.ParsePrefix(text)
			if err != nil {
				return fmt.Errorf("sns.http: %w", err) // it was validated
			}
			*list.to = append(*list.to, p)
		}
	}
	s.out.web = web.New(options)
	out := sns.Outbound{
		HTTP:    s.out.web.Post,
		Allowed: func(url string) error { return s.out.web.Allowed(context.Background(), url) },
		Lambda: func(ctx context.Context, function string, event []byte) sns.Invocation {
			got := s.out.functions.Invoke(ctx, function, event)
			return sns.Invocation{Outcome: got.Outcome, FunctionError: got.FunctionError, Payload: got.Payload, RequestID: got.RequestID}
		},
		LambdaTimeout: s.out.functions.Longest(), Destinations: s.destinations,
	}
	if err := s.connect(&out); err != nil {
		return err
	}
	s.sns = sns.New(s.engine, s.catalog, s.sqs, s.signer, sns.Config{
		Account: c.AccountID, URL: c.ExternalURL, CertificateURL: c.SNS.CertificateURL, Strict: c.SNS.Strict,
		Kinesis:  s.kinesis,
		Outbound: out, Logger: s.logger,
	})
	return nil
}

// connect adds the relays and gateways that are configured.
func (s *Server) connect(out *sns.Outbound) error {
	c := &s.config.SNS
	if c.Mail.Address != "" {
		relay, err := mail.New(mail.Options{
			Address: c.Mail.Address, Username: c.Mail.Username, Password: string(c.Mail.Password), From: c.Mail.From, TLS: c.Mail.TLS,
		})
		if err != nil {
			return err
		}
		out.Mail = func(ctx context.Context, m sns.Mail) deliver.Outcome { return relay.Send(ctx, mail.Message(m)) }
	}
	if c.SMS.URL != "" {
		s.out.sms = sms.New(sms.Options{URL: c.SMS.URL, Header: c.SMS.Headers})
		out.SMS = func(ctx context.Context, m sns.SMS) deliver.Outcome { return s.out.sms.Send(ctx, sms.Message(m)) }
	}
	if c.Push.On {
		s.out.push = push.New(push.Options{
			FCMURL: c.Push.FCMURL, APNSURL: c.Push.APNSURL, APNSSandboxURL: c.Push.APNSSandboxURL, TokenURL: c.Push.TokenURL,
		})
		out.Push = func(ctx context.Context, p sns.Push) (deliver.Outcome, bool) {
			got := s.out.push.Send(ctx, push.Target{Platform: p.Platform, Token: p.Token, Credentials: p.Credentials}, p.Payload, p.Attributes)
			return got.Outcome, got.Gone
		}
	}
	return nil
}

// closeSNS ends SNS before what it delivers with.
func (s *Server) closeSNS() {
	if s.out.functions != nil {
		s.out.functions.Close()
	}
	if s.sns != nil {
		s.sns.Close()
	}
	if s.out.web != nil {
		s.out.web.Close()
	}
	if s.out.sms != nil {
		s.out.sms.Close()
	}
	if s.out.push != nil {
		s.out.push.Close()
	}
}

// private tells whether deliveries may go to addresses that are not public: by default
// on a developer's own machine only.
func (s *Server) private() bool {
	switch s.config.SNS.HTTP.Private {
	case config.PrivateAllow:
		return true
	case config.PrivateRefuse:
		return false
	}
	host, _, err := net.SplitHostPort(s.config.Listen)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// destinations are where the records of a function's invocations go.
func (s *Server) destinations(functionARN string) sns.Destinations {
	out := sns.Destinations{Retries: 2} // Lambda's
	_, name, _ := strings.Cut(functionARN, ":function:")
	name, _, _ = strings.Cut(name, ":") // a version or alias
	for _, f := range s.config.Lambda.Functions {
		if f.Name == name {
			if f.Retries != nil {
				out.Retries = *f.Retries
			}
			out.OnSuccess, out.OnFailure = f.OnSuccess, f.OnFailure
		}
	}
	return out
}

// serveCertificate answers the URL of the certificate that messages are signed with.
func (s *Server) serveCertificate(ctx context.Context, r *gateway.Request) wire.Response {
	certificate, err := s.signer.Certificate(ctx)
	if err != nil {
		s.logger.Error("read the signing certificate", "error", err, "request_id", r.ID)
		return reply(http.StatusServiceUnavailable, map[string]string{"error": "see the server's log"})
	}
	return wire.Response{Status: http.StatusOK, ContentType: "application/x-x509-ca-cert", Body: slices.Clone(certificate)}
}

// writeSNS writes SNS's counters in the Prometheus text format.
func writeSNS(w io.Writer, x *sns.Stats) {
	for _, c := range []struct {
		name  string
		value uint64
	}{
		{"published", x.Published.Load()}, {"delivered", x.Delivered.Load()}, {"filtered_out", x.FilteredOut.Load()},
		{"failed_attempts", x.Attempts.Load()}, {"failed", x.Failed.Load()}, {"dead_lettered", x.DeadLettered.Load()},
	} {
		fmt.Fprintf(w, "spillway_sns_%s_total %d\n", c.name, c.value)
	}
}
