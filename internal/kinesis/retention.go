package kinesis

import "time"

// Limits of the retention period: Kinesis quotas, hours.
const (
	minHours = 24
	maxHours = 8760
)

func checkHours(hours int) error {
	switch {
	case hours < minHours:
		return invalid("Minimum allowed retention period is %d hours. Requested retention period (%d hours) is too short.", minHours, hours)
	case hours > maxHours:
		return invalid("Maximum allowed retention period is %d hours. Requested retention period (%d hours) is too long.", maxHours, hours)
	}
	return nil
}

// setHours sets the retention. Shards that expired before do not come back.
func (s *Service) setHours(n name, r *streamRecord, hours int, now time.Time) error {
	if hours == r.Hours {
		return nil
	}
	prune(r, now)
	r.Hours = hours
	return s.update(n, r, now)
}
