package kinesis

import (
	"encoding/json"
	"time"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/service"
)

func accountKey(c *service.Call) string { return c.Region + "/" + c.Account() }

// account returns what the caller's account has set.
func (s *Service) account(c *service.Call) (r accountRecord) {
	if value, ok := s.catalog.Get(kindAccount, accountKey(c)); ok {
		if err := json.Unmarshal(value, &r); err != nil {
			s.logger.Error("catalog: malformed account record", "key", accountKey(c), "error", err)
		}
	}
	return r
}

// commitmentTime is the least that a commitment lasts.
const commitmentTime = 24 * time.Hour

// commitment is the account's minimum as the API shows it.
func (r *accountRecord) commitment(now time.Time) *kinesisapi.MinimumThroughputBillingCommitmentOutput {
	out := &kinesisapi.MinimumThroughputBillingCommitmentOutput{Status: new("DISABLED")}
	if r.Started != 0 {
		out.StartedAt = instant(r.Started)
	}
	earliest := time.UnixMilli(r.Started).Add(commitmentTime)
	switch {
	case r.Committed:
		out.Status, out.EarliestAllowedEndAt = new("ENABLED"), new(earliest.UTC())
	case r.Ended != 0 && now.Before(earliest):
		out.Status, out.EarliestAllowedEndAt = new("ENABLED_UNTIL_EARLIEST_ALLOWED_END"), new(earliest.UTC())
	case r.Ended != 0:
		out.EndedAt = instant(r.Ended)
	}
	return out
}
