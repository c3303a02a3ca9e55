package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spillway/spillway/internal/cluster/bus"
	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/pause"
	"github.com/spillway/spillway/internal/store"
)

// Config of a Node.
type Config struct {
	bus.Config
	// Partitions of a new cluster's data; 0 for two a node, 16 at most.
	Partitions int
	// Size is how many nodes the cluster is meant to have.
	Size  int
	Store *store.Store
}

// Names of calls between nodes, besides those of Peers.
const (
	callSeedOpen  = "seed.open"
	callSeedRead  = "seed.read"
	callSeedClose = "seed.close"
	castReport    = "report"
	castForget    = "forget"
)

// Node is this process in the cluster.
type Node struct {
	node   string
	config Config
	bus    *bus.Bus
	store  *store.Store
	logger *slog.Logger
	table  *table
	donor  *donor

	identity identity
	forwards []*Peers
	hooks    Hooks
	set      *partition.Set

	ctx      context.Context // ends with Close
	stop     context.CancelFunc
	work     sync.WaitGroup
	draining atomic.Bool
	announce chan struct{} // 1 slot: tell the others soon

	mu       sync.Mutex // guards replicas
	replicas map[uint16]*replica
}

// Hooks are what the cluster tells the server.
type Hooks struct {
	// Refresh returns when everything committed to the catalog before the call is
	// visible on this node.
	Refresh func(ctx context.Context) error
	// Owned is told when this node's ownership of a partition has come or gone. It
	// must not block for long.
	Owned func(partition uint16, owned bool)
}

// Join starts this process's part of the cluster and returns when the cluster has a
// majority and this node knows how its data is divided. The first time it waits for
// every node. Nothing is replicated before Run.
func Join(ctx context.Context, c Config) (_ *Node, err error) {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	n := &Node{
		node: c.Node, config: c, store: c.Store, logger: c.Logger, table: newTable(),
		announce: make(chan struct{}, 1), replicas: map[uint16]*replica{},
	}
	n.donor = newDonor(c.Store, n.usable)
	n.ctx, n.stop = context.WithCancel(context.Background())
	held, err := readIdentity(c.Store)
	if err != nil {
		return nil, err
	}
	if n.bus, err = bus.Start(ctx, c.Config); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			n.Close()
		}
	}()
	if err := n.bus.Listen(castReport, n.table.hear); err != nil {
		return nil, err
	}
	if err := n.bus.Listen(castForget, func(node []byte) { n.table.forget(string(node)) }); err != nil {
		return nil, err
	}
	n.identity = held
	n.work.Go(n.reportLoop)
	n.logger.Info("waiting for a majority of the cluster", "cluster", c.Cluster, "node", c.Node, "peers", c.Peers)
	if err := n.bus.Ready(ctx); err != nil {
		return nil, fmt.Errorf("cluster %s: no majority of the nodes answered: %w", c.Cluster, err)
	}
	if err := n.agree(ctx, held); err != nil {
		return nil, err
	}
	return n, nil
}

// Partitions is the number of data partitions, for the Set that Run gets.
func (n *Node) Partitions() int { return n.identity.Partitions }

// Peers returns what forwards the requests of one engine to owners, under a name
// that is the same on all nodes. serve executes those that come here. It must be
// called before Run.
func (n *Node) Peers(name string, serve partition.Serve) *Peers {
	p := &Peers{n: n, name: "call." + name, serve: serve}
	n.forwards = append(n.forwards, p)
	return p
}

// Run begins to replicate the partitions of a set, which must have been started.
func (n *Node) Run(set *partition.Set, h Hooks) error {
	n.set, n.hooks = set, h
	for _, p := range n.forwards {
		if err := n.bus.Handle(p.name, p.answer); err != nil {
			return err
		}
	}
	for name, h := range map[string]bus.Handler{callSeedOpen: n.donor.open, callSeedRead: n.donor.read, callSeedClose: n.donor.close} {
		if err := n.bus.Handle(name, h); err != nil {
			return err
		}
	}
	n.place()
	n.work.Go(n.upkeepLoop)
	return nil
}

