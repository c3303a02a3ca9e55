package sns

import (
	"context"
	"time"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/service"
)

// VerifySMSSandboxPhoneNumber verifies a number with the code that it was sent.
//
// AWS: API_VerifySMSSandboxPhoneNumber.
func init() {
	service.Register(&operations, snsapi.VerifySMSSandboxPhoneNumber, inAccount("SNS:VerifySMSSandboxPhoneNumber", anyResource[snsapi.VerifySMSSandboxPhoneNumberInput]), (*Service).VerifySMSSandboxPhoneNumber)
}

// VerifySMSSandboxPhoneNumber implements the operation.
func (s *Service) VerifySMSSandboxPhoneNumber(ctx context.Context, c *service.Call, in *snsapi.VerifySMSSandboxPhoneNumberInput) (*snsapi.VerifySMSSandboxPhoneNumberResult, error) {
	return &snsapi.VerifySMSSandboxPhoneNumberResult{}, s.changeSMS(ctx, zone{c.Region, c.Account()}, func(r *smsRecord) error {
		n, ok := r.Sandbox[*in.PhoneNumber]
		switch {
		case !ok:
			return snsapi.ResourceNotFoundException.New("The phone number does not exist")
		case n.Verified:
			return nil
		case n.Code != *in.OneTimePassword || c.Now.Sub(time.UnixMilli(n.Sent)) > 15*time.Minute:
			return snsapi.VerificationException.New("The one-time password is wrong or has expired")
		}
		r.Sandbox[*in.PhoneNumber] = sandboxNumber{Verified: true}
		return nil
	})
}
