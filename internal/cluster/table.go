package cluster

import (
	"context"
	"encoding/json"
	"sync"
	"time"
)

// report is what a node tells the others about itself, every reportEvery and
// whenever a role changes.
type report struct {
	Node       string            `json:"node"`
	Cluster    string            `json:"cluster,omitempty"` // UUID of the data it has; "" for none
	Count      int               `json:"count,omitempty"`   // of data partitions it has
	Draining   bool              `json:"draining,omitempty"`
	Full       bool              `json:"full,omitempty"` // its disk: what it owns takes nothing new
	Time       int64             `json:"time"`           // unix ms, its own clock
	Partitions []partitionReport `json:"partitions,omitempty"`
}

// partitionReport is one replica.
type partitionReport struct {
	ID      uint16 `json:"id"`
	Role    Role   `json:"role"`
	Epoch   uint64 `json:"epoch"`
	Applied uint64 `json:"applied"` // sequence
	Flushed uint64 `json:"flushed"` // sequence up to which the log is not needed any more
	Seeded  int64  `json:"seeded,omitempty"`
	Problem string `json:"problem,omitempty"`
}

const (
	reportEvery = 500 * time.Millisecond
	// aliveFor is how long a node counts as there after its last report.
	aliveFor = 3 * time.Second
	// absentAfter is how long a node may be silent before the log is trimmed
	// without it: it will have to take the partitions from a peer.
	absentAfter = 10 * time.Minute
)

// table is what this node knows of the others, and of who owns what.
type table struct {
	now   func() time.Time
	began time.Time

	mu      sync.Mutex // guards the rest
	nodes   map[string]*member
	owners  map[uint16]*owner
	changed chan struct{} // closed and replaced when owners or nodes change
}

// member is a node that was heard of.
type member struct {
	report
	heard time.Time
	skew  time.Duration // its clock less ours, with the time its report took
}

// owner is who said last that it owns a partition.
type owner struct {
	node  string // "" while nobody does
	epoch uint64
	// tenure ends when another epoch begins, or a moment after the node gave the
	// partition up.
	tenure context.Context
	end    context.CancelFunc
}

// answerTime is how long the answers of a node that gave a partition up may still be
// on their way: it finished what it had before it said so.
const answerTime = 2 * time.Second

func newTable() *table {
	return &table{now: time.Now, began: time.Now(), nodes: map[string]*member{}, owners: map[uint16]*owner{}, changed: make(chan struct{})}
}

// hear takes a report in.
func (t *table) hear(data []byte) {
	var r report
	if json.Unmarshal(data, &r) != nil || r.Node == "" {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	news := t.nodes[r.Node] == nil
	t.nodes[r.Node] = &member{report: r, heard: now, skew: time.Duration(r.Time-now.UnixMilli()) * time.Millisecond}
	for _, p := range r.Partitions {
		news = t.claim(r.Node, p) || news
	}
	if news {
		close(t.changed)
		t.changed = make(chan struct{})
	}
}

// claim notes what a node says of a partition, and reports whether its owner
// changed. The highest epoch is right, whoever is heard last.
func (t *table) claim(node string, p partitionReport) bool {
	o := t.owners[p.ID]
	if o == nil {
		o = &owner{end: func() {}}
		t.owners[p.ID] = o
	}
	switch {
	case p.Role == RoleOwner && p.Epoch >= o.epoch && (node != o.node || p.Epoch != o.epoch):
		o.end()
		o.node, o.epoch = node, p.Epoch
		o.tenure, o.end = context.WithCancel(context.Background())
		return true
	case p.Role != RoleOwner && node == o.node:
		time.AfterFunc(answerTime, o.end)
		o.node, o.end = "", func() {}
		return true
	}
	return false
}

// owner returns who owns a partition, "" if nobody is known to, a context that
// ends with that ownership, and a channel that is closed when there is news.
func (t *table) owner(partition uint16) (node string, tenure context.Context, news <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if o := t.owners[partition]; o != nil && o.node != "" {
		return o.node, o.tenure, t.changed
	}
	return "", nil, t.changed
}

// members returns all nodes, and which of them are alive.
func (t *table) members() (all map[string]member, alive map[string]bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	all, alive = map[string]member{}, map[string]bool{}
	for name, m := range t.nodes {
		all[name] = *m
		alive[name] = t.now().Sub(m.heard) < aliveFor
	}
	return all, alive
}

// forget removes a node that was taken out of the cluster.
func (t *table) forget(node string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.nodes, node)
}

// close ends every tenure.
func (t *table) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, o := range t.owners {
		o.end()
	}
}

func (m *member) partition(id uint16) (partitionReport, bool) {
	for _, p := range m.Partitions {
		if p.ID == id {
			return p, true
		}
	}
	return partitionReport{}, false
}

// donor returns a node whose copy of a partition is whole: one that follows rather
// than the owner, which has enough to do.
func (t *table) donor(partition uint16, except string) string {
	all, alive := t.members()
	best, bestSeq, owner := "", uint64(0), ""
	for name, m := range all {
		p, ok := m.partition(partition)
		if !ok || !alive[name] || name == except || p.Problem != "" {
			continue
		}
		switch {
		case p.Role == RoleOwner:
			owner = name
		case p.Role == RoleFollowing && (best == "" || p.Applied > bestSeq):
			best, bestSeq = name, p.Applied
		}
	}
	if best == "" {
		return owner
	}
	return best
}

// followers returns the nodes that are alive and whose copy of a partition is whole.
func (t *table) followers(partition uint16, except string) (nodes []string) {
	all, alive := t.members()
	for name, m := range all {
		p, ok := m.partition(partition)
		if ok && alive[name] && name != except && (p.Role == RoleFollowing || p.Role == RoleOwner || p.Role == RoleTaking) {
			nodes = append(nodes, name)
		}
	}
	return nodes
}

// heir returns the node that should own a partition instead of this one: whole,
// with room on its disk if one has any, with the fewest others, and up to date.
func (t *table) heir(partition uint16, except string) string {
	all, alive := t.members()
	best, bestFull, bestOwned, bestSeq := "", false, 0, uint64(0)
	for name, m := range all {
		p, ok := m.partition(partition)
		if !ok || p.Role != RoleFollowing || !alive[name] || m.Draining || name == except {
			continue
		}
		owned := m.owned()
		if best == "" || bestFull && !m.Full ||
			bestFull == m.Full && (owned < bestOwned || owned == bestOwned && p.Applied > bestSeq) {
			best, bestFull, bestOwned, bestSeq = name, m.Full, owned, p.Applied
		}
	}
	return best
}

// state is what the status calls it.
func (m *member) state(alive bool) string {
	switch {
	case !alive:
		return stateSilent
	case m.Draining:
		return "draining"
	case m.Full:
		return stateFull
	}
	return "up"
}

// States in which a node needs somebody's help.
const (
	stateSilent = "silent"
	stateFull   = "disk full"
)

func (m *member) owned() (n int) {
	for _, p := range m.Partitions {
		if p.Role == RoleOwner || p.Role == RoleTaking {
			n++
		}
	}
	return n
}
