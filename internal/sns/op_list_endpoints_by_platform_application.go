package sns

import (
	"context"
	"maps"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/service"
)

// ListEndpointsByPlatformApplication returns the endpoints of a platform application,
// 100 a page.
//
// AWS: API_ListEndpointsByPlatformApplication.
func init() {
	service.Register(&operations, snsapi.ListEndpointsByPlatformApplication,
		onApplication("SNS:ListEndpointsByPlatformApplication", func(in *snsapi.ListEndpointsByPlatformApplicationInput) *string { return in.PlatformApplicationArn }),
		(*Service).ListEndpointsByPlatformApplication)
}

// ListEndpointsByPlatformApplication implements the operation.
func (s *Service) ListEndpointsByPlatformApplication(ctx context.Context, c *service.Call, in *snsapi.ListEndpointsByPlatformApplicationInput) (*snsapi.ListEndpointsByPlatformApplicationResponse, error) {
	n, err := applicationNamed(c, deref(in.PlatformApplicationArn))
	if err != nil {
		return nil, err
	}
	if err := s.current(ctx); err != nil {
		return nil, err
	}
	if _, err := s.findApplication(n); err != nil {
		return nil, err
	}
	endpoints, next, err := page(s.endpointsOf(n), func(e *endpoint) string { return e.id }, pageSize, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &snsapi.ListEndpointsByPlatformApplicationResponse{NextToken: next, Endpoints: make([]snsapi.Endpoint, 0, len(endpoints))}
	for _, e := range endpoints {
		out.Endpoints = append(out.Endpoints, snsapi.Endpoint{EndpointArn: new(e.arn()), Attributes: maps.Clone(e.Attributes)})
	}
	return out, nil
}
