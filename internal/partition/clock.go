package partition

import "time"

// clock is a wall clock that never goes back, as deadlines and order depend on it.
// When the system's clock was set back, it runs at half speed until that has
// caught up, so that timers are late by a factor and not by the whole step.
type clock struct {
	last time.Time // what now returned; no monotonic reading
	seen time.Time // when, with monotonic reading
}

// advance makes the clock show at least t: what the previous owner saw.
func (c *clock) advance(t time.Time) {
	if t = t.Round(0); t.After(c.last) {
		c.last, c.seen = t, time.Now()
	}
}

// now is called by one goroutine at a time.
func (c *clock) now() time.Time { return c.at(time.Now()) }

func (c *clock) at(t time.Time) time.Time {
	wall := t.Round(0)
	if wall.Before(c.last) {
		wall = c.last.Add(t.Sub(c.seen) / 2)
	}
	c.last, c.seen = wall, t
	return wall
}
