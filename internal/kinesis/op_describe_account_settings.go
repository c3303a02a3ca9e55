package kinesis

import (
	"context"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/service"
)

// DescribeAccountSettings returns what the account has set.
//
// AWS: API_DescribeAccountSettings.
func init() {
	service.Register(&operations, kinesisapi.DescribeAccountSettings, inAccount[kinesisapi.DescribeAccountSettingsInput]("DescribeAccountSettings"), (*Service).DescribeAccountSettings)
}

// DescribeAccountSettings implements the operation.
func (s *Service) DescribeAccountSettings(ctx context.Context, c *service.Call, in *kinesisapi.DescribeAccountSettingsInput) (*kinesisapi.DescribeAccountSettingsOutput, error) {
	r := s.account(c)
	return &kinesisapi.DescribeAccountSettingsOutput{MinimumThroughputBillingCommitment: r.commitment(c.Now)}, nil
}
