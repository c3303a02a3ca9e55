package stream

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/pause"
	"github.com/spillway/spillway/internal/stream/core"
)

// What has expired is not shown from that moment on, and leaves the disk some time
// later: up to an hundredth of the retention, at most ten minutes. The partition's
// goroutine only finds which shards are due. Where their records expire is searched by
// a goroutine beside it, as that may read the disk; then one command deletes a range of
// each. A range costs the same whatever it holds, so writers are not held up.
const (
	trimBatch = 64 // shards of one command
	trimRetry = time.Second
)

// trimSpacing is how late a shard with a retention is looked at, in ms.
func trimSpacing(retention int64) int64 { return min(max(retention/100, 100), 600_000) }

// expiry is a shard whose records from before a time have expired.
type expiry struct {
	s      *Shard
	cutoff int64
}

// trims are the shards of a partition that are due. Its goroutine lives while there
// are any.
type trims struct {
	mu      sync.Mutex // guards the fields below
	due     []expiry
	running bool
}

func (t *trims) add(m *machine, x expiry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.due = append(t.due, x)
	if !t.running {
		t.running = m.engine.spawn(m.runTrims)
	}
}

// forget drops what is due: the partition is not this node's any more.
func (t *trims) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.due = nil
}

// take returns some of what is due; none means that the goroutine has to end.
func (t *trims) take() []expiry {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := min(len(t.due), trimBatch)
	some := t.due[:n:n]
	if t.due = t.due[n:]; n == 0 {
		t.due, t.running = nil, false
	}
	return some
}

// runTrims is the goroutine.
func (m *machine) runTrims() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	m.engine.spawn(func() { // so that no pause outlives the engine
		select {
		case <-m.engine.quit:
			cancel()
		case <-ctx.Done():
		}
	})
	for {
		due := m.trims.take()
		if len(due) == 0 {
			return
		}
		c := &trimCommand{Call: partition.NewCall(), m: m}
		for _, x := range due {
			select {
			case <-m.engine.quit:
				return
			default:
			}
			c.find(x)
		}
		if c.failed && !pause.For(ctx, trimRetry) {
			return
		}
		for m.submit(c) {
			if !pause.For(ctx, trimRetry) {
				return
			}
		}
	}
}

// submit runs the command, and reports whether it has to be tried again.
func (m *machine) submit(c *trimCommand) bool {
	m.p.Submit(c)
	err := c.Wait()
	select {
	case <-m.engine.quit:
		return false
	default:
		return errors.Is(err, partition.ErrBusy)
	}
}

// trimCommand trims shards.
type trimCommand struct {
	partition.Call
	m      *machine
	found  []found
	failed bool // some were not found
}

// found is where the records that have not expired begin.
type found struct {
	expiry
	to   uint64
	time int64 // of the record there, 0 if there is none
	// failed: that is not known, and the shard is due again.
	failed bool
}

// find searches one shard.
func (c *trimCommand) find(x expiry) {
	g, err := x.s.glance()
	if err != nil {
		return // deleted, or another node's now: nothing is to be trimmed here
	}
	to, at, err := core.Search(x.s.source(), g.First, g.Next, x.cutoff)
	if err != nil {
		c.m.engine.logger.Error("find what has expired: it is tried again", "shard", x.s.id, "error", err)
		c.found, c.failed = append(c.found, found{expiry: x, failed: true}), true
		return
	}
	c.found = append(c.found, found{expiry: x, to: to, time: at})
}

// Run implements partition.Command. Nobody waits for it to be durable: what a crash
// brings back is trimmed again.
func (c *trimCommand) Run(tx *partition.Tx) {
	tx.Relax()
	m := c.m
	for _, f := range c.found {
		l := m.locals[f.s.id]
		if l == nil {
			continue
		}
		l.trimmed = false
		if !f.failed {
			l.core.Trim(m.begin(tx, l), f.to, f.time, f.cutoff)
		}
		m.schedule(l)
	}
}
