package stream

import (
	"context"
	"testing"

	"github.com/spillway/spillway/internal/partition/partitiontest"
)

// world is nodes with engines in one process.
type world struct {
	*partitiontest.Cluster
	nodes []*node
}

// node is one member of a world.
type node struct {
	*Engine
	*partitiontest.Member
}

func newWorld(t *testing.T, seed uint64, nodes int, declare func(e *Engine)) *world {
	t.Helper()
	w := &world{Cluster: partitiontest.New(t, seed, nil)}
	for range nodes {
		m := w.Join()
		e := New(m.Set, m.Store, Options{Peers: m, Refresh: func(context.Context) error { return nil }, CacheBytes: 50_000})
		declare(e)
		m.Run(e)
		w.nodes = append(w.nodes, &node{e, m})
	}
	return w
}
