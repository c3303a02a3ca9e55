package cluster

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/pause"
	"github.com/spillway/spillway/internal/store"
)

// identity is whose data a folder holds. It is decided once, by the node that makes
// the logs, stands in the logs' metadata, and is kept in each folder:
//
//	key [0][SpaceLog][2], value JSON
type identity struct {
	Cluster    string `json:"cluster"` // random UUID, hex
	Partitions int    `json:"partitions"`
	// Seeded logs begin with what a single machine had (`spillway cluster init`), and
	// not with nothing: a node without data has to take it from a peer.
	Seeded bool `json:"seeded,omitempty"`
}

func (i identity) known() bool { return i.Cluster != "" }

// log is the UUID of a partition's log.
func (i identity) log(partition uint16) (u uuid) {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%d", i.Cluster, partition))
	copy(u[:], sum[:])
	return u
}

// metadata is the identity as logs carry it.
func (i identity) metadata() string {
	b, err := json.Marshal(i)
	if err != nil {
		panic(err) // two strings and a number
	}
	return string(b)
}

func identityKey() []byte { return store.AppendKey(nil, 0, store.SpaceLog, 2) }

func readIdentity(r store.Reader) (i identity, err error) {
	b, ok, err := r.Get(identityKey())
	if err != nil || !ok {
		return i, err
	}
	if err := json.Unmarshal(b, &i); err != nil || !i.known() {
		return i, fmt.Errorf("the record of this folder's cluster is damaged: %q", b)
	}
	return i, nil
}

func (i identity) write(b *store.Batch) {
	b.Set(identityKey(), []byte(i.metadata()))
}

// Member tells whether a store belongs to a cluster: then it must not be written
// without one.
func Member(r store.Reader) (bool, error) {
	i, err := readIdentity(r)
	return i.known(), err
}

// Init makes the data of a single machine the beginning of a cluster's. The other
// nodes copy it when they join. It does nothing to a folder that is one already.
func Init(st *store.Store) error {
	if i, err := readIdentity(st); err != nil || i.known() {
		return err
	}
	count, ok, err := partition.Count(st)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("the data folder is empty: start it with --cluster, it needs no init")
	}
	i := identity{Cluster: newCluster(), Partitions: count, Seeded: true}
	b := st.NewBatch()
	for id := range count + 1 {
		start := position{state: stateApplied, log: i.log(uint16(id))}
		b.Set(positionKey(uint16(id)), start.encode())
	}
	i.write(b)
	return b.Commit(true)
}

// Leave makes a node's data a single machine's, with what the node had applied.
func Leave(st *store.Store) error {
	i, err := readIdentity(st)
	if err != nil || !i.known() {
		return err
	}
	b := st.NewBatch()
	for id := range i.Partitions + 1 {
		at, ok, err := readPosition(st, uint16(id))
		if err == nil && (!ok || at.state != stateApplied) {
			err = fmt.Errorf("the folder has no whole copy of partition %d", id)
		}
		if err != nil {
			b.Discard()
			return err
		}
		b.Delete(positionKey(uint16(id)))
	}
	b.Delete(identityKey())
	return b.Commit(true)
}

func newCluster() string {
	var b [16]byte
	rand.Read(b[:]) // never fails: the process ends if the system has no randomness
	return hex.EncodeToString(b[:])
}

const (
	catalogLog = "spillway-0" // is made last: where it is, all are
	agreePause = 200 * time.Millisecond
	agreeWarn  = 10 * time.Second
)

func logName(id uint16) string { return "spillway-" + strconv.Itoa(int(id)) }

// agree finds the cluster's identity in the logs, or helps to make them.
func (n *Node) agree(ctx context.Context, held identity) error {
	warned := time.Now()
	for {
		names, err := n.bus.Logs(ctx)
		switch {
		case err != nil:
		case slices.Contains(names, catalogLog):
			return n.join(ctx, held)
		case n.founder():
			if err = n.found(ctx, held); err == nil {
				return n.join(ctx, held)
			}
		}
		if time.Since(warned) > agreeWarn {
			warned = time.Now()
			all, _ := n.table.members()
			n.logger.Info("the cluster is new: waiting until every node was there once", "nodes", len(all), "expected", n.config.Size, "error", err)
		}
		if !pause.For(ctx, agreePause) {
			return fmt.Errorf("found the cluster: %w", ctx.Err())
		}
	}
}

// founder tells whether this node is the one to make the logs: when all nodes are
// there, the first of those that have data, or the first of all.
func (n *Node) founder() bool {
	all, alive := n.table.members()
	var with, without []string
	for name, m := range all {
		if !alive[name] {
			continue
		}
		if m.Cluster != "" {
			with = append(with, name)
		} else {
			without = append(without, name)
		}
	}
	if len(with)+len(without) < n.config.Size {
		return false
	}
	if len(with) == 0 {
		with = without
	}
	return slices.Min(with) == n.node
}

// found makes the logs, the catalog's last.
func (n *Node) found(ctx context.Context, held identity) error {
	i := held
	if !i.known() {
		i = identity{Cluster: newCluster(), Partitions: n.config.Partitions}
		if i.Partitions == 0 {
			i.Partitions = min(2*n.config.Size, 16)
		}
	}
	for id := i.Partitions; id >= 0; id-- {
		spec := n.spec(uint16(id), i)
		metadata, created, err := n.bus.CreateLog(ctx, spec)
		if err != nil {
			return err
		}
		found, err := parseMetadata(metadata)
		if err != nil {
			return err
		}
		// Somebody began before us and did not finish: go on with theirs.
		if !created && found != i {
			if held.known() {
				return fmt.Errorf("%w: log %s was made for cluster %s", errForeign, spec.Name, found.Cluster)
			}
			i, id = found, found.Partitions+1
		}
	}
	n.logger.Info("founded the cluster", "partitions", i.Partitions, "data", i.Cluster)
	return nil
}

// join takes the identity from the catalog's log and compares the folder's.
func (n *Node) join(ctx context.Context, held identity) error {
	metadata, _, err := n.bus.CreateLog(ctx, n.spec(0, held))
	if err != nil {
		return err
	}
	i, err := parseMetadata(metadata)
	if err != nil {
		return err
	}
	if held.known() && held.Cluster != i.Cluster {
		return fmt.Errorf("%w: it is a copy of %s, the cluster's data is %s", errForeign, held.Cluster, i.Cluster)
	}
	count, used, err := partition.Count(n.store)
	if err != nil {
		return err
	}
	if used && !held.known() {
		return fmt.Errorf("%w: it has the data of a single machine; `spillway cluster init` makes that the beginning of a new cluster", errForeign)
	}
	if used && count != i.Partitions {
		return fmt.Errorf("%w: it has %d partitions, the cluster %d", errForeign, count, i.Partitions)
	}
	b := n.store.NewBatch()
	i.write(b)
	if err := b.Commit(false); err != nil {
		return err
	}
	n.mu.Lock()
	n.identity = i
	n.mu.Unlock()
	return nil
}

func parseMetadata(m map[string]string) (i identity, err error) {
	if err := json.Unmarshal([]byte(m[metadataKey]), &i); err != nil || !i.known() || i.Partitions < 1 {
		return i, fmt.Errorf("the logs were not made by spillway: metadata %q", m[metadataKey])
	}
	return i, nil
}
