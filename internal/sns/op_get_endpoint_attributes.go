package sns

import (
	"context"
	"maps"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/service"
)

// GetEndpointAttributes returns the attributes of an endpoint.
//
// AWS: API_GetEndpointAttributes.
func init() {
	service.Register(&operations, snsapi.GetEndpointAttributes,
		onEndpoint("SNS:GetEndpointAttributes", func(in *snsapi.GetEndpointAttributesInput) *string { return in.EndpointArn }),
		(*Service).GetEndpointAttributes)
}

// GetEndpointAttributes implements the operation.
func (s *Service) GetEndpointAttributes(_ context.Context, c *service.Call, in *snsapi.GetEndpointAttributesInput) (*snsapi.GetEndpointAttributesResponse, error) {
	n, err := endpointNamed(c, deref(in.EndpointArn))
	if err != nil {
		return nil, err
	}
	e, err := s.findEndpoint(n)
	if err != nil {
		return nil, err
	}
	return &snsapi.GetEndpointAttributesResponse{Attributes: maps.Clone(e.Attributes)}, nil
}
