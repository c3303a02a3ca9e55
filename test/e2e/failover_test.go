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
	var kills, losses []time.Duration
	failed := 0
	for round := range *failovers {
		n.balanced(time.Minute)
		victim := round % nodeCount
		asked := (victim + 1) % nodeCount
		// A drained node hands over without a failed request.
		took, bad := n.worst(asked, victim, queues, func() { n.stopNode(victim) })
		t.Logf("drain of node %d: longest call %v, %d failed", victim, took.Round(time.Millisecond), bad)
		failed += bad
		losses = append(losses, took)
		n.heal()
		n.whole(30 * time.Second)
		n.balanced(time.Minute)
		took, _ = n.worst(asked, victim, queues, func() { n.kill(victim) })
		t.Logf("kill -9 of node %d: a call was held up for %v at most", victim, took.Round(time.Millisecond))
		kills = append(kills, took)
		n.heal()
		n.whole(30 * time.Second)
	}
	slices.Sort(kills)
	t.Logf("kill -9: median %v, most %v; drain: most %v", kills[len(kills)/2], kills[len(kills)-1], slices.Max(losses))
	if failed > 0 {
		t.Errorf("%d requests failed while a node was drained", failed)
	}
	if most := kills[len(kills)-1]; most > 10*time.Second {
		t.Errorf("fail-over took %v", most)
	}
}

// worst sends to every queue, through one node and one call at a time each, from
// before a disturbance until all go through again, and returns the longest time
// from a call to the first success, and how many calls failed.
func (n *nodes) worst(asked, victim, queues int, disturb func()) (longest time.Duration, failed int) {
	n.Helper()
	ctx, cancel := context.WithCancel(n.Context())
	defer cancel()
	var mu sync.Mutex
	var load sync.WaitGroup
	p := n.nodes[asked]
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
				mu.Lock()
				longest = max(longest, time.Since(began))
				mu.Unlock()
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
