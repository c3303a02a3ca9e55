package cluster

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestTimeGoesOnFromWhatWasSeen: a node that takes over with frames that it did not see
// come (it was paused, or reads them from the log) goes on from the last time that it
// saw, and not from its own clock, which may be ahead by minutes.
func TestTimeGoesOnFromWhatWasSeen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s sighting
		owner := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC) // another system's clock
		if _, at := s.since(owner); !at.IsZero() {
			t.Error("known without a sighting")
		}
		s.see(owner, time.Now())
		near := func(want time.Duration) {
			t.Helper()
			// Up to a thousandth less, as the owner's clock may be slow; never more.
			now, at := s.since(owner.Add(time.Second))
			if passed := now.Sub(owner); at.IsZero() || passed > want || passed < want-want/slower {
				t.Errorf("%v passed, not %v", passed, want)
			}
		}
		time.Sleep(3 * time.Second) // paused; frames of the next second are read later
		near(3 * time.Second)
		if now, _ := s.since(owner.Add(5 * time.Second)); !now.Equal(owner.Add(5 * time.Second)) {
			t.Errorf("%v: before what was shown", now)
		}
		s.see(owner.Add(10*time.Second), time.Now())
		time.Sleep(time.Second)
		near(11 * time.Second)
	})
}
