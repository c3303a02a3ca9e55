package cluster_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/cluster"
	"github.com/spillway/spillway/internal/cluster/bus"
	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/store"
)

// world is a cluster in one process.
type world struct {
	t     *testing.T
	dir   string
	peers []string
	first int // nodes that the cluster begins with
	full  int // node whose disk counts as full, -1 for none
	nodes []*host
}

// host is one node with a machine in each partition.
type host struct {
	store *store.Store
	set   *partition.Set
	node  *cluster.Node
	peers partition.Peers
}

var verbose = flag.Bool("verbose", false, "print the nodes' log")

func logger(*testing.T) *slog.Logger {
	if !*verbose {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func ports(t *testing.T, n int) (out []string) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		out = append(out, l.Addr().String())
	}
	return out
}

func newWorld(t *testing.T, n int) *world {
	t.Helper()
	w := prepareWorld(t, n)
	w.startAll()
	return w
}

// prepareWorld is newWorld before anything has started.
func prepareWorld(t *testing.T, n int) *world {
	t.Helper()
	const later = 1
	w := &world{t: t, dir: t.TempDir(), peers: ports(t, n+later), first: n, full: -1, nodes: make([]*host, n+later)}
	t.Cleanup(func() {
		for i := range w.nodes {
			w.stop(i)
		}
	})
	return w
}

func (w *world) startAll() {
	w.t.Helper()
	var starting sync.WaitGroup
	for i := range w.first {
		starting.Go(func() { w.start(i) })
	}
	starting.Wait()
	if w.t.Failed() {
		w.t.FailNow()
	}
}

func (w *world) start(i int) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	o := store.Options{Dir: filepath.Join(w.dir, fmt.Sprint("n", i)), Replicated: true}
	if i == w.full {
		o.MinFreeBytes = 1 << 60
	}
	st, err := store.Open(o)
	if err != nil {
		w.t.Error(err)
		return
	}
	h := &host{store: st}
	// Nodes that come later know all, those that were there do not know them.
	known := max(w.first, i+1)
	h.node, err = cluster.Join(ctx, cluster.Config{
		Config: bus.Config{
			Cluster: "test", Node: fmt.Sprint("n", i), Listen: w.peers[i], Peers: w.peers[:known], Secret: "s3cret",
			Dir: filepath.Join(w.dir, fmt.Sprint("js", i)), Logger: logger(w.t).With("n", i),
		},
		Partitions: 2, Size: known, Store: st,
	})
	if err != nil {
		w.t.Error(err)
		return
	}
	h.set, err = partition.OpenSet(st, partition.Options{Partitions: h.node.Partitions(), Replicated: true})
	if err != nil {
		w.t.Error(err)
		return
	}
	h.peers = h.node.Peers("test", h.serve)
	h.set.Attach(func(*partition.Partition) partition.Machine { return idle{} })
	if err := h.set.Start(); err != nil {
		w.t.Error(err)
		return
	}
	err = h.node.Run(h.set, cluster.Hooks{
		Refresh: func(context.Context) error { return nil }, Owned: func(uint16, bool) {},
	})
	if err != nil {
		w.t.Error(err)
	}
	w.nodes[i] = h
}

func (w *world) stop(i int) {
	h := w.nodes[i]
	if h == nil {
		return
	}
	w.nodes[i] = nil
	h.node.Close()
	if err := h.set.Close(context.Background()); err != nil {
		w.t.Error(err)
	}
	if err := h.store.Close(); err != nil {
		w.t.Error(err)
	}
}

// idle is a machine without memory.
type idle struct{}

func (idle) Load(store.Reader, time.Time) error     { return nil }
func (idle) Unload(error)                           {}
func (idle) Advance(*partition.Tx) (next time.Time) { return }

// write is a command that sets a key.
type write struct {
	key, value []byte
	end        chan error
}

func (c *write) Run(tx *partition.Tx) { tx.Batch.Set(c.key, c.value) }
func (c *write) Done(err error)       { c.end <- err }

