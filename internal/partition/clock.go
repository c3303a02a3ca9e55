package partition

import "time"

// clock is a wall clock that never goes back, as deadlines and order depend on it.
// When the system's clock was set back, it runs at half speed until that has
// caught up, so that timers are late by a factor and not by the whole step.
//
// It goes on over a change of owners: the next one has another system's clock, which
// may be ahead. What has passed since the last owner's time is then not more than
// what was seen to pass; the rest is caught up with slowly, so that no deadline comes
// early by more than a thousandth.
type clock struct {
	skew   time.Duration // of the system's clock, in tests
	last   time.Time     // what now returned; no monotonic reading
	seen   time.Time     // when, with monotonic reading
	behind time.Duration // the system's clock, to be caught up with
}

// catchUp is the part of time that a clock which is behind runs faster by.
const catchUp = 1000

// resume goes on from what the last owner's clock showed at a time of ours. A zero at
// means that it is not known when: then it was this one's, or the system's clock is
// believed, if it is later.
func (c *clock) resume(shown, at time.Time) {
	now := time.Now()
	shown = shown.Round(0)
	if !at.IsZero() {
		shown = shown.Add(now.Sub(at))
		c.behind = max(0, now.Round(0).Add(c.skew).Sub(shown))
	}
	c.last, c.seen = shown, now
}

// now is called by one goroutine at a time.
func (c *clock) now() time.Time { return c.at(time.Now()) }

func (c *clock) at(t time.Time) time.Time {
	if c.behind > 0 && !c.seen.IsZero() {
		c.behind = max(0, c.behind-t.Sub(c.seen)/catchUp)
	}
	wall := t.Round(0).Add(c.skew - c.behind)
	if half := c.last.Add(t.Sub(c.seen) / 2); wall.Before(half) {
		wall = half
	}
	c.last, c.seen = wall, t
	return wall
}
