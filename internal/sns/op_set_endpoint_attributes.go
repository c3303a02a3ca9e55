package sns

import (
	"context"
	"maps"
	"strings"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/service"
)

// SetEndpointAttributes sets attributes of an endpoint; others stay.
//
// AWS: API_SetEndpointAttributes.
func init() {
	service.Register(&operations, snsapi.SetEndpointAttributes,
		onEndpoint("SNS:SetEndpointAttributes", func(in *snsapi.SetEndpointAttributesInput) *string { return in.EndpointArn }),
		(*Service).SetEndpointAttributes)
}

// SetEndpointAttributes implements the operation.
func (s *Service) SetEndpointAttributes(ctx context.Context, c *service.Call, in *snsapi.SetEndpointAttributesInput) (*service.None, error) {
	n, err := endpointNamed(c, deref(in.EndpointArn))
	if err != nil {
		return nil, err
	}
	if len(in.Attributes) == 0 {
		return nil, errNull("attributes")
	}
	if err := checkEndpointAttributes(in.Attributes); err != nil {
		return nil, err
	}
	changed := maps.Clone(in.Attributes)
	if v, ok := changed[attrEnabled]; ok {
		changed[attrEnabled] = strings.ToLower(v)
	}
	return nil, engineError(s.catalog.Update(ctx, func(tx *catalog.Tx) error {
		r, ok, err := get[endpointRecord](tx, kindEndpoint, n.key())
		if err != nil {
			return err
		}
		if !ok {
			return errNoEndpoint()
		}
		if token, ok := changed[attrToken]; ok && token != r.Attributes[attrToken] {
			forgetToken(tx, n, r.Attributes[attrToken])
			tx.Put(kindToken, n.applicationName.key()+"/"+token, []byte(n.id))
		}
		maps.Copy(r.Attributes, changed)
		return put(tx, kindEndpoint, n.key(), &r)
	}))
}
