package sns

import (
	"context"
	"maps"
	"strings"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/service"
)

// CreatePlatformEndpoint makes an endpoint for a device's token, or returns the one with
// that token if its attributes are the same.
//
// AWS: API_CreatePlatformEndpoint.
func init() {
	service.Register(&operations, snsapi.CreatePlatformEndpoint,
		onApplication("SNS:CreatePlatformEndpoint", func(in *snsapi.CreatePlatformEndpointInput) *string { return in.PlatformApplicationArn }),
		(*Service).CreatePlatformEndpoint)
}

// kindToken finds an endpoint by its token.
const kindToken = "sns.token" // key of the application/token: uuid

// forgetToken has an endpoint not found by a token any more, unless another one is.
func forgetToken(tx *catalog.Tx, n endpointName, token string) {
	key := n.applicationName.key() + "/" + token
	if id, ok := tx.Get(kindToken, key); ok && string(id) == n.id {
		tx.Delete(kindToken, key)
	}
}

// CreatePlatformEndpoint implements the operation.
func (s *Service) CreatePlatformEndpoint(ctx context.Context, c *service.Call, in *snsapi.CreatePlatformEndpointInput) (*snsapi.CreateEndpointResponse, error) {
	app, err := applicationNamed(c, deref(in.PlatformApplicationArn))
	if err != nil {
		return nil, err
	}
	token := *in.Token
	if token == "" || len(token) > maxEndpoint {
		return nil, invalid("Token Reason: must be between 1 and %d bytes long", maxEndpoint)
	}
	wanted := map[string]string{attrEnabled: "true", attrToken: token}
	if in.CustomUserData != nil {
		wanted[attrUserData] = *in.CustomUserData
	}
	maps.Copy(wanted, in.Attributes) // its CustomUserData wins (recorded)
	wanted[attrToken] = token
	if err := checkEndpointAttributes(wanted); err != nil {
		return nil, err
	}
	wanted[attrEnabled] = strings.ToLower(wanted[attrEnabled])
	made := endpointName{app, newUUID()}
	var n endpointName
	err = s.catalog.Update(ctx, func(tx *catalog.Tx) error {
		n = made
		if _, ok := tx.Get(kindApplication, app.key()); !ok {
			return errNoApplication()
		}
		if id, ok := tx.Get(kindToken, app.key()+"/"+token); ok {
			n.id = string(id)
			old, ok, err := get[endpointRecord](tx, kindEndpoint, n.key())
			if err != nil {
				return err
			}
			if ok && old.Attributes[attrToken] == token {
				if !maps.Equal(old.Attributes, wanted) {
					return invalid("Token Reason: Endpoint %s already exists with the same Token, but different attributes.", n.arn())
				}
				return nil
			}
			n = made
		}
		tx.Put(kindToken, app.key()+"/"+token, []byte(n.id))
		return put(tx, kindEndpoint, n.key(), &endpointRecord{Attributes: wanted})
	})
	if err != nil {
		return nil, engineError(err)
	}
	return &snsapi.CreateEndpointResponse{EndpointArn: new(n.arn())}, nil
}
