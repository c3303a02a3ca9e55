package sns

import (
	"context"
	"crypto/rand"
	"fmt"
	"math/big"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/service"
)

// CreateSMSSandboxPhoneNumber sends a code to a number, which VerifySMSSandboxPhoneNumber wants back.
//
// AWS: API_CreateSMSSandboxPhoneNumber.
func init() {
	service.Register(&operations, snsapi.CreateSMSSandboxPhoneNumber, inAccount("SNS:CreateSMSSandboxPhoneNumber", anyResource[snsapi.CreateSMSSandboxPhoneNumberInput]), (*Service).CreateSMSSandboxPhoneNumber)
}

// CreateSMSSandboxPhoneNumber implements the operation.
func (s *Service) CreateSMSSandboxPhoneNumber(ctx context.Context, c *service.Call, in *snsapi.CreateSMSSandboxPhoneNumberInput) (*snsapi.CreateSMSSandboxPhoneNumberResult, error) {
	number := *in.PhoneNumber
	if err := checkNumber(number); err != nil {
		return nil, err
	}
	if s.smsOf(zone{c.Region, c.Account()}).OptedOut[number] {
		return nil, snsapi.OptedOutException.New("The phone number is opted out")
	}
	code, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		return nil, err
	}
	otp := fmt.Sprintf("%06d", code)
	err = s.changeSMS(ctx, zone{c.Region, c.Account()}, func(r *smsRecord) error {
		r.Sandbox[number] = sandboxNumber{Code: otp, Sent: c.Now.UnixMilli()}
		return nil
	})
	if err != nil {
		return nil, err
	}
	_, err = s.publishDirect(ctx, c, "sms", number, &draft{message: new("Your verification code is " + otp)})
	return &snsapi.CreateSMSSandboxPhoneNumberResult{}, err
}
