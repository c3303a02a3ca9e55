package core

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

var modelSteps = flag.Int("model.steps", 200_000, "steps of the model test, in all")

// kinds are the queues that the model test looks at. Their bounds are so small
// that windows spill, are refilled and shrink all the time.
func kinds() map[string]kind {
	small := limits{
		windowPlain: 8, windowGroups: 24, windowFIFO: 30, chunk: 5, chunkBytes: 600,
		delayWindow: 4, delayChunk: 3, sweepBatch: 3, sweepEvery: 1, rangeDelete: 10,
	}
	large := defaultLimits()
	large.sweepEvery, large.rangeDelete = 1, 10
	out := map[string]kind{
		"standard":              {lim: small},
		"standard delays":       {lim: small, delays: true},
		"standard groups":       {lim: small, groups: 4, delays: true},
		"standard old arrivals": {lim: small, groups: 2, delays: true, old: true},
		"standard large":        {lim: large, groups: 3, delays: true},
		"fifo":                  {lim: small, fifo: true, groups: 4},
		"fifo one group":        {lim: small, fifo: true, groups: 1},
		"fifo delay":            {lim: small, fifo: true, groups: 4, delays: true},
		"fifo large":            {lim: large, fifo: true, groups: 6, delays: true},
	}
	for name, k := range maps.Clone(out) {
		k.replicated = true
		out[name+" replicated"] = k
	}
	return out
}

// TestModel drives each kind of queue and the model through random operations,
// restarts and crashes.
func TestModel(t *testing.T) {
	t.Parallel()
	all := kinds()
	const perWorld = 500
	for name, k := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(1 + *modelSteps/len(all)/perWorld) {
				rng := rand.New(rand.NewPCG(seed, 7))
				w := newWorld(k, rng.IntN, func(format string, args ...any) {
					t.Helper()
					t.Fatalf("seed %d: %s", seed, fmt.Sprintf(format, args...))
				})
				for range perWorld {
					w.step()
				}
				w.drain()
			}
		})
	}
}

// TestModelRapid is TestModel with operations drawn by rapid, which shrinks what
// fails.
func TestModelRapid(t *testing.T) {
	t.Parallel()
	for name, k := range kinds() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				choose := func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "n") }
				w := newWorld(k, choose, t.Fatalf)
				for range choose(120) {
					w.step()
				}
				w.drain()
			})
		})
	}
}
