package sns

import (
	"context"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/service"
)

// DeletePlatformApplication deletes a platform application with its endpoints. One that
// does not exist is no error.
//
// AWS: API_DeletePlatformApplication.
func init() {
	service.Register(&operations, snsapi.DeletePlatformApplication,
		onApplication("SNS:DeletePlatformApplication", func(in *snsapi.DeletePlatformApplicationInput) *string { return in.PlatformApplicationArn }),
		(*Service).DeletePlatformApplication)
}

// onApplication returns the authorization of an operation on the platform application
// that its input names.
func onApplication[In any](action string, arn func(*In) *string) func(*Service, *service.Call, *In) (service.Access, error) {
	return func(_ *Service, c *service.Call, in *In) (service.Access, error) {
		if err := validate(in); err != nil {
			return service.Access{}, err
		}
		n, err := applicationNamed(c, deref(arn(in)))
		if err != nil {
			return service.Access{}, err
		}
		return service.Access{Action: action, Resource: n.arn(), Owner: n.account, OwnerOnly: true}, nil
	}
}

// DeletePlatformApplication implements the operation.
func (s *Service) DeletePlatformApplication(ctx context.Context, c *service.Call, in *snsapi.DeletePlatformApplicationInput) (*service.None, error) {
	n, err := applicationNamed(c, deref(in.PlatformApplicationArn))
	if err != nil {
		return nil, err
	}
	if err := s.current(ctx); err != nil {
		return nil, err
	}
	endpoints := s.endpointsOf(n)
	return nil, engineError(s.catalog.Update(ctx, func(tx *catalog.Tx) error {
		tx.Delete(kindApplication, n.key())
		for _, e := range endpoints {
			forgetToken(tx, e.endpointName, e.token())
			tx.Delete(kindEndpoint, e.key())
		}
		return nil
	}))
}

func (s *Service) endpointsOf(n applicationName) (out []*endpoint) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, e := range s.push.of[n] {
		out = append(out, e)
	}
	return out
}
