package gateway

import "testing"

// TestKeptBuffers: connections keep large buffers up to a limit, and give back what they
// counted.
func TestKeptBuffers(t *testing.T) {
	g := &Gateway{}
	a, b := &conn{g: g}, &conn{g: g}
	for _, step := range []struct {
		c    *conn
		size int
		want bool
		sum  int64
	}{
		{a, keptBody, true, 0},
		{a, keptBody + 1, true, keptBody + 1},
		{a, maxKept / 2, true, maxKept / 2},
		{b, maxKept/2 + 1, false, maxKept / 2},
		{b, maxKept / 2, true, maxKept},
		{b, maxKept/2 + 1, false, maxKept / 2},
		{a, 0, true, 0},
		{b, 0, true, 0},
	} {
		if got := step.c.keep(step.size); got != step.want || g.kept.Load() != step.sum {
			t.Errorf("keep %d: %v with %d in all, want %v with %d", step.size, got, g.kept.Load(), step.want, step.sum)
		}
	}
}
