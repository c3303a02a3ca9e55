package sts

import (
	"context"

	"github.com/spillway/spillway/internal/api/stsapi"
	"github.com/spillway/spillway/internal/service"
)

// GetCallerIdentity tells callers who they are. It needs no permission.
//
// AWS: API_GetCallerIdentity.
func init() {
	service.Register(&operations, stsapi.GetCallerIdentity, forAnyone[stsapi.GetCallerIdentityRequest], (*Service).GetCallerIdentity)
}

// GetCallerIdentity implements the operation.
func (s *Service) GetCallerIdentity(_ context.Context, c *service.Call, _ *stsapi.GetCallerIdentityRequest) (*stsapi.GetCallerIdentityResponse, error) {
	p := c.Principal
	return &stsapi.GetCallerIdentityResponse{Account: &p.Account, Arn: &p.ARN, UserId: &p.UserID}, nil
}
