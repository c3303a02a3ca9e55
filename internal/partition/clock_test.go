package partition

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestClockNeverGoesBack sets the system's clock back by an hour. Times without a
// monotonic reading stand in for both readings here, so each step gives the wall
// clock and, through seen, how much real time passes.
func TestClockNeverGoesBack(t *testing.T) {
	start := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	c := clock{}
	if got := c.at(start); !got.Equal(start) {
		t.Fatalf("at first: %v", got)
	}
	back := start.Add(-time.Hour)
	c.seen = back // the step: no real time passed
	if got := c.at(back); !got.Equal(start) {
		t.Errorf("at the step: %v", got)
	}
	if got := c.at(back.Add(time.Minute)); !got.Equal(start.Add(30 * time.Second)) {
		t.Errorf("a minute later: %v, not half as much", got)
	}
	if got := c.at(back.Add(3 * time.Hour)); !got.Equal(start.Add(2 * time.Hour)) {
		t.Errorf("when the clock has caught up: %v", got)
	}
}

// TestClockOverOwners: the next owner's time goes on from the last one's, whatever its
// own clock says, and comes to agree with that slowly.
func TestClockOverOwners(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, skew := range []time.Duration{-time.Hour, -time.Second, 0, time.Second, time.Hour} {
			c := clock{skew: skew}
			shown := time.Now().Add(time.Minute) // the last owner's clock is ahead
			arrived := time.Now()
			time.Sleep(10 * time.Second)
			c.resume(shown, arrived)
			first := c.now()
			if d := first.Sub(shown); d != 10*time.Second {
				t.Errorf("skew %v: %v passed in ten seconds without an owner", skew, d)
			}
			// A minute, or less if this clock is late; hardly more.
			time.Sleep(time.Minute)
			if d := c.now().Sub(first); d > time.Minute+time.Minute/catchUp || d < 30*time.Second {
				t.Errorf("skew %v: %v passed in a minute", skew, d)
			}
			// Losing ownership and getting it back at once changes nothing.
			before := c.now()
			c.resume(before, time.Time{})
			if d := c.now().Sub(before); d != 0 {
				t.Errorf("skew %v: %v passed in no time", skew, d)
			}
			time.Sleep(2000 * time.Hour)
			if d := c.now().Sub(time.Now().Add(skew)); d != 0 {
				t.Errorf("skew %v: still %v off after a long time", skew, d)
			}
		}
	})
}

// TestClocksRunAtOneSpeed: an owner whose system's clock is behind the last owner's goes
// on at the same speed, so that the next one, which knows what has passed, does not end
// leases early.
func TestClocksRunAtOneSpeed(t *testing.T) {
	t.Parallel()
	for _, skew := range []time.Duration{-90 * time.Second, 0, 90 * time.Second} {
		for _, known := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				c := clock{skew: skew}
				shown, at := time.Now().Add(time.Second), time.Now()
				if !known {
					at = time.Time{}
				}
				c.resume(shown, at)
				began := c.now()
				if began.Before(shown.Round(0)) {
					t.Errorf("skew %v: went back by %v", skew, shown.Sub(began))
				}
				for range 100 {
					time.Sleep(100 * time.Millisecond)
					c.now()
				}
				if passed := c.now().Sub(began); passed < 9990*time.Millisecond || passed > 10010*time.Millisecond {
					t.Errorf("skew %v, known %v: %v passed in 10 s", skew, known, passed)
				}
			})
		}
	}
}
