package e2e

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"
)

var failovers = flag.Int("failovers", 1, "how often TestFailover drains and kills a node")

// TestFailover measures how long requests are held up, and by what, and demands the
// bounds that docs/CLUSTER.md promises.
func TestFailover(t *testing.T) {
	needsBinary(t)
	n := launchCluster(t)
	const queues = 12 // over all partitions, most likely
	for i := range queues {
		n.nodes[0].create(fmt.Sprintf("q%d", i), "")
	}
	n.whole(30 * time.Second)
	homes := n.homes(queues)
	var kills, drains, others []time.Duration
	failed := 0
	for round := range *failovers {
		n.balanced(time.Minute)
		victim := round % nodeCount
		asked := (victim + 1) % nodeCount
		// A drained node hands over without a failed request.
		took, bad := n.worst(asked, victim, queues, func() { n.stopNode(victim) })
		drain := slices.Max(took)
		t.Logf("drain of node %d: longest call %v, %d failed", victim, drain.Round(time.Millisecond), bad)
		failed += bad
		drains = append(drains, drain)
		n.heal()
		n.whole(30 * time.Second)
		n.balanced(time.Minute)
		was, err := n.status(asked)
		if err != nil {
			t.Fatal(err)
		}
		took, _ = n.worst(asked, victim, queues, func() { n.kill(victim) })
		var owned, other time.Duration
		for q, d := range took {
			if was.Partitions[homes[q]].Owner == fmt.Sprintf("n%d", victim) {
				owned = max(owned, d)
			} else {
				other = max(other, d)
			}
		}
		t.Logf("kill -9 of node %d: a call to what it owned was held up for %v at most, one to anything else for %v", victim, owned.Round(time.Millisecond), other.Round(time.Millisecond))
		if owned > 0 { // the hash may have put no queue there
			kills = append(kills, owned)
		}
		others = append(others, other)
		n.heal()
		n.whole(30 * time.Second)
	}
	for what, d := range map[string][]time.Duration{"kill -9 of the owner": kills, "of another node": others, "drain": drains} {
		if slices.Sort(d); len(d) > 0 {
			t.Logf("%s: median %v, most %v of %d", what, d[len(d)/2].Round(time.Millisecond), d[len(d)-1].Round(time.Millisecond), len(d))
			if most := d[len(d)-1]; most > 10*time.Second {
				t.Errorf("%s held a call up for %v", what, most)
			}
		}
	}
	if failed > 0 {
		t.Errorf("%d requests failed while a node was drained", failed)
	}
}

// worst sends to every queue, through one node and one call at a time each, from
// before a disturbance until all go through again, and returns the longest time
// from a call to the first success for each queue, and how many calls failed.
func (n *nodes) worst(asked, victim, queues int, disturb func()) (longest []time.Duration, failed int) {
	n.Helper()
	ctx, cancel := context.WithCancel(n.Context())
	defer cancel()
	var mu sync.Mutex
	var load sync.WaitGroup
	p := n.nodes[asked]
	longest = make([]time.Duration, queues)
	for q := range queues {
		load.Go(func() {
			for ctx.Err() == nil {
				began := time.Now()
				for ok := false; !ok; {
					calling, stop := context.WithTimeout(context.Background(), 15*time.Second)
					status, text := p.try(calling, "SendMessage", fmt.Sprintf(`{"QueueUrl":"q%d","MessageBody":"x"}`, q))
					stop()
					if ok = status == 200; !ok {
						n.Logf("q%d: %d %s", q, status, text)
						mu.Lock()
						failed++
						mu.Unlock()
						if time.Since(began) > 30*time.Second {
							n.Errorf("q%d: no success for 30 s", q)
							return
						}
					}
				}
				longest[q] = max(longest[q], time.Since(began))
			}
		})
	}
	time.Sleep(500 * time.Millisecond) // some load before
	disturb()
	n.owned(asked, victim, 30*time.Second)
	cancel()
	load.Wait()
	return longest, failed
}