// newReplica prepares this node's copy of a partition.
func (n *Node) newReplica(id uint16) *replica {
	r := &replica{
		id: id, log: stream{n.bus.OpenLog(logName(id))}, uuid: n.identity.log(id), p: n.set.Get(id), store: n.store,
		logger: n.logger.With("partition", id), yield: make(chan string, 1), changed: n.tell, role: RoleStarting,
	}
	r.hooks = hooks{
		seed: n.seed,
		prepare: func(ctx context.Context, id uint16) error {
			if id == 0 {
				return nil // it is the catalog itself
			}
			return n.hooks.Refresh(ctx)
		},
		owned: n.hooks.Owned,
		heir:  func(id uint16) string { return n.table.heir(id, n.node) },
	}
	r.draining.Store(n.draining.Load())
	return r
}

// seed fills a replica: with nothing if the log begins with nothing and reaches
// back to its beginning, else from a peer.
func (n *Node) seed(ctx context.Context, r *replica) (copied bool, err error) {
	_, held, err := readPosition(r.store, r.id)
	if err == nil && !held && !n.identity.Seeded {
		info, err := r.log.Info(ctx)
		if err != nil {
			return false, err
		}
		if info.First <= 1 {
			b := n.store.NewBatch()
			start := position{state: stateApplied, log: r.uuid}
			b.Set(positionKey(r.id), start.encode())
			return false, b.Commit(false)
		}
	}
	err = n.takeSeed(ctx, r)
	return err == nil, err
}

// usable tells whether peers may copy a partition from here.
func (n *Node) usable(id uint16) bool {
	r := n.replica(id)
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.role == RoleFollowing || r.role == RoleOwner || r.role == RoleTaking
}

func (n *Node) replica(id uint16) *replica {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.replicas[id]
}

func (n *Node) all() []*replica {
	n.mu.Lock()
	defer n.mu.Unlock()
	out := make([]*replica, 0, len(n.replicas))
	for _, r := range n.replicas {
		out = append(out, r)
	}
	return out
}

// tell has the others told soon about a change.
func (n *Node) tell() {
	select {
	case n.announce <- struct{}{}:
	default:
	}
}

// reportLoop tells the others about this node until it is closed.
func (n *Node) reportLoop() {
	tick := time.NewTicker(reportEvery)
	defer tick.Stop()
	for {
		data, err := json.Marshal(n.report())
		if err == nil {
			err = n.bus.Broadcast(castReport, data)
		}
		if err != nil && n.ctx.Err() == nil {
			n.logger.Debug("report to the cluster", "error", err)
		}
		select {
		case <-n.ctx.Done():
			return
		case <-tick.C:
		case <-n.announce:
		}
	}
}

func (n *Node) report() report {
	r := report{Node: n.node, Draining: n.draining.Load(), Full: n.store.Full(), Time: time.Now().UnixMilli()}
	n.mu.Lock()
	if n.identity.known() {
		r.Cluster, r.Count = n.identity.Cluster, n.identity.Partitions
	}
	n.mu.Unlock()
	for _, x := range n.all() {
		r.Partitions = append(r.Partitions, x.report())
	}
	return r
}

func (r *replica) report() partitionReport {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := partitionReport{ID: r.id, Role: r.role, Epoch: r.at.epoch, Applied: r.at.seq, Flushed: r.flushed, Problem: r.problem}
	if !r.seeded.IsZero() {
		p.Seeded = r.seeded.UnixMilli()
	}
	return p
}

// Drain hands over everything that this node owns, and returns when others own it
// or ctx ends. The node goes on to forward and to follow.
func (n *Node) Drain(ctx context.Context) {
	n.draining.Store(true)
	for _, r := range n.all() {
		r.draining.Store(true)
		select {
		case r.yield <- n.table.heir(r.id, n.node):
		default: // it is about to hand over anyway
		}
	}
	n.tell()
	for n.leadsAny() && pause.For(ctx, leadPoll) {
	}
}

// leadsAny tells whether a partition still has no other owner than this node.
func (n *Node) leadsAny() bool {
	for _, r := range n.all() {
		if node, _, _ := n.table.owner(r.id); node == "" || node == n.node {
			return true
		}
	}
	return false
}

// Close leaves the cluster: what is still owned is released. The set and the store
// must be open still.
func (n *Node) Close() {
	n.stop()
	n.work.Wait()
	n.table.close()
	if n.bus != nil {
		n.bus.Close()
	}
	n.donor.sweep(true) // when no peer can ask for a snapshot any more: an open one holds the store
}

var errForeign = errors.New("the data folder does not belong to this cluster")
