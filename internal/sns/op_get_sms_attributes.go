package sns

import (
	"context"
	"maps"
	"slices"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/service"
)

// GetSMSAttributes returns what SetSMSAttributes set, all of it or what is named.
//
// AWS: API_GetSMSAttributes.
func init() {
	service.Register(&operations, snsapi.GetSMSAttributes, inAccount("SNS:GetSMSAttributes", anyResource[snsapi.GetSMSAttributesInput]), (*Service).GetSMSAttributes)
}

// GetSMSAttributes implements the operation.
func (s *Service) GetSMSAttributes(ctx context.Context, c *service.Call, in *snsapi.GetSMSAttributesInput) (*snsapi.GetSMSAttributesResponse, error) {
	all := maps.Clone(s.smsOf(zone{c.Region, c.Account()}).Attributes)
	if all == nil {
		all = make(map[string]string)
	}
	if all["MonthlySpendLimit"] == "" {
		all["MonthlySpendLimit"] = "1"
	}
	if len(in.Attributes) > 0 {
		maps.DeleteFunc(all, func(k, _ string) bool { return !slices.Contains(in.Attributes, k) })
	}
	return &snsapi.GetSMSAttributesResponse{Attributes: all}, nil
}
