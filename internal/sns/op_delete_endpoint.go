package sns

import (
	"context"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/service"
)

// DeleteEndpoint deletes an endpoint; subscriptions to it stay. One that does not exist
// is no error.
//
// AWS: API_DeleteEndpoint.
func init() {
	service.Register(&operations, snsapi.DeleteEndpoint,
		onEndpoint("SNS:DeleteEndpoint", func(in *snsapi.DeleteEndpointInput) *string { return in.EndpointArn }), (*Service).DeleteEndpoint)
}

// onEndpoint returns the authorization of an operation on the endpoint that its input
// names.
func onEndpoint[In any](action string, arn func(*In) *string) func(*Service, *service.Call, *In) (service.Access, error) {
	return func(_ *Service, c *service.Call, in *In) (service.Access, error) {
		if err := validate(in); err != nil {
			return service.Access{}, err
		}
		n, err := endpointNamed(c, deref(arn(in)))
		if err != nil {
			return service.Access{}, err
		}
		return service.Access{Action: action, Resource: n.arn(), Owner: n.account, OwnerOnly: true}, nil
	}
}

// DeleteEndpoint implements the operation.
func (s *Service) DeleteEndpoint(ctx context.Context, c *service.Call, in *snsapi.DeleteEndpointInput) (*service.None, error) {
	n, err := endpointNamed(c, deref(in.EndpointArn))
	if err != nil {
		return nil, err
	}
	return nil, engineError(s.catalog.Update(ctx, func(tx *catalog.Tx) error {
		r, ok, err := get[endpointRecord](tx, kindEndpoint, n.key())
		if err != nil || !ok {
			return err
		}
		forgetToken(tx, n, r.Attributes[attrToken])
		tx.Delete(kindEndpoint, n.key())
		return nil
	}))
}
