package sns

import (
	"context"
	"maps"
	"slices"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/service"
)

// ListSMSSandboxPhoneNumbers returns the numbers and whether they are verified, at most 100 a page.
//
// AWS: API_ListSMSSandboxPhoneNumbers.
func init() {
	service.Register(&operations, snsapi.ListSMSSandboxPhoneNumbers, inAccount("SNS:ListSMSSandboxPhoneNumbers", anyResource[snsapi.ListSMSSandboxPhoneNumbersInput]), (*Service).ListSMSSandboxPhoneNumbers)
}

// ListSMSSandboxPhoneNumbers implements the operation.
func (s *Service) ListSMSSandboxPhoneNumbers(ctx context.Context, c *service.Call, in *snsapi.ListSMSSandboxPhoneNumbersInput) (*snsapi.ListSMSSandboxPhoneNumbersResult, error) {
	numbers := s.smsOf(zone{c.Region, c.Account()}).Sandbox
	size := pageSize
	if in.MaxResults != nil {
		size = int(*in.MaxResults)
	}
	cut, next, err := page(slices.Collect(maps.Keys(numbers)), func(n string) string { return n }, size, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &snsapi.ListSMSSandboxPhoneNumbersResult{NextToken: next, PhoneNumbers: make([]snsapi.SMSSandboxPhoneNumber, 0, len(cut))}
	for _, n := range cut {
		status := "Pending"
		if numbers[n].Verified {
			status = "Verified"
		}
		out.PhoneNumbers = append(out.PhoneNumbers, snsapi.SMSSandboxPhoneNumber{PhoneNumber: new(n), Status: new(status)})
	}
	return out, nil
}
