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
		time.Sleep(3 * time.Second) // paused; frames of the next second are read later
		now, at := s.since(owner.Add(time.Second))
		if want := owner.Add(3 * time.Second); !now.Equal(want) || at.IsZero() {
			t.Errorf("%v, want %v", now, want)
		}
		if now, _ := s.since(owner.Add(5 * time.Second)); !now.Equal(owner.Add(5 * time.Second)) {
			t.Errorf("%v: before what was shown", now)
		}
		s.see(owner.Add(time.Second), time.Now()) // a frame that came late says less
		if now, _ := s.since(owner); !now.Equal(owner.Add(3 * time.Second)) {
			t.Errorf("%v: went back", now)
		}
		s.see(owner.Add(10*time.Second), time.Now())
		time.Sleep(time.Second)
		if now, _ := s.since(owner); !now.Equal(owner.Add(11 * time.Second)) {
			t.Errorf("%v", now)
		}
	})
}
