package queue

import (
	"context"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/partition/message"
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
	w := &world{Cluster: partitiontest.New(t, seed, harmfulLate)}
	for range nodes {
		m := w.Join()
		e := New(m.Set, m.Store, Options{Peers: m, Refresh: func(context.Context) error { return nil }})
		e.mover.every = 100 * time.Millisecond
		declare(e)
		m.Run(e)
		e.Start()
		w.nodes = append(w.nodes, &node{e, m})
	}
	return w
}

// harmfulLate tells whether a request changes what came after it: a purge, or giving
// back a lease, which any lease of a standard message can.
func harmfulLate(request []byte) bool {
	d := newDecoder(request[2:])
	d.Number()
	switch request[1] {
	case opPurge:
		return true
	case opSettle:
		for _, s := range message.Several(&d, 3, maxCount, (*decoder).settlement) {
			if s.Extend {
				return true
			}
		}
	}
	return false
}
