package sns

import (
	"context"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/service"
)

// OptInPhoneNumber lets a number get text messages again. One that gets them is no error.
//
// AWS: API_OptInPhoneNumber.
func init() {
	service.Register(&operations, snsapi.OptInPhoneNumber, inAccount("SNS:OptInPhoneNumber", anyResource[snsapi.OptInPhoneNumberInput]), (*Service).OptInPhoneNumber)
}

// OptInPhoneNumber implements the operation.
func (s *Service) OptInPhoneNumber(ctx context.Context, c *service.Call, in *snsapi.OptInPhoneNumberInput) (*snsapi.OptInPhoneNumberResponse, error) {
	number := plainNumber(*in.PhoneNumber)
	if err := checkNumber(number); err != nil {
		return nil, err
	}
	return &snsapi.OptInPhoneNumberResponse{}, s.OptOut(ctx, c.Region, c.Account(), number, false)
}
