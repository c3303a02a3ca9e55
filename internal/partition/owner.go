package partition

import (
	"context"
	"fmt"
	"time"

	"github.com/spillway/spillway/internal/store"
)

// Own makes this node the owner of a replicated partition: the machines load what
// the store has, and commands run, through log. The partition's time goes on from
// shown, the latest that a previous owner wrote, which reached this node at the time
// at (zero if that is not known). After an error the partition is not owned.
//
// Own, Release, Resign, Reset and Applied are called by whoever decides about
// ownership, one at a time.
func (p *Partition) Own(log Log, shown, at time.Time) error {
	p.mu.Lock()
	p.equip(log)
	p.err, p.closing, p.refusal = nil, false, ErrNotOwner
	p.mu.Unlock()
	p.loop.clock.resume(shown, at)
	if err := p.load(); err != nil {
		p.unload()
		return err
	}
	p.mu.Lock()
	p.owned = true
	p.mu.Unlock()
	p.start()
	return nil
}

// Time is the partition's time as its commands last saw it, for its Log: it may be
// called in Append only.
func (p *Partition) Time() time.Time { return p.loop.clock.last }

// Owned tells whether commands are accepted. It may change at any moment.
func (p *Partition) Owned() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.owned && p.err == nil && !p.closing
}

// Ended is closed when the present ownership has ended, or that of a partition which is
// not replicated: because the log or the store failed, or because it was given up. It is
// valid until the next Own. Any goroutine may call it.
func (p *Partition) Ended() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stopped
}

// Release ends ownership at once, because another node is the owner: commands that
// have not run get ErrNotOwner, those whose batch is on its way what becomes of it.
// It waits for both, so the log must let go of what it was handed.
func (p *Partition) Release() {
	if p.isRunning() {
		p.fail(fmt.Errorf("%w, and was released", ErrNotOwner))
		p.ended()
	}
}

// Shown is the latest time of this node's last ownership, and when its clock showed it;
// zero if it never owned the partition. It must not be called while it does.
func (p *Partition) Shown() (shown, at time.Time) { return p.loop.clock.last, p.loop.clock.seen }

// Resign ends ownership in peace: commands that come from now on get ErrNotOwner,
// those that were submitted before are finished. If ctx ends first it releases,
// and returns ctx's error.
func (p *Partition) Resign(ctx context.Context) error {
	if !p.isRunning() {
		return nil
	}
	p.stop()
	select {
	case <-p.stopped:
		p.ended()
		return nil
	case <-ctx.Done():
		p.Release()
		return ctx.Err()
	}
}

func (p *Partition) isRunning() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.running
}

// ended waits for the goroutines of an ownership, and clears up after them.
func (p *Partition) ended() {
	<-p.stopped
	p.mu.Lock()
	p.owned, p.running = false, false
	left := p.inbox // came in after the loop's last look
	p.inbox = nil
	p.mu.Unlock()
	for _, c := range left {
		c.Done(ErrNotOwner)
	}
	p.unload()
}

func (p *Partition) unload() {
	for _, m := range p.machines {
		m.Unload(ErrStopped)
	}
}

// Reset has the machines that follow read the store anew: at start, after an
// ownership, and when the partition's content was replaced.
func (p *Partition) Reset() error {
	for _, m := range p.machines {
		if f, ok := m.(Follower); ok {
			if err := f.Reset(p.store); err != nil {
				return fmt.Errorf("partition %d: %w", p.id, err)
			}
		}
	}
	return nil
}

// Follows tells whether Applied has any use for this partition.
func (p *Partition) Follows() bool {
	for _, m := range p.machines {
		if _, ok := m.(Follower); ok {
			return true
		}
	}
	return false
}

// Applied tells the machines that follow what the owner wrote, after it was
// applied to the store.
func (p *Partition) Applied(ops []store.Op) {
	for _, m := range p.machines {
		if f, ok := m.(Follower); ok {
			f.Applied(ops)
		}
	}
}
