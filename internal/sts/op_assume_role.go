package sts

import (
	"context"

	"github.com/spillway/spillway/internal/api/stsapi"
	"github.com/spillway/spillway/internal/service"
	"github.com/spillway/spillway/internal/smithy"
)

// AssumeRole issues temporary credentials of a role. The role's trust policy
// and the caller's own policies decide; package iam asks them, so the gateway
// has nothing to authorize.
//
// Limits: 15 minutes to 12 hours, 1 hour for a session that assumes another
// role. Deviations: managed policies (PolicyArns), session tags, source identity,
// provided contexts and MFA are refused, for a session that ignored them could
// do more than was asked for. The conditions sts:ExternalId and
// sts:RoleSessionName work.
//
// AWS: API_AssumeRole.
func init() {
	service.Register(&operations, stsapi.AssumeRole, forAnyone[stsapi.AssumeRoleRequest], (*Service).AssumeRole)
}

// AssumeRole implements the operation.
func (s *Service) AssumeRole(_ context.Context, c *service.Call, in *stsapi.AssumeRoleRequest) (*stsapi.AssumeRoleResponse, error) {
	if err := smithy.Validate(in); err != nil {
		return nil, err
	}
	if err := supported(in); err != nil {
		return nil, err
	}
	if err := noDevice(in.SerialNumber, in.TokenCode); err != nil {
		return nil, err
	}
	policy := ""
	if in.Policy != nil {
		policy = *in.Policy
	}
	conditions := c.Conditions
	conditions.Keys = map[string][]string{"sts:rolesessionname": {*in.RoleSessionName}}
	if in.ExternalId != nil {
		conditions.Keys["sts:externalid"] = []string{*in.ExternalId}
	}
	issued, who, err := s.issuer.AssumeRole(c.Principal, *in.RoleArn, *in.RoleSessionName, policy,
		seconds(in.DurationSeconds, defaultRoleSession), &conditions)
	if err != nil {
		return nil, err
	}
	return &stsapi.AssumeRoleResponse{
		Credentials:     credentials(issued),
		AssumedRoleUser: &stsapi.AssumedRoleUser{Arn: &who.ARN, AssumedRoleId: &who.UserID},
	}, nil
}

func supported(in *stsapi.AssumeRoleRequest) error {
	member := ""
	switch {
	case len(in.PolicyArns) > 0:
		member = "PolicyArns"
	case len(in.Tags) > 0 || len(in.TransitiveTagKeys) > 0:
		member = "Tags"
	case in.SourceIdentity != nil:
		member = "SourceIdentity"
	case len(in.ProvidedContexts) > 0:
		member = "ProvidedContexts"
	default:
		return nil
	}
	err := smithy.ValidationError.New("The parameter " + member + " is not supported.")
	err.Hint = "Spillway does not have " + member + " of AssumeRole: see docs/compat"
	return err
}
