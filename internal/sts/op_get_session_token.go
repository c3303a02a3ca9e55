package sts

import (
	"context"
	"time"

	"github.com/spillway/spillway/internal/api/stsapi"
	"github.com/spillway/spillway/internal/service"
	"github.com/spillway/spillway/internal/smithy"
)

// GetSessionToken issues temporary credentials for the caller itself: a user or
// an account's root. It needs no permission.
//
// Limits: 15 minutes to 36 hours, 1 hour for root. Deviation: there are no MFA
// devices, so SerialNumber and TokenCode are refused.
//
// AWS: API_GetSessionToken.
func init() {
	service.Register(&operations, stsapi.GetSessionToken, forAnyone[stsapi.GetSessionTokenRequest], (*Service).GetSessionToken)
}

// Durations when a request states none (STS API Reference).
const (
	defaultUserSession = 12 * time.Hour
	defaultRootSession = time.Hour
	defaultRoleSession = time.Hour
)

// GetSessionToken implements the operation.
func (s *Service) GetSessionToken(_ context.Context, c *service.Call, in *stsapi.GetSessionTokenRequest) (*stsapi.GetSessionTokenResponse, error) {
	if err := smithy.Validate(in); err != nil {
		return nil, err
	}
	if err := noDevice(in.SerialNumber, in.TokenCode); err != nil {
		return nil, err
	}
	duration := seconds(in.DurationSeconds, defaultUserSession)
	if c.Principal.Root {
		// AWS gives root an hour whatever it asked for.
		duration = min(seconds(in.DurationSeconds, defaultRootSession), defaultRootSession)
	}
	issued, err := s.issuer.GetSessionToken(c.Principal, duration, c.Now)
	if err != nil {
		return nil, err
	}
	return &stsapi.GetSessionTokenResponse{Credentials: credentials(issued)}, nil
}

// noDevice refuses MFA: accepting any code would be a lie.
func noDevice(serial, code *string) error {
	if serial != nil || code != nil {
		return smithy.AccessDenied.New("MultiFactorAuthentication failed, unable to validate MFA code. ")
	}
	return nil
}
