package cluster

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"
)

// Status is the cluster as one node sees it.
type Status struct {
	Cluster    string            `json:"cluster"`
	Node       string            `json:"node"` // that answers
	Healthy    bool              `json:"healthy"`
	Nodes      []NodeStatus      `json:"nodes"`
	Partitions []PartitionStatus `json:"partitions"`
}

// NodeStatus is one node.
type NodeStatus struct {
	Node     string `json:"node"`
	State    string `json:"state"` // up, draining, silent, disk full
	Owns     int    `json:"owns"`
	Replicas int    `json:"replicas"`
	// HeardMillis is how long ago it was heard of, SkewMillis how far its clock is
	// ahead of this node's.
	HeardMillis int64 `json:"heard_ms"`
	SkewMillis  int64 `json:"skew_ms"`
}

// PartitionStatus is one partition.
type PartitionStatus struct {
	Partition uint16          `json:"partition"` // 0 is the catalog
	Owner     string          `json:"owner"`     // "" for none at the moment
	Epoch     uint64          `json:"epoch"`
	Sequence  uint64          `json:"sequence"` // of the log, as the owner has it; the furthest replica's if no leader answers
	LogBytes  uint64          `json:"log_bytes"`
	LogFirst  uint64          `json:"log_first"`
	Replicas  []ReplicaStatus `json:"replicas"`
}

// ReplicaStatus is one node's copy of a partition.
type ReplicaStatus struct {
	Node    string `json:"node"`
	Role    Role   `json:"role"`
	Applied uint64 `json:"applied"`
	// Lag is how many messages of the log it has not applied, Unflushed how many it
	// would have to read again after a crash.
	Lag       uint64     `json:"lag"`
	Unflushed uint64     `json:"unflushed"`
	Seeded    *time.Time `json:"last_reseed,omitempty"`
	Problem   string     `json:"problem,omitempty"`
}

// Status describes the cluster. It asks for the logs' sizes, within ctx.
func (n *Node) Status(ctx context.Context) Status {
	s := Status{Cluster: n.config.Cluster, Node: n.node, Healthy: true}
	all, alive := n.table.members()
	for name, m := range all {
		x := NodeStatus{
			Node: name, State: m.state(alive[name]), Owns: m.owned(), Replicas: len(m.Partitions),
			HeardMillis: n.table.now().Sub(m.heard).Milliseconds(), SkewMillis: m.skew.Milliseconds(),
		}
		s.Healthy = s.Healthy && x.State != stateSilent && x.State != stateFull
		s.Nodes = append(s.Nodes, x)
	}
	slices.SortFunc(s.Nodes, func(a, b NodeStatus) int { return strings.Compare(a.Node, b.Node) })
	// All at once: a log without a leader does not answer, and would take the time of the others.
	s.Partitions = make([]PartitionStatus, n.identity.Partitions+1)
	var asked sync.WaitGroup
	for id := range s.Partitions {
		asked.Go(func() { s.Partitions[id] = n.partitionStatus(ctx, uint16(id), all, alive) })
	}
	asked.Wait()
	for i := range s.Partitions {
		s.Healthy = s.Healthy && s.Partitions[i].whole()
	}
	return s
}

func (n *Node) partitionStatus(ctx context.Context, id uint16, all map[string]member, alive map[string]bool) PartitionStatus {
	p := PartitionStatus{Partition: id}
	p.Owner, _, _ = n.table.owner(id)
	if info, err := (stream{n.bus.OpenLog(logName(id))}).Info(ctx); err == nil {
		p.LogBytes, p.LogFirst, p.Sequence = info.Bytes, info.First, info.Last
	} else {
		for _, m := range all { // at least what the furthest replica has
			r, _ := m.partition(id)
			p.Sequence = max(p.Sequence, r.Applied)
		}
	}
	for name, m := range all {
		r, ok := m.partition(id)
		if !ok {
			continue
		}
		x := ReplicaStatus{Node: name, Role: r.Role, Applied: r.Applied, Problem: r.Problem}
		if !alive[name] {
			x.Problem = "the node is silent"
		}
		x.Lag = p.Sequence - min(p.Sequence, r.Applied)
		x.Unflushed = r.Applied - min(r.Applied, r.Flushed)
		if r.Seeded != 0 {
			at := time.UnixMilli(r.Seeded).UTC()
			x.Seeded = &at
		}
		if name == p.Owner {
			p.Epoch = r.Epoch
		}
		p.Replicas = append(p.Replicas, x)
	}
	slices.SortFunc(p.Replicas, func(a, b ReplicaStatus) int { return strings.Compare(a.Node, b.Node) })
	return p
}

// whole tells whether the partition has an owner and no replica in trouble.
func (p *PartitionStatus) whole() bool {
	for _, r := range p.Replicas {
		if r.Problem != "" {
			return false
		}
	}
	return p.Owner != ""
}

// Serving tells whether this node can answer for every partition: it knows an owner
// for each. err says which it does not.
func (n *Node) Serving() (missing []uint16) {
	for id := range n.identity.Partitions + 1 {
		if node, _, _ := n.table.owner(uint16(id)); node == "" {
			missing = append(missing, uint16(id))
		}
	}
	return missing
}

// Remove takes a node that will not come back out of the cluster: its replicas move
// to other nodes, if there are enough.
func (n *Node) Remove(ctx context.Context, node string) error {
	if err := n.bus.RemovePeer(ctx, node); err != nil {
		return err
	}
	n.table.forget(node)
	return n.bus.Broadcast(castForget, []byte(node))
}
