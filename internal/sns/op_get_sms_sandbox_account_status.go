package sns

import (
	"context"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/service"
)

// GetSMSSandboxAccountStatus says that the account is not in the sandbox: text messages go wherever the gateway takes them.
//
// AWS: API_GetSMSSandboxAccountStatus.
func init() {
	service.Register(&operations, snsapi.GetSMSSandboxAccountStatus, inAccount("SNS:GetSMSSandboxAccountStatus", anyResource[snsapi.GetSMSSandboxAccountStatusInput]), (*Service).GetSMSSandboxAccountStatus)
}

// GetSMSSandboxAccountStatus implements the operation.
func (s *Service) GetSMSSandboxAccountStatus(ctx context.Context, c *service.Call, in *snsapi.GetSMSSandboxAccountStatusInput) (*snsapi.GetSMSSandboxAccountStatusResult, error) {
	return &snsapi.GetSMSSandboxAccountStatusResult{IsInSandbox: new(false)}, nil
}