func key(id uint16, n uint64) []byte { return store.AppendKey(nil, id, store.SpaceMessage, 1, n) }

// serve executes a forwarded write: the request is the key.
func (h *host) serve(_ context.Context, id uint16, request []byte) ([]byte, error) {
	c := &write{key: request, value: []byte("x"), end: make(chan error, 1)}
	h.set.Get(id).Submit(c)
	return []byte("ok"), <-c.end
}

// eventually polls.
func eventually(t *testing.T, what string, within time.Duration, f func() error) {
	t.Helper()
	deadline := time.Now().Add(within)
	for {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v", what, err)
		}
		time.Sleep(20 * time.Millisecond) // a poll with a deadline
	}
}

// has tells whether a node's store has the keys.
func (h *host) has(id uint16, keys []uint64) error {
	for _, n := range keys {
		_, ok, err := h.store.Get(key(id, n))
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("key %d is missing", n)
		}
	}
	return nil
}

// TestOwnershipMoves: what was acknowledged is on every node, through hand-overs and
// the death of owners.
func TestOwnershipMoves(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	var mu sync.Mutex
	acked := map[uint16][]uint64{}
	unknown := 0
	quit := make(chan struct{})
	var writers sync.WaitGroup
	for c := range 8 {
		writers.Go(func() {
			for n := uint64(c) << 32; ; n++ {
				select {
				case <-quit:
					return
				default:
				}
				id := uint16(n%2) + 1
				mu.Lock()
				h := w.nodes[c%2] // node 2 is the one that goes
				mu.Unlock()
				ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
				_, err := h.peers.Call(ctx, id, key(id, n))
				cancel()
				mu.Lock()
				if err == nil {
					acked[id] = append(acked[id], n)
				} else {
					unknown++
					if !errors.Is(err, partition.ErrStopped) && !errors.Is(err, partition.ErrNotOwner) {
						t.Errorf("call: %v", err)
					}
				}
				mu.Unlock()
			}
		})
	}
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(acked[1]) + len(acked[2])
	}
	grows := func(what string, within time.Duration) {
		before := count()
		began := time.Now()
		eventually(t, what, within, func() error {
			if count() < before+50 {
				return errors.New("no progress")
			}
			return nil
		})
		t.Logf("%s: %v", what, time.Since(began).Round(time.Millisecond))
	}
	grows("start", 30*time.Second)
	for round := range 2 {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		w.nodes[2].node.Drain(ctx)
		cancel()
		grows(fmt.Sprint("drain ", round), 20*time.Second)
		mu.Lock()
		w.stop(2)
		mu.Unlock()
		grows(fmt.Sprint("stop ", round), 20*time.Second)
		w.start(2)
		grows(fmt.Sprint("start ", round), 20*time.Second)
	}
	close(quit)
	writers.Wait()
	t.Logf("%d acknowledged, %d unknown", count(), unknown)
	for i, h := range w.nodes[:w.first] {
		for id, keys := range acked {
			eventually(t, fmt.Sprintf("node %d, partition %d", i, id), 20*time.Second, func() error { return h.has(id, keys) })
		}
	}
}

// TestFullDiskOwnsNothing: others have room for what comes.
func TestFullDiskOwnsNothing(t *testing.T) {
	t.Parallel()
	w := prepareWorld(t, 3)
	w.full = 1
	w.startAll()
	eventually(t, "the others own everything", time.Minute, func() error {
		s := w.nodes[0].node.Status(context.Background())
		owns := map[string]int{}
		for _, p := range s.Partitions {
			owns[p.Owner]++
		}
		for _, n := range s.Nodes {
			if full := n.Node == "n1"; full != (n.State == "disk full") {
				return fmt.Errorf("%s is %s", n.Node, n.State)
			}
		}
		if owns["n1"] != 0 || owns[""] != 0 || owns["n0"] == 0 || owns["n2"] == 0 || s.Healthy {
			return fmt.Errorf("owners %v, healthy %v", owns, s.Healthy)
		}
		return nil
	})
}
