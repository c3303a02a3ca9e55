package kinesis

import (
	"context"
	"github.com/spillway/spillway/internal/catalog"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/service"
)

// UpdateAccountSettings commits the account to a minimum throughput, or ends that. Nobody is billed here: it is kept and shown.
//
// AWS: API_UpdateAccountSettings.
func init() {
	service.Register(&operations, kinesisapi.UpdateAccountSettings, inAccount[kinesisapi.UpdateAccountSettingsInput]("UpdateAccountSettings"), (*Service).UpdateAccountSettings)
}

// UpdateAccountSettings implements the operation.
func (s *Service) UpdateAccountSettings(ctx context.Context, c *service.Call, in *kinesisapi.UpdateAccountSettingsInput) (*kinesisapi.UpdateAccountSettingsOutput, error) {
	on := *in.MinimumThroughputBillingCommitment.Status == "ENABLED"
	var r accountRecord
	err := s.catalog.Update(ctx, func(tx *catalog.Tx) (err error) {
		if r, _, err = get[accountRecord](tx, kindAccount, accountKey(c)); err != nil {
			return err
		}
		switch {
		case on && !r.Committed:
			r = accountRecord{Committed: true, Started: c.Now.UnixMilli()}
		case !on && r.Committed:
			r.Committed, r.Ended = false, c.Now.UnixMilli()
		}
		return put(tx, kindAccount, accountKey(c), &r)
	})
	if err != nil {
		return nil, engineError(err)
	}
	return &kinesisapi.UpdateAccountSettingsOutput{MinimumThroughputBillingCommitment: r.commitment(c.Now)}, nil
}
