// Package sts is AWS Security Token Service: who a caller is, and temporary
// credentials. What a session is and may do is package iam's.
//
// Unlike SQS, STS checks requests by its model alone, so every operation begins
// with smithy.Validate.
package sts

import (
	"time"

	"github.com/spillway/spillway/internal/api/stsapi"
	"github.com/spillway/spillway/internal/iam"
	"github.com/spillway/spillway/internal/service"
	"github.com/spillway/spillway/internal/smithy"
)

// Issuer makes temporary credentials: *iam.Directory in verify mode, a
// DevIssuer in dev mode.
type Issuer interface {
	GetSessionToken(p *iam.Principal, duration time.Duration, now time.Time) (iam.Credentials, error)
	AssumeRole(p *iam.Principal, roleARN, sessionName, sessionPolicy string, duration time.Duration, ctx *iam.Context) (iam.Credentials, *iam.Principal, error)
}

// Service is STS.
type Service struct{ issuer Issuer }

// New returns the service.
func New(issuer Issuer) *Service { return &Service{issuer} }

var operations service.Table[*Service]

// Operations returns the service's operations for the gateway.
func (s *Service) Operations() *service.Service { return operations.Bind(stsapi.Service, s) }

// forAnyone is the authorization of operations that need no permission, only
// credentials. Even an explicit deny does not bind them (STS API Reference,
// GetCallerIdentity), so they have no Access.
func forAnyone[In any](_ *Service, c *service.Call, _ *In) (service.Access, error) {
	return service.Access{}, needCredentials(c)
}

func needCredentials(c *service.Call) error {
	if c.Principal.Anonymous {
		return smithy.MissingAuthToken.New("Request is missing Authentication Token")
	}
	return nil
}

// credentials is the wire form of temporary credentials.
func credentials(c iam.Credentials) *stsapi.Credentials {
	return &stsapi.Credentials{
		AccessKeyId: &c.AccessKeyID, SecretAccessKey: &c.SecretAccessKey,
		SessionToken: &c.SessionToken, Expiration: &c.Expires,
	}
}

// seconds is a duration that a request states, or the default.
func seconds(n *int32, def time.Duration) time.Duration {
	if n == nil {
		return def
	}
	return time.Duration(*n) * time.Second
}
