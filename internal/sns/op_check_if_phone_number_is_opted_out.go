package sns

import (
	"context"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/service"
)

// CheckIfPhoneNumberIsOptedOut reports whether a number wants no text messages.
//
// AWS: API_CheckIfPhoneNumberIsOptedOut.
func init() {
	service.Register(&operations, snsapi.CheckIfPhoneNumberIsOptedOut, inAccount("SNS:CheckIfPhoneNumberIsOptedOut", anyResource[snsapi.CheckIfPhoneNumberIsOptedOutInput]), (*Service).CheckIfPhoneNumberIsOptedOut)
}

// CheckIfPhoneNumberIsOptedOut implements the operation.
func (s *Service) CheckIfPhoneNumberIsOptedOut(ctx context.Context, c *service.Call, in *snsapi.CheckIfPhoneNumberIsOptedOutInput) (*snsapi.CheckIfPhoneNumberIsOptedOutResponse, error) {
	number := plainNumber(*in.PhoneNumber)
	if err := checkNumber(number); err != nil {
		return nil, err
	}
	return &snsapi.CheckIfPhoneNumberIsOptedOutResponse{IsOptedOut: new(s.smsOf(zone{c.Region, c.Account()}).OptedOut[number])}, nil
}
