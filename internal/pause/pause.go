// Package pause waits, unless there is no reason to any more.
package pause

import (
	"context"
	"time"
)

// For waits for d, or until ctx ends if that comes first; it reports whether ctx
// goes on.
func For(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
