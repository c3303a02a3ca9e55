package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/cluster"
	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/store"
)

// fill writes n records to both partitions, through a node. What is not known to have
// been done, because the owner changed meanwhile, is done once more.
func (w *world) fill(node int, from, n uint64) (keys []uint64) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for i := from; i < from+n; i++ {
		for id := uint16(1); id <= 2; id++ {
			err := partition.ErrStopped
			for errors.Is(err, partition.ErrStopped) && ctx.Err() == nil {
				_, err = w.nodes[node].peers.Call(ctx, id, key(id, i))
			}
			if err != nil {
				w.t.Fatal(err)
			}
		}
		keys = append(keys, i)
	}
	return keys
}

// hasAll waits until a node has the records.
func (w *world) hasAll(node int, keys []uint64) {
	w.t.Helper()
	for id := uint16(1); id <= 2; id++ {
		eventually(w.t, fmt.Sprintf("node %d, partition %d", node, id), 30*time.Second, func() error { return w.nodes[node].has(id, keys) })
	}
}

// reseeded waits until a node says that it took a partition from a peer and follows.
func (w *world) reseeded(node int, id uint16) {
	w.t.Helper()
	name := fmt.Sprint("n", node)
	eventually(w.t, name+" is whole", 30*time.Second, func() error {
		for _, p := range w.nodes[node].node.Status(context.Background()).Partitions {
			for _, r := range p.Replicas {
				if p.Partition == id && r.Node == name && r.Seeded != nil && (r.Role == cluster.RoleFollowing || r.Role == cluster.RoleOwner) {
					return nil
				}
			}
		}
		return errors.New("not yet")
	})
}

// TestReseed: a replica whose history is not the log's, one that was away for longer
// than the log reaches back, and one that lost its disk are filled from a peer.
func TestReseed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	keys := w.fill(0, 0, 50)
	w.hasAll(2, keys)

	w.stop(2)
	st, err := store.Open(store.Options{Dir: filepath.Join(w.dir, "n2"), Replicated: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(cluster.Damage(st, 1), st.Close()); err != nil {
		t.Fatal(err)
	}
	keys = append(keys, w.fill(0, 50, 10)...)
	w.start(2)
	w.reseeded(2, 1)
	w.hasAll(2, keys)

	w.stop(2)
	keys = append(keys, w.fill(0, 60, 50)...)
	for i := range 2 {
		w.nodes[i].node.TrimWithout("n2")
	}
	eventually(t, "trimmed", 30*time.Second, func() error {
		w.nodes[0].node.TrimWithout("n2")
		w.nodes[1].node.TrimWithout("n2")
		for _, p := range w.nodes[0].node.Status(context.Background()).Partitions[1:] {
			if p.LogFirst < 100 { // node 2 has fewer, and misses some
				return fmt.Errorf("partition %d begins at %d", p.Partition, p.LogFirst)
			}
		}
		return nil
	})
	w.start(2)
	w.reseeded(2, 1)
	w.reseeded(2, 2)
	w.hasAll(2, keys)
	keys = append(keys, w.fill(2, 110, 10)...)
	w.hasAll(2, keys)
}

// TestInit: the data of a single machine becomes the first node's, and the others
// copy it.
func TestInit(t *testing.T) {
	t.Parallel()
	w := prepareWorld(t, 3)
	st, err := store.Open(store.Options{Dir: filepath.Join(w.dir, "n1")})
	if err != nil {
		t.Fatal(err)
	}
	set, err := partition.OpenSet(st, partition.Options{Partitions: 2})
	if err != nil {
		t.Fatal(err)
	}
	set.Attach(func(*partition.Partition) partition.Machine { return idle{} })
	if err := set.Start(); err != nil {
		t.Fatal(err)
	}
	var keys []uint64
	for n := range uint64(100) {
		for id := uint16(1); id <= 2; id++ {
			c := &write{key: key(id, n), value: make([]byte, 50_000), end: make(chan error, 1)}
			set.Get(id).Submit(c)
			if err := <-c.end; err != nil {
				t.Fatal(err)
			}
		}
		keys = append(keys, n)
	}
	if err := errors.Join(set.Close(t.Context()), cluster.Init(st), cluster.Init(st), st.Close()); err != nil {
		t.Fatal(err)
	}
	w.startAll()
	for i := range w.first {
		w.hasAll(i, keys)
	}
	keys = append(keys, w.fill(0, 100, 10)...)
	for i := range w.first {
		w.hasAll(i, keys)
	}

	// And back: a node's folder is a machine's again.
	w.stop(2)
	st, err = store.Open(store.Options{Dir: filepath.Join(w.dir, "n2")})
	if err != nil {
		t.Fatal(err)
	}
	if member, err := cluster.Member(st); !member || err != nil {
		t.Errorf("a node's folder is no member's: %v", err)
	}
	if err := cluster.Leave(st); err != nil {
		t.Error(err)
	}
	if member, err := cluster.Member(st); member || err != nil {
		t.Errorf("it still is after it left: %v", err)
	}
	if err := st.Close(); err != nil {
		t.Error(err)
	}
}

// TestReplaceNode: a node that died for good is taken out, and a new one has its
// replicas and all the data.
func TestReplaceNode(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	keys := w.fill(0, 0, 50)
	w.hasAll(2, keys)
	w.stop(2)
	for i := range 2 {
		w.nodes[i].node.TrimWithout("n2") // so that the newcomer has to copy
	}
	keys = append(keys, w.fill(1, 50, 10)...)
	w.start(3)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	eventually(t, "removed", time.Minute, func() error { return w.nodes[0].node.Remove(ctx, "n2") })
	eventually(t, "replicas on the new node", time.Minute, func() error {
		for _, p := range w.nodes[0].node.Status(ctx).Partitions {
			there := false
			for _, r := range p.Replicas {
				there = there || r.Node == "n3" && (r.Role == cluster.RoleFollowing || r.Role == cluster.RoleOwner) && r.Lag == 0
			}
			if !there {
				return fmt.Errorf("partition %d: %+v", p.Partition, p.Replicas)
			}
		}
		return nil
	})
	w.hasAll(3, keys)
	// It counts: with another of the old ones gone, work goes on.
	w.stop(1)
	keys = append(keys, w.fill(3, 60, 10)...)
	w.hasAll(3, keys)
	w.hasAll(0, keys)
}
