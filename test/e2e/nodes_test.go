package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// nodes are the three processes of a cluster. What they say to each other goes
// through links, which can be cut.
type nodes struct {
	*testing.T
	dir     string
	listens []string // for clients
	routes  []string // for each other
	links   [][]*link
	env     []string

	mu     sync.Mutex // guards the rest
	nodes  []*process // nil for one that is down
	paused []bool
}

const nodeCount = 3

// launchCluster starts three nodes and returns when all are ready.
func launchCluster(t *testing.T, env ...string) *nodes {
	t.Helper()
	n := &nodes{T: t, dir: t.TempDir(), env: env, nodes: make([]*process, nodeCount), paused: make([]bool, nodeCount)}
	for range nodeCount {
		n.listens = append(n.listens, freeAddress(t))
		n.routes = append(n.routes, freeAddress(t))
	}
	for i := range nodeCount {
		n.links = append(n.links, make([]*link, nodeCount))
		for j := range nodeCount {
			if i != j {
				n.links[i][j] = newLink(t, n.routes[j])
			}
		}
	}
	for i := range nodeCount {
		n.begin(i)
	}
	for i := range nodeCount {
		n.nodes[i].awaitReady()
	}
	return n
}

// begin starts a node and does not wait for it.
func (n *nodes) begin(i int) {
	n.Helper()
	peers := make([]string, nodeCount)
	for j := range peers {
		if peers[j] = n.routes[j]; j != i {
			peers[j] = n.links[i][j].address
		}
	}
	// Their clocks are a minute and a half apart from each other's.
	skew := fmt.Sprintf("SPILLWAY_CLUSTER_CLOCK_SKEW=%ds", 90*(i-1))
	p := begin(n.T, n.listens[i], n.data(i), []string{
		"--cluster", "chaos", "--node", fmt.Sprintf("n%d", i), "--cluster-listen", n.routes[i], "--peers", strings.Join(peers, ","),
	}, append([]string{skew}, n.env...)...)
	n.mu.Lock()
	n.nodes[i] = p
	n.mu.Unlock()
}

func (n *nodes) data(i int) string { return filepath.Join(n.dir, fmt.Sprintf("n%d", i)) }

// any is a node that is up, if there is one.
func (n *nodes) any(random *rand.Rand) *process {
	n.mu.Lock()
	defer n.mu.Unlock()
	first := random.IntN(nodeCount)
	for i := range nodeCount {
		if p := n.nodes[(first+i)%nodeCount]; p != nil {
			return p
		}
	}
	return &process{fixture: &fixture{T: n.T, url: "http://" + n.listens[first], client: http.DefaultClient}}
}

// kill ends a node with SIGKILL.
func (n *nodes) kill(i int) {
	n.Helper()
	n.mu.Lock()
	p := n.nodes[i]
	n.nodes[i], n.paused[i] = nil, false
	n.mu.Unlock()
	if p != nil {
		p.kill()
	}
}

// stopNode ends a node with SIGTERM.
func (n *nodes) stopNode(i int) {
	n.Helper()
	n.mu.Lock()
	p := n.nodes[i]
	n.nodes[i] = nil
	n.mu.Unlock()
	if p != nil {
		p.stop()
	}
}

// pause stops a node's process as it is, or lets it go on.
func (n *nodes) pause(i int, stop bool) {
	n.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	p := n.nodes[i]
	if p == nil || n.paused[i] == stop {
		return
	}
	n.paused[i] = stop
	signal := syscall.SIGCONT
	if stop {
		signal = syscall.SIGSTOP
	}
	if err := p.cmd.Process.Signal(signal); err != nil {
		n.Error(err)
	}
}

// heal brings everything back up.
func (n *nodes) heal() {
	n.Helper()
	for i := range nodeCount {
		for j := range nodeCount {
			if i != j {
				n.links[i][j].set(false, false)
			}
		}
		n.pause(i, false)
	}
	for i := range nodeCount {
		if n.nodes[i] == nil {
			n.begin(i)
		}
	}
}

// clusterStatus is the part of a node's view of the cluster that tests look at.
type clusterStatus struct {
	Healthy bool
	Nodes   []struct {
		Node, State string
		Owns        int
	}
	Partitions []struct {
		Owner    string
		Sequence uint64
	}
}

// status asks a node; it fails while the node cannot answer.
func (n *nodes) status(i int) (s clusterStatus, err error) {
	res, err := http.Get("http://" + n.listens[i] + "/_spillway/cluster")
	if err != nil {
		return s, err
	}
	defer res.Body.Close()
	return s, json.NewDecoder(res.Body).Decode(&s)
}

// await polls a node's view of the cluster.
func (n *nodes) await(i int, what string, within time.Duration, ok func(s clusterStatus) bool) {
	n.Helper()
	for deadline := time.Now().Add(within); ; {
		s, err := n.status(i)
		if err == nil && ok(s) {
			return
		}
		if time.Now().After(deadline) {
			n.Fatalf("the cluster is not %s after %v: %+v %v\n%s", what, within, s, err, n.logs())
		}
		time.Sleep(50 * time.Millisecond) // a poll with a deadline
	}
}

