package partition

import "time"

// clock is a wall clock that never goes back, as deadlines and order depend on it.
// When the system's clock was set back, it runs at half speed until that has
// caught up, so that timers are late by a factor and not by the whole step.
//
// It goes on over a change of owners: the next one has another system's clock, which
// may be ahead or behind. What has passed since the last owner's time is then what was
// seen to pass; the rest is made up for slowly, so that no deadline is off by more than
// a thousandth, and the clocks of all owners run at the same speed but for that.
type clock struct {
	skew   time.Duration // of the system's clock, in tests
	last   time.Time     // what now returned; no monotonic reading
	seen   time.Time     // when, with monotonic reading
	offset time.Duration // how far the system's clock is ahead of this one
}

// catchUp is the part of time by which a clock with an offset runs faster or slower.
const catchUp = 1000

// resume goes on from what the last owner's clock showed at a time of ours. A zero at
// means that it is not known when: then this clock goes on from what it showed itself,
// if it ever did, else the system's clock is believed, if it is later.
func (c *clock) resume(shown, at time.Time) {
	now := time.Now()
	shown = shown.Round(0)
	wall := now.Round(0).Add(c.skew)
	switch own := c.last.Add(now.Sub(c.seen)); {
	case !at.IsZero():
		shown = shown.Add(now.Sub(at))
	case !c.seen.IsZero():
		if own.After(shown) {
			shown = own
		}
	case wall.After(shown):
		shown = wall
	}
	c.last, c.seen, c.offset = shown, now, wall.Sub(shown)
}

// now is called by one goroutine at a time.
func (c *clock) now() time.Time { return c.at(time.Now()) }

func (c *clock) at(t time.Time) time.Time {
	if !c.seen.IsZero() {
		step := t.Sub(c.seen) / catchUp
		c.offset -= min(max(c.offset, -step), step) // towards zero
	}
	wall := t.Round(0).Add(c.skew - c.offset)
	if half := c.last.Add(t.Sub(c.seen) / 2); wall.Before(half) {
		wall = half
	}
	c.last, c.seen = wall, t
	return wall
}
