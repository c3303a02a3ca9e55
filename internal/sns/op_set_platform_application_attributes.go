package sns

import (
	"context"
	"maps"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/service"
)

// SetPlatformApplicationAttributes sets attributes of a platform application; others
// stay.
//
// AWS: API_SetPlatformApplicationAttributes.
func init() {
	service.Register(&operations, snsapi.SetPlatformApplicationAttributes,
		onApplication("SNS:SetPlatformApplicationAttributes", func(in *snsapi.SetPlatformApplicationAttributesInput) *string { return in.PlatformApplicationArn }),
		(*Service).SetPlatformApplicationAttributes)
}

// SetPlatformApplicationAttributes implements the operation.
func (s *Service) SetPlatformApplicationAttributes(ctx context.Context, c *service.Call, in *snsapi.SetPlatformApplicationAttributesInput) (*service.None, error) {
	n, err := applicationNamed(c, deref(in.PlatformApplicationArn))
	if err != nil {
		return nil, err
	}
	if err := checkApplicationAttributes(in.Attributes); err != nil {
		return nil, err
	}
	if err := checkCredentials(n.platform, in.Attributes); err != nil {
		return nil, err
	}
	return nil, engineError(s.catalog.Update(ctx, func(tx *catalog.Tx) error {
		r, ok, err := get[applicationRecord](tx, kindApplication, n.key())
		if err != nil {
			return err
		}
		if !ok {
			return errNoApplication()
		}
		maps.Copy(r.Attributes, in.Attributes)
		return put(tx, kindApplication, n.key(), &r)
	}))
}
