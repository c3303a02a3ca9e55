package sns

import (
	"context"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/service"
)

// DeleteSMSSandboxPhoneNumber forgets a number.
//
// AWS: API_DeleteSMSSandboxPhoneNumber.
func init() {
	service.Register(&operations, snsapi.DeleteSMSSandboxPhoneNumber, inAccount("SNS:DeleteSMSSandboxPhoneNumber", anyResource[snsapi.DeleteSMSSandboxPhoneNumberInput]), (*Service).DeleteSMSSandboxPhoneNumber)
}

// DeleteSMSSandboxPhoneNumber implements the operation.
func (s *Service) DeleteSMSSandboxPhoneNumber(ctx context.Context, c *service.Call, in *snsapi.DeleteSMSSandboxPhoneNumberInput) (*snsapi.DeleteSMSSandboxPhoneNumberResult, error) {
	return &snsapi.DeleteSMSSandboxPhoneNumberResult{}, s.changeSMS(ctx, zone{c.Region, c.Account()}, func(r *smsRecord) error {
		if _, ok := r.Sandbox[*in.PhoneNumber]; !ok {
			return snsapi.ResourceNotFoundException.New("The phone number does not exist")
		}
		delete(r.Sandbox, *in.PhoneNumber)
		return nil
	})
}
