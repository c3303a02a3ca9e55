package cluster

import (
	"context"
	"slices"
	"time"

	"github.com/spillway/spillway/internal/cluster/bus"
	"github.com/spillway/spillway/internal/store"
)

const (
	upkeepEvery  = time.Second
	flushEvery   = 20 * time.Second
	trimEvery    = 10 * time.Second
	placeEvery   = time.Second
	leaveAfter   = time.Minute
	balanceEvery = 5 * time.Second
	// balanceAfter is how long the cluster must have been the same before ownership
	// is moved for balance.
	balanceAfter = 10 * time.Second
	replicaCount = 3
	metadataKey  = "spillway"
)

// spec is how the log of a partition is made.
func (n *Node) spec(id uint16, i identity) bus.LogSpec {
	return bus.LogSpec{Name: logName(id), Replicas: min(replicaCount, n.config.Size), Metadata: map[string]string{metadataKey: i.metadata()}}
}

// upkeepLoop does what has to be done now and then.
func (n *Node) upkeepLoop() {
	tick := time.NewTicker(upkeepEvery)
	defer tick.Stop()
	var flushed, trimmed, placed time.Time
	balanced := time.Now().Add(balanceAfter)
	for {
		select {
		case <-n.ctx.Done():
			return
		case <-tick.C:
		}
		n.donor.sweep(false)
		now := time.Now()
		if now.Sub(flushed) >= flushEvery {
			n.flush()
			flushed = now
		}
		if now.Sub(trimmed) >= trimEvery {
			n.trim()
			trimmed = now
		}
		if now.Sub(placed) >= placeEvery {
			n.place()
			placed = now
		}
		if now.Sub(balanced) >= balanceEvery {
			n.balance()
			balanced = now
		}
	}
}

// flush makes what was applied durable here, so that the log can be trimmed.
func (n *Node) flush() {
	all := n.all()
	reached := make([]uint64, len(all))
	behind := false
	for i, r := range all {
		r.mu.Lock()
		reached[i] = r.at.seq
		behind = behind || r.at.seq > r.flushed
		r.mu.Unlock()
	}
	if !behind {
		return
	}
	if err := n.store.Flush(); err != nil {
		if n.ctx.Err() == nil {
			n.logger.Error("flush the store", "error", err)
		}
		return
	}
	for i, r := range all {
		r.mu.Lock()
		// A partition that was replaced meanwhile is at another place now.
		if r.role != RoleSeeding && r.at.seq >= reached[i] {
			r.flushed = max(r.flushed, reached[i])
		}
		r.mu.Unlock()
	}
}

// pin keeps the log from a sequence on while the replica is copied from a peer.
func (r *replica) pin(seq uint64) {
	r.mu.Lock()
	r.flushed = seq
	r.mu.Unlock()
	r.changed()
}

// trim removes from the logs of owned partitions what every replica has durably.
func (n *Node) trim() {
	for _, r := range n.all() {
		r.mu.Lock()
		owner, trimmed := r.role == RoleOwner, r.size.trimmed
		r.mu.Unlock()
		if !owner {
			continue
		}
		ctx, cancel := context.WithTimeout(n.ctx, trimEvery)
		if info, err := r.log.Info(ctx); err == nil {
			floor := n.floor(r.id, info.Replicas)
			if floor > trimmed && floor >= info.First {
				if err := r.log.Trim(ctx, floor); err != nil {
					n.logger.Warn("trim the log", "partition", r.id, "error", err)
				} else {
					trimmed = floor
				}
			}
			r.mu.Lock()
			r.size = logSize{trimmed, info.First, info.Last, info.Bytes}
			r.mu.Unlock()
		}
		cancel()
	}
}

