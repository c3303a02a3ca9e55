package e2e

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

var (
	chaosTime = flag.Duration("chaos-time", 8*time.Second, "how long TestChaos disturbs the cluster")
	chaosSeed = flag.Uint64("chaos-seed", 0, "seed of TestChaos; 0 for a new one")
)

// TestChaos: three nodes under load while they are killed, paused, cut off and their
// logs damaged. Nothing that was acknowledged is lost or comes back, FIFO stays in
// order, free of duplicates and hidden while it should be.
func TestChaos(t *testing.T) {
	needsBinary(t)
	k := &killing{standard: newLedger(t, false), fifo: newLedger(t, true), pending: map[string]string{}, seed: *chaosSeed}
	if k.seed == 0 {
		k.seed = rand.Uint64()
	}
	t.Logf("seed %d", k.seed)
	n := launchCluster(t)
	p := n.nodes[0]
	p.create("standard", `{"VisibilityTimeout":"2"}`)
	p.create("f.fifo", `{"VisibilityTimeout":"2","FifoQueue":"true"}`)
	x := newPublished(p, k)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	random := rand.New(rand.NewPCG(k.seed, 1))
	var load sync.WaitGroup
	worker := func(f func(c *client, round int)) {
		c := &client{process: p, ctx: ctx, random: rand.New(rand.NewPCG(k.seed, random.Uint64())), cluster: n}
		load.Go(func() {
			for round := 0; ctx.Err() == nil; round++ {
				f(c, round)
			}
		})
	}
	for i := range 4 {
		worker(func(c *client, round int) { k.send(c, fmt.Sprintf("r%d-w%d", round, i)) })
		worker(func(c *client, round int) { k.sendFIFO(c, fmt.Sprintf("g%d", i), round) })
		worker(func(c *client, _ int) { k.receive(c, "standard", k.standard) })
		worker(func(c *client, _ int) { k.receive(c, "f.fifo", k.fifo) })
	}
	for i := range 2 {
		worker(func(c *client, round int) { x.send(c, fmt.Sprintf("p%d-w%d", round, i)) })
		worker(func(c *client, round int) { x.sendFIFO(c, fmt.Sprintf("p%d", i), round) })
		worker(func(c *client, _ int) { x.receive(c, "events", x.standard) })
		worker(func(c *client, _ int) { x.receive(c, "events.fifo", x.fifo) })
	}
	for end := time.Now().Add(*chaosTime); time.Now().Before(end) && !t.Failed(); {
		n.disturb(random)
	}
	n.heal()
	n.whole(time.Minute)
	cancel()
	load.Wait()
	// What a FIFO topic has taken is fanned out when its dispatcher's lease is over.
	time.Sleep(5 * time.Second)
	if t.Failed() {
		t.Log(n.logs())
		return
	}
	for _, q := range []struct {
		name string
		l    *ledger
	}{{"standard", k.standard}, {"f.fifo", k.fifo}, {"events", x.standard}, {"events.fifo", x.fifo}} {
		k.drain(n.nodes[1], q.name, q.l)
		q.l.finish(q.name)
	}
	for i := range nodeCount {
		p := n.nodes[i]
		n.stopNode(i)
		p.check()
	}
}

// disturb does one bad thing, and undoes most of it.
func (n *nodes) disturb(random *rand.Rand) {
	n.Helper()
	for range 200 * time.Millisecond / (10 * time.Millisecond) {
		time.Sleep(10 * time.Millisecond) // the rhythm of the disturbances is the test's input
	}
	some := func(least, more int) { time.Sleep(time.Duration(least+random.IntN(more)) * time.Millisecond) }
	i := random.IntN(nodeCount)
	j := (i + 1 + random.IntN(nodeCount-1)) % nodeCount
	began := time.Now()
	what := ""
	switch random.IntN(9) {
	case 0, 1:
		what = fmt.Sprintf("kill %d", i)
		n.kill(i)
		some(200, 3000)
	case 2:
		what = fmt.Sprintf("pause %d", i)
		n.pause(i, true)
		some(1500, 4000)
	case 3:
		what = fmt.Sprintf("cut %d from the others", i)
		for other := range nodeCount {
			if other != i {
				n.cut(i, other)
				n.cut(other, i)
			}
		}
		some(2000, 4000)
	case 4:
		what = fmt.Sprintf("cut the way from %d to %d", i, j)
		n.cut(i, j)
		some(2000, 4000)
	case 5:
		what = fmt.Sprintf("kill %d and %d", i, j)
		n.kill(i)
		n.kill(j)
		some(200, 2000)
	case 6:
		what = "kill all"
		for i := range nodeCount {
			n.kill(i)
		}
	case 7:
		n.kill(i)
		what = fmt.Sprintf("kill %d, %s", i, n.damage(i, random))
		some(200, 1500)
	case 8:
		what = fmt.Sprintf("restart %d", i)
		n.stopNode(i)
	}
	n.Logf("%s, for %v", what, time.Since(began).Round(time.Millisecond))
	n.heal()
	if random.IntN(3) > 0 { // sometimes the next comes before this one is over
		n.whole(time.Minute)
		some(500, 1500)
	}
}
