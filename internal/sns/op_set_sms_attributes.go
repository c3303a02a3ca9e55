package sns

import (
	"context"
	"maps"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/service"
)

// SetSMSAttributes sets how text messages of the account are sent.
//
// AWS: API_SetSMSAttributes.
func init() {
	service.Register(&operations, snsapi.SetSMSAttributes, inAccount("SNS:SetSMSAttributes", anyResource[snsapi.SetSMSAttributesInput]), (*Service).SetSMSAttributes)
}

// SetSMSAttributes implements the operation.
func (s *Service) SetSMSAttributes(ctx context.Context, c *service.Call, in *snsapi.SetSMSAttributesInput) (*snsapi.SetSMSAttributesResponse, error) {
	if err := checkSMSAttributes(in.Attributes); err != nil {
		return nil, err
	}
	return &snsapi.SetSMSAttributesResponse{}, s.changeSMS(ctx, zone{c.Region, c.Account()}, func(r *smsRecord) error {
		maps.Copy(r.Attributes, in.Attributes)
		return nil
	})
}
