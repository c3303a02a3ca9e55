package sns

import (
	"context"
	"maps"
	"slices"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/service"
)

// ListPhoneNumbersOptedOut returns the numbers that want no text messages, 100 a page.
//
// AWS: API_ListPhoneNumbersOptedOut.
func init() {
	service.Register(&operations, snsapi.ListPhoneNumbersOptedOut, inAccount("SNS:ListPhoneNumbersOptedOut", anyResource[snsapi.ListPhoneNumbersOptedOutInput]), (*Service).ListPhoneNumbersOptedOut)
}

// ListPhoneNumbersOptedOut implements the operation.
func (s *Service) ListPhoneNumbersOptedOut(ctx context.Context, c *service.Call, in *snsapi.ListPhoneNumbersOptedOutInput) (*snsapi.ListPhoneNumbersOptedOutResponse, error) {
	numbers := slices.Collect(maps.Keys(s.smsOf(zone{c.Region, c.Account()}).OptedOut))
	numbers, next, err := page(numbers, func(n string) string { return n }, pageSize, in.NextToken)
	if err != nil {
		return nil, err
	}
	if numbers == nil {
		numbers = []string{}
	}
	return &snsapi.ListPhoneNumbersOptedOutResponse{PhoneNumbers: numbers, NextToken: next}, nil
}
