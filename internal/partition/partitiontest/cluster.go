// Package partitiontest runs engines on several members in one process, for tests:
// their logs replicate and fence as those of a cluster, ownership changes hands in
// every way it can, and calls between the members go wrong as those of a network do.
package partitiontest

import (
	"context"
	"maps"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/store"
)

// partitions of each cluster, without the catalog's.
const partitions = 3

// Cluster is the members, their logs, and the network between them.
type Cluster struct {
	*testing.T
	Logs    map[uint16]*Log // by partition
	members []*Member
	// harmful requests are not executed late: they change what came after them.
	harmful func(request []byte) bool

	mu      sync.Mutex // guards the fields below
	rng     *rand.Rand
	owners  map[uint16]*Member // where calls are sent: may be out of date
	changed chan struct{}      // closed when owners changes
	faults  int                // of 100 calls, so many go wrong in each way
	late    []func()           // calls that were given up, and are still under way
	served  map[byte]int       // by op
	running sync.WaitGroup
}

// New makes a cluster without members. It is closed when the test ends. Harmful tells
// which requests must not be executed later than they were sent; nil is for none.
func New(t *testing.T, seed uint64, harmful func(request []byte) bool) *Cluster {
	c := &Cluster{
		T: t, harmful: harmful, rng: rand.New(rand.NewPCG(seed, 7)), changed: make(chan struct{}),
		Logs: make(map[uint16]*Log), owners: make(map[uint16]*Member), served: make(map[byte]int),
	}
	t.Cleanup(c.close)
	return c
}

func (c *Cluster) close() {
	c.SetFaults(0)
	c.DeliverLate()
	for _, m := range c.members {
		m.engine.Close()
	}
	c.Settle()
	for _, m := range c.members {
		if err := m.Set.Close(context.Background()); err != nil {
			c.Error(err)
		}
		if err := m.Store.Close(); err != nil {
			c.Error(err)
		}
	}
}

// Take makes a member the owner, behind the back of the one before: that one is not
// told until somebody calls Release.
func (c *Cluster) Take(id uint16, m *Member) {
	c.Helper()
	p := m.Set.Get(id)
	p.Release()
	if err := p.Own(c.Logs[id].fence(m), time.Time{}, time.Time{}); err != nil {
		c.Fatal(err)
	}
	c.Route(id, m)
}

// Hand makes a member the owner after the other one resigned.
func (c *Cluster) Hand(id uint16, m *Member) {
	c.Helper()
	for _, other := range c.members {
		if err := other.Set.Get(id).Resign(context.Background()); err != nil {
			c.Fatal(err)
		}
	}
	c.Take(id, m)
}

// HandAll hands every partition to a member, by turns.
func (c *Cluster) HandAll() {
	c.Helper()
	for id := range c.Logs {
		c.Hand(id, c.members[int(id)%len(c.members)])
	}
}

// TakeAny makes some member the owner of each partition.
func (c *Cluster) TakeAny() {
	c.Helper()
	for id := range c.Logs {
		c.Take(id, c.members[c.IntN(len(c.members))])
	}
}

// Route sends the calls for a partition to a member; nil is for nowhere.
func (c *Cluster) Route(id uint16, m *Member) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.owners[id] = m
	close(c.changed)
	c.changed = make(chan struct{})
}

// Disturb does something to the ownership of a partition.
func (c *Cluster) Disturb(rng *rand.Rand) {
	id := uint16(1 + rng.IntN(len(c.Logs)))
	c.mu.Lock()
	old := c.owners[id]
	c.mu.Unlock()
	next := c.members[rng.IntN(len(c.members))]
	switch p := old.Set.Get(id); rng.IntN(4) {
	case 0:
		c.Hand(id, next)
	case 1:
		c.Take(id, next) // next may be the owner itself, again
	case 2:
		c.Take(id, next)
		if next != old {
			c.DeliverLate() // some to an owner that does not know better
			p.Release()
		}
	case 3:
		ended := p.Ended()
		if !p.Owned() {
			c.Take(id, next)
			return
		}
		c.Logs[id].LoseAck(1 + rng.IntN(5))
		select {
		case <-ended:
		case <-time.After(100 * time.Millisecond): // nothing was written
		}
		c.Take(id, next)
	}
	if rng.IntN(3) == 0 {
		c.DeliverLate()
	}
}

// Compare finds differences between the members' stores, and what the checks find.
func (c *Cluster) Compare(checks ...store.Checker) {
	c.Helper()
	for id, log := range c.Logs {
		log.CatchUp()
		first := c.dump(c.members[0], id)
		for number, m := range c.members[1:] {
			other := c.dump(m, id)
			if len(other) != len(first) {
				c.Errorf("partition %d: %d records, and %d of member %d", id, len(first), len(other), number+1)
			}
			for k, v := range first {
				if other[k] != v {
					c.Errorf("partition %d: member %d differs at %x", id, number+1, k)
				}
			}
		}
	}
	for number, m := range c.members {
		for _, problem := range m.Store.Check(append(checks, partition.Check)...) {
			c.Errorf("member %d: %s", number, problem)
		}
	}
}

func (c *Cluster) dump(m *Member, id uint16) map[string]string {
	c.Helper()
	all := map[string]string{}
	lo, hi := store.PartitionBounds(id)
	if err := m.Store.Scan(lo, hi, func(k, v []byte) bool { all[string(k)] = string(v); return true }); err != nil {
		c.Fatal(err)
	}
	return all
}

// Served is how many requests of each kind were executed for another member.
func (c *Cluster) Served() map[byte]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.served)
}

// IntN is a random number below n.
func (c *Cluster) IntN(n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rng.IntN(n)
}
