package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/pause"
	"github.com/spillway/spillway/internal/store"
)

// Role is what a node does for a partition at the moment.
type Role string

// Roles of a replica.
const (
	RoleStarting  Role = "starting"
	RoleFollowing Role = "following"
	RoleTaking    Role = "taking over" // leads the log, not yet the owner
	RoleOwner     Role = "owner"
	RoleSeeding   Role = "seeding" // takes the content from a peer
	RoleFailed    Role = "failed"  // the store cannot be written
)

const (
	leadPoll     = 50 * time.Millisecond
	retryPause   = 250 * time.Millisecond
	repeatAfter  = 10 * time.Second // before a message is repeated
	prepareLimit = 5 * time.Second
)

// replica is this node's copy of one partition. Its goroutine follows the log, or
// owns the partition while this node leads the log: ownership is leadership plus a
// barrier (ENGINE.md 6.2).
type replica struct {
	id     uint16
	log    Log
	uuid   uuid
	p      *partition.Partition
	store  *store.Store
	logger *slog.Logger
	hooks  hooks

	draining atomic.Bool // never own again: step down instead
	yield    chan string // 1 slot: hand over to this node ("" for any)
	changed  func()      // role or epoch changed
	ctx      context.Context
	stop     context.CancelFunc
	ended    chan struct{} // run has returned
	missed   time.Time     // since when JetStream does not count this node; of upkeep
	halted   string        // why it cannot own what it leads, of run

	mu      sync.Mutex // guards the rest
	role    Role
	at      position // applied to the store
	flushed uint64   // sequence that is durable without the log
	seeded  time.Time
	problem string // why it is not following, for people
	size    logSize
	// Since the start of the process.
	ownerships, reseeds int
}

// logSize is a log when its owner last looked.
type logSize struct{ trimmed, first, last, bytes uint64 }

// hooks are what a replica needs of the rest of the node.
type hooks struct {
	// seed fills a replica that has nothing, or nothing usable; copied tells whether
	// from a peer.
	seed func(ctx context.Context, r *replica) (copied bool, err error)
	// prepare is called between the barrier and ownership: everything that other
	// partitions committed before the barrier must be visible here afterwards.
	prepare func(ctx context.Context, partition uint16) error
	// owned is told when ownership has come or gone.
	owned func(partition uint16, owned bool)
	// heir is the node that would best own the partition, "" for none.
	heir func(partition uint16) string
}

// run follows and owns until ctx ends.
func (r *replica) run(ctx context.Context) {
	a := &applier{store: r.store, p: r.p, stored: r.applied}
	said, at := "", time.Time{}
	for ctx.Err() == nil {
		err := r.turn(ctx, a)
		if err == nil || ctx.Err() != nil {
			continue
		}
		if r.store.Err() != nil {
			r.become(RoleFailed, "the store failed")
			r.refuse(ctx)
			return
		}
		if errors.Is(err, errShort) {
			r.halted = err.Error()
		}
		r.trouble(err)
		// As long as nothing changes, once in a while is enough.
		if text := err.Error(); text != said || time.Since(at) > repeatAfter {
			r.logger.Warn("replica interrupted", "error", err)
			said, at = text, time.Now()
		}
		pause.For(ctx, retryPause)
	}
}

// turn is one round: find out where the store is, repair it if it must be, follow
// the log, and own the partition if the lead came to this node.
func (r *replica) turn(ctx context.Context, a *applier) error {
	err := a.load(r.uuid)
	if err == nil {
		if err = r.p.Reset(); err != nil {
			return err
		}
		r.become(RoleFollowing, r.halted)
		err = r.follow(ctx, a)
	}
	if errors.Is(err, errDamaged) || errors.Is(err, errNoPosition) || errors.Is(err, ErrTrimmed) {
		return r.repair(ctx, err)
	}
	if err != nil || ctx.Err() != nil {
		return err
	}
	return r.own(ctx, a)
}

// follow applies the log until this node leads it and has applied all of it (nil),
// or until something is wrong.
func (r *replica) follow(ctx context.Context, a *applier) error {
	tailing, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- r.log.Tail(tailing, a.at.seq+1, a.begun, a.take) }() // waited for below
	defer stop()
	poll := time.NewTicker(leadPoll)
	defer poll.Stop()
	for {
		select {
		case err := <-ended:
			return err
		case <-poll.C:
		case to := <-r.yield:
			if r.log.Leads() {
				r.stepDown(ctx, to)
			}
		}
		if !r.log.Leads() {
			continue
		}
		if r.draining.Load() {
			r.stepDown(ctx, r.hooks.heir(r.id))
			continue
		}
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) || ctx.Err() != nil {
			return err
		}
		return r.catchUp(ctx, a)
	}
}

// catchUp applies the rest of the log that this node leads. It reads it message by
// message, from its own disk: what a follower is fed by may have been on the node
// that died.
func (r *replica) catchUp(ctx context.Context, a *applier) error {
	info, err := r.log.Info(ctx)
	if err != nil {
		return err
	}
	if info.Last < a.at.seq {
		return fmt.Errorf("%w: it ends at %d, %d was applied", errShort, info.Last, a.at.seq)
	}
	for seq := a.at.seq + 1; seq <= info.Last; seq++ {
		message, ok, err := r.log.Read(ctx, seq)
		switch {
		case err != nil:
			return err
		case !ok && seq < info.First:
			return ErrTrimmed
		case !ok:
			return fmt.Errorf("%w: sequence %d of %d is missing", errDamaged, seq, info.Last)
		}
		if err := a.take(seq, message); err != nil {
			return err
		}
	}
	return nil // the barrier finds out whether that was all
}

