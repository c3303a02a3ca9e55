package sns

import (
	"context"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/service"
)

// GetPlatformApplicationAttributes returns the attributes of a platform application, but
// never its credentials.
//
// AWS: API_GetPlatformApplicationAttributes.
func init() {
	service.Register(&operations, snsapi.GetPlatformApplicationAttributes,
		onApplication("SNS:GetPlatformApplicationAttributes", func(in *snsapi.GetPlatformApplicationAttributesInput) *string { return in.PlatformApplicationArn }),
		(*Service).GetPlatformApplicationAttributes)
}

// GetPlatformApplicationAttributes implements the operation.
func (s *Service) GetPlatformApplicationAttributes(_ context.Context, c *service.Call, in *snsapi.GetPlatformApplicationAttributesInput) (*snsapi.GetPlatformApplicationAttributesResponse, error) {
	n, err := applicationNamed(c, deref(in.PlatformApplicationArn))
	if err != nil {
		return nil, err
	}
	a, err := s.findApplication(n)
	if err != nil {
		return nil, err
	}
	return &snsapi.GetPlatformApplicationAttributesResponse{Attributes: a.shown()}, nil
}
