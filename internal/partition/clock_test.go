package partition

import (
	"testing"
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