// errShort: the log lost messages that were acknowledged, on a majority of nodes.
// Nothing is repaired by itself then.
var errShort = errors.New("the log has lost what was acknowledged")

// own writes the barrier and owns the partition until the lead is lost, another
// node took over, or it is to be handed over.
func (r *replica) own(ctx context.Context, a *applier) error {
	began := time.Now()
	r.become(RoleTaking, "")
	tenancy, end := context.WithCancel(ctx)
	defer end()
	stopWatch := r.watchLead(tenancy, end)
	defer stopWatch()
	t := newTenure(tenancy, r.log, r.id, a.at, r.applied)
	if err := t.barrier(r.store); err != nil {
		if errors.Is(err, partition.ErrNotOwner) {
			r.logger.Info("did not become owner: go on following", "reason", err)
			return nil
		}
		return err
	}
	preparing, cancel := context.WithTimeout(tenancy, prepareLimit)
	err := r.hooks.prepare(preparing, r.id)
	cancel()
	if err != nil {
		return fmt.Errorf("catch up with the catalog before owning: %w", err)
	}
	at := t.head // the partition's loop moves it on from here
	t.time = r.p.Time
	shown, seen := a.clock.since(time.UnixMilli(at.time))
	if err := r.p.Own(t, shown, seen); err != nil {
		return err
	}
	r.halted = ""
	r.become(RoleOwner, "")
	r.hooks.owned(r.id, true)
	r.logger.Info("owner of the partition", "epoch", at.epoch, "sequence", at.seq, "took", time.Since(began).Round(time.Millisecond))
	reason := r.serve(ctx, tenancy)
	end()
	r.p.Release()
	a.clock.see(r.p.Shown())
	r.become(RoleFollowing, "")
	r.hooks.owned(r.id, false)
	r.logger.Info("no longer owner of the partition", "epoch", at.epoch, "reason", reason)
	return nil
}

// serve returns, with the reason, when ownership is over.
func (r *replica) serve(ctx, tenancy context.Context) string {
	select {
	case <-ctx.Done():
		return "this node stops"
	case <-tenancy.Done():
		return "another node leads the log"
	case <-r.p.Ended():
		return "another node took over, or the log could not be written"
	case to := <-r.yield:
		return r.handOver(ctx, to)
	}
}

// handOver finishes what was submitted and gives the lead away, so that no request
// fails: those that come meanwhile wait for the next owner.
func (r *replica) handOver(ctx context.Context, to string) string {
	resigning, cancel := context.WithTimeout(ctx, prepareLimit)
	defer cancel()
	if err := r.p.Resign(resigning); err != nil {
		return "handed over, after commands did not end in time"
	}
	r.become(RoleFollowing, "")
	r.stepDown(ctx, to)
	if to == "" {
		return "handed over"
	}
	return "handed over to " + to
}

func (r *replica) stepDown(ctx context.Context, to string) {
	ctx, cancel := context.WithTimeout(ctx, prepareLimit)
	defer cancel()
	if err := r.log.StepDown(ctx, to); err != nil && ctx.Err() == nil {
		r.logger.Warn("give up the lead of the log", "error", err)
	}
}

// watchLead ends a tenancy when the lead is lost. stop waits for it.
func (r *replica) watchLead(tenancy context.Context, end context.CancelFunc) (stop func()) {
	var watching sync.WaitGroup
	watching.Go(func() {
		poll := time.NewTicker(leadPoll)
		defer poll.Stop()
		for {
			select {
			case <-tenancy.Done():
				return
			case <-poll.C:
				if !r.log.Leads() {
					end()
					return
				}
			}
		}
	})
	return func() { end(); watching.Wait() }
}

// repair takes the partition's content from a peer, because of why.
func (r *replica) repair(ctx context.Context, why error) error {
	if r.become(RoleSeeding, why.Error()) && !errors.Is(why, errNoPosition) {
		r.logger.Warn("this copy of the partition cannot be used: taking a peer's", "reason", why)
	}
	if r.log.Leads() {
		r.stepDown(ctx, r.hooks.heir(r.id)) // this node can not own it now
	}
	copied, err := r.hooks.seed(ctx, r)
	if copied {
		r.mu.Lock()
		r.seeded = time.Now()
		r.reseeds++
		r.mu.Unlock()
	}
	return err
}

// refuse keeps away from the lead until ctx ends.
func (r *replica) refuse(ctx context.Context) {
	for pause.For(ctx, retryPause) {
		if r.log.Leads() {
			r.stepDown(ctx, r.hooks.heir(r.id))
		}
	}
}

// applied notes how far the store is.
func (r *replica) applied(at position) {
	r.mu.Lock()
	r.at = at
	r.mu.Unlock()
}

func (r *replica) position() position {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.at
}

// trouble says why the replica has to begin again, until it does.
func (r *replica) trouble(err error) {
	r.mu.Lock()
	r.problem = err.Error()
	r.mu.Unlock()
	r.changed()
}

// become takes a role, and reports whether that is a change.
func (r *replica) become(role Role, problem string) (changed bool) {
	r.mu.Lock()
	changed = r.role != role
	r.role, r.problem = role, problem
	if changed && role == RoleOwner {
		r.ownerships++
	}
	r.mu.Unlock()
	if changed {
		r.changed()
	}
	return changed
}