// whole waits until every partition has an owner and every node follows.
func (n *nodes) whole(within time.Duration) {
	n.Helper()
	n.await(0, "whole", within, func(s clusterStatus) bool { return s.Healthy })
}

// balanced waits until every node owns about as much as the others.
func (n *nodes) balanced(within time.Duration) {
	n.Helper()
	n.await(0, "balanced", within, func(s clusterStatus) bool {
		for _, x := range s.Nodes {
			if x.Owns < len(s.Partitions)/nodeCount {
				return false
			}
		}
		return s.Healthy
	})
}

// owned waits until every partition has an owner other than a node that is down.
func (n *nodes) owned(asked, down int, within time.Duration) {
	n.Helper()
	n.await(asked, "owned", within, func(s clusterStatus) bool {
		for _, p := range s.Partitions {
			if p.Owner == "" || p.Owner == fmt.Sprintf("n%d", down) {
				return false
			}
		}
		return true
	})
}

// homes finds the partition of each queue: where the log grows when it is sent to.
func (n *nodes) homes(queues int) []int {
	n.Helper()
	homes := make([]int, queues)
	for q := range homes {
		const sends = 20
		before, err := n.status(0)
		for range sends {
			if status, text := n.nodes[0].try(n.Context(), "SendMessage", fmt.Sprintf(`{"QueueUrl":"q%d","MessageBody":"x"}`, q)); status != 200 {
				n.Fatal(status, text)
			}
		}
		after, err2 := n.status(0)
		if err := errors.Join(err, err2); err != nil {
			n.Fatal(err)
		}
		for i, p := range after.Partitions {
			if p.Sequence >= before.Partitions[i].Sequence+sends {
				homes[q] = i
			}
		}
		if homes[q] == 0 {
			n.Fatalf("no log grew by %d: %+v %+v", sends, before, after)
		}
	}
	return homes
}

// cut has nothing go from node i to node j any more.
func (n *nodes) cut(i, j int) {
	n.links[i][j].set(true, n.links[i][j].back.Load())
	n.links[j][i].set(n.links[j][i].there.Load(), true)
}

// damage flips a bit in, or truncates, a random file of the log of a node that is
// down. It reports which, "" if there was none.
func (n *nodes) damage(i int, random *rand.Rand) string {
	n.Helper()
	var files []string
	filepath.Walk(filepath.Join(n.data(i), "log"), func(path string, info os.FileInfo, err error) error {
		if err == nil && strings.HasSuffix(path, ".blk") && info.Size() > 1000 {
			files = append(files, path)
		}
		return nil
	})
	if len(files) == 0 {
		return ""
	}
	path := files[random.IntN(len(files))]
	b, err := os.ReadFile(path)
	if err != nil {
		n.Fatal(err)
	}
	what := "truncated"
	if random.IntN(2) == 0 {
		what = "flipped a bit of"
		b[random.IntN(len(b))] ^= 1 << random.IntN(8)
	} else {
		b = b[:random.IntN(len(b))]
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		n.Fatal(err)
	}
	return what + " " + strings.TrimPrefix(path, n.dir)
}

func (n *nodes) logs() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var b strings.Builder
	for i, p := range n.nodes {
		if p != nil {
			fmt.Fprintf(&b, "-- node %d\n%s\n", i, p.stderr)
		}
	}
	return b.String()
}

// link is a proxy for TCP that can stop to pass bytes on in either direction.
type link struct {
	address     string
	to          string
	there, back atomic.Bool // nothing passes
	changed     chan struct{}
	mu          sync.Mutex // guards changed
}

func newLink(t *testing.T, to string) *link {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	k := &link{address: l.Addr().String(), to: to, changed: make(chan struct{})}
	var open sync.Map
	t.Cleanup(func() {
		l.Close()
		k.set(false, false)
		open.Range(func(c, _ any) bool { c.(net.Conn).Close(); return true })
	})
	go func() { // ends with the listener
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				in.Close()
				continue
			}
			open.Store(in, nil)
			open.Store(out, nil)
			go k.pass(out, in, &k.there)
			go k.pass(in, out, &k.back)
		}
	}()
	return k
}

func (k *link) set(there, back bool) {
	k.there.Store(there)
	k.back.Store(back)
	k.mu.Lock()
	close(k.changed)
	k.changed = make(chan struct{})
	k.mu.Unlock()
}

// pass copies, and holds what it has while it may not.
func (k *link) pass(to, from net.Conn, held *atomic.Bool) {
	defer to.Close()
	defer from.Close()
	b := make([]byte, 64<<10)
	for {
		c, err := from.Read(b)
		if err != nil {
			return
		}
		for {
			k.mu.Lock()
			changed := k.changed
			k.mu.Unlock()
			if !held.Load() {
				break
			}
			<-changed
		}
		if _, err := to.Write(b[:c]); err != nil {
			return
		}
	}
}
