package sns

import (
	"context"
	"maps"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/service"
)

// CreatePlatformApplication makes a platform application, or changes the one with that
// name.
//
// AWS: API_CreatePlatformApplication.
func init() {
	service.Register(&operations, snsapi.CreatePlatformApplication,
		inAccount("SNS:CreatePlatformApplication", anyResource[snsapi.CreatePlatformApplicationInput]), (*Service).CreatePlatformApplication)
}

// CreatePlatformApplication implements the operation.
func (s *Service) CreatePlatformApplication(ctx context.Context, c *service.Call, in *snsapi.CreatePlatformApplicationInput) (*snsapi.CreatePlatformApplicationResponse, error) {
	platform := *in.Platform
	if _, ok := platforms[platform]; !ok {
		return nil, invalid("Platform Reason: %s is not supported", platform)
	}
	if err := checkApplicationName(*in.Name); err != nil {
		return nil, err
	}
	if err := checkApplicationAttributes(in.Attributes); err != nil {
		return nil, err
	}
	if err := checkCredentials(platform, in.Attributes); err != nil {
		return nil, err
	}
	n := applicationName{zone{c.Region, c.Account()}, platform, *in.Name}
	err := s.catalog.Update(ctx, func(tx *catalog.Tx) error {
		return put(tx, kindApplication, n.key(), &applicationRecord{Attributes: maps.Clone(in.Attributes)})
	})
	if err != nil {
		return nil, engineError(err)
	}
	return &snsapi.CreatePlatformApplicationResponse{PlatformApplicationArn: new(n.arn())}, nil
}
