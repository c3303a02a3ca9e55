package sns

import (
	"context"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/service"
)

// ListPlatformApplications returns the caller's platform applications of the region, 100
// a page.
//
// AWS: API_ListPlatformApplications.
func init() {
	service.Register(&operations, snsapi.ListPlatformApplications,
		inAccount("SNS:ListPlatformApplications", anyResource[snsapi.ListPlatformApplicationsInput]), (*Service).ListPlatformApplications)
}

// ListPlatformApplications implements the operation.
func (s *Service) ListPlatformApplications(ctx context.Context, c *service.Call, in *snsapi.ListPlatformApplicationsInput) (*snsapi.ListPlatformApplicationsResponse, error) {
	if err := s.current(ctx); err != nil {
		return nil, err
	}
	apps, next, err := page(s.applicationsOf(zone{c.Region, c.Account()}), func(a *application) string { return a.key() }, pageSize, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &snsapi.ListPlatformApplicationsResponse{NextToken: next, PlatformApplications: make([]snsapi.PlatformApplication, 0, len(apps))}
	for _, a := range apps {
		out.PlatformApplications = append(out.PlatformApplications, snsapi.PlatformApplication{PlatformApplicationArn: new(a.arn()), Attributes: a.shown()})
	}
	return out, nil
}

func (s *Service) applicationsOf(z zone) (out []*application) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for n, a := range s.push.applications {
		if n.zone == z {
			out = append(out, a)
		}
	}
	return out
}