// floor is the sequence up to which a log is not needed: the lowest that is durable
// on the nodes that keep the partition, without those that have been silent for
// long. A majority has to be among the others, or there is too little left to
// rely on.
func (n *Node) floor(id uint16, replicas []string) uint64 {
	all, _ := n.table.members()
	if id == 0 { // every node keeps the catalog
		for name := range all {
			if !slices.Contains(replicas, name) {
				replicas = append(replicas, name)
			}
		}
	}
	floor, counted := uint64(0), 0
	for _, name := range replicas {
		m, heard := all[name]
		if !heard {
			m.heard = n.table.began // silent since before this node was there, for all it knows
		}
		if n.table.now().Sub(m.heard) > absentAfter {
			continue
		}
		p, ok := m.partition(id)
		if !ok {
			return 0 // it has yet to say
		}
		if counted == 0 || p.Flushed < floor {
			floor = p.Flushed
		}
		counted++
	}
	if 2*counted <= len(replicas) {
		return 0
	}
	return floor
}

// place starts the replicas that this node should have, and stops those that it
// should not: JetStream says which nodes keep a log. The catalog is on every node.
func (n *Node) place() {
	for id := range n.identity.Partitions + 1 {
		id := uint16(id)
		kept := id == 0 || n.bus.OpenLog(logName(id)).Kept()
		switch r := n.replica(id); {
		case kept && r == nil:
			n.begin(id)
		case kept && r != nil:
			r.missed = time.Time{}
		case r != nil:
			n.leave(r)
		}
	}
}

// leave stops a replica that has moved to other nodes: when the log's leader says so
// too, and for a while. What is given up here is a copy of the data.
func (n *Node) leave(r *replica) {
	if r.missed.IsZero() {
		r.missed = time.Now()
	}
	if time.Since(r.missed) < leaveAfter {
		return
	}
	ctx, cancel := context.WithTimeout(n.ctx, placeEvery)
	defer cancel()
	info, err := r.log.Info(ctx)
	if err == nil && len(info.Replicas) == min(replicaCount, n.config.Size) && !slices.Contains(info.Replicas, n.node) {
		n.end(r)
	}
}

func (n *Node) begin(id uint16) {
	r := n.newReplica(id)
	r.ctx, r.stop = context.WithCancel(n.ctx)
	r.ended = make(chan struct{})
	n.mu.Lock()
	n.replicas[id] = r
	n.mu.Unlock()
	n.work.Go(func() {
		defer close(r.ended)
		r.run(r.ctx)
	})
}

// end stops a replica that moved to another node, and frees its space.
func (n *Node) end(r *replica) {
	r.stop()
	<-r.ended
	n.mu.Lock()
	delete(n.replicas, r.id)
	n.mu.Unlock()
	b := n.store.NewBatch()
	lo, hi := store.PartitionBounds(r.id)
	b.DeleteRange(lo, hi)
	if err := b.Commit(false); err != nil {
		n.logger.Warn("remove a partition that moved away", "partition", r.id, "error", err)
		return
	}
	n.logger.Info("the partition moved to other nodes", "partition", r.id)
}

// balance gives one partition away if another node owns fewer by two or more, or if
// this node's disk is full and the other's is not.
func (n *Node) balance() {
	if n.draining.Load() {
		return
	}
	all, alive := n.table.members()
	mine := 0
	var owned []*replica
	for _, r := range n.all() {
		r.mu.Lock()
		if r.role == RoleOwner {
			owned = append(owned, r)
		}
		r.mu.Unlock()
	}
	mine = len(owned)
	slices.SortFunc(owned, func(a, b *replica) int { return int(b.id) - int(a.id) }) // the catalog last
	for _, r := range owned {
		to := n.table.heir(r.id, n.node)
		if to == "" || !alive[to] || all[to].Full {
			continue
		}
		m := all[to]
		p, ok := m.partition(r.id)
		if !ok || m.owned()+1 >= mine && !n.store.Full() || p.Applied+100 < r.position().seq {
			continue
		}
		select {
		case r.yield <- to:
		default:
		}
		return
	}
}
