package queue

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/partition"
)

// apart returns two queues in different partitions, which the nodes of w own: the
// first the source's, the second the target's.
func apart(t *testing.T) (w *world, source, target uint64) {
	t.Helper()
	source = 100
	w = newWorld(t, 1, 2, func(e *Engine) {
		for target = source + 1; e.set.For(target) == e.set.For(source); target++ {
		}
		spec := standardSpec
		e.Declare(target, spec)
		spec.DeadLetter, spec.MaxDeliveries = target, 1
		e.Declare(source, spec)
	})
	from := w.nodes[0].Set.For(source).ID()
	for id := range w.Logs {
		if id == from {
			w.Take(id, w.nodes[0].Member)
		} else {
			w.Take(id, w.nodes[1].Member)
		}
	}
	return w, source, target
}

// TestRedriveElsewhere moves much to another node. Nothing is remembered afterwards,
// without anybody loading anything.
func TestRedriveElsewhere(t *testing.T) {
	t.Parallel()
	w, source, target := apart(t)
	e := w.nodes[0].Engine
	const messages = 2500 // more than are forgotten with one request
	var in []Enqueue
	for i := range messages {
		in = append(in, text(fmt.Sprint(i)))
	}
	send(t, e.Queue(source), in...)
	for moved := 0; moved < messages; {
		n, err := e.Queue(source).Move(t.Context(), 500, target)
		if err != nil || n == 0 {
			t.Fatalf("moved %d %v", n, err)
		}
		moved += n
	}
	if c, err := e.Queue(target).Counters(t.Context()); err != nil || c.Visible != messages {
		t.Errorf("arrived: %+v %v", c, err)
	}
	eventually(t, "forgotten", func() bool { return w.transfers() == 0 })
	w.Compare(Check)
}

// holdingPeers lets requests of one kind be given up, and come when the test says.
type holdingPeers struct {
	*node
	mu   sync.Mutex // guards the fields below
	op   byte
	most int // so many more are held
	held []func()
}

func (h *holdingPeers) Call(ctx context.Context, id uint16, request []byte) ([]byte, error) {
	h.mu.Lock()
	hold := request[1] == h.op && h.most > 0
	if hold {
		h.most--
		h.held = append(h.held, func() { h.node.CallOwner(context.Background(), id, request) }) // nobody waits
	}
	h.mu.Unlock()
	if hold {
		return nil, partition.ErrStopped
	}
	return h.node.CallOwner(ctx, id, request)
}

// number of requests that are held.
func (h *holdingPeers) number() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.held)
}

// TestLateArrival: an arrival that was given up, and comes when the target has
// forgotten the transfer, does nothing. So does one of an owner of the source that
// was replaced, and finds out when all is over.
func TestLateArrival(t *testing.T) {
	t.Parallel()
	for _, replaced := range []bool{false, true} {
		t.Run(fmt.Sprint("replaced=", replaced), func(t *testing.T) {
			t.Parallel()
			w, source, target := apart(t)
			held := &holdingPeers{node: w.nodes[0], op: opArrive, most: 3}
			if replaced {
				held.most = 1 << 30 // this owner gets nothing through
			}
			held.Divert(held.Call)
			q := w.nodes[0].Queue(source)
			send(t, q, text("a"))
			lease(t, q, LeaseRequest{Max: 1, Time: 0})
			lease(t, q, LeaseRequest{Max: 1, Time: 0}) // this one moves it
			eventually(t, "sent", func() bool { return held.number() >= 3 })
			if replaced {
				w.Take(q.m.p.ID(), w.nodes[1].Member)
			}
			there := w.nodes[1].Queue(target)
			eventually(t, "arrived", func() bool { return there.LocalCounters().Visible == 1 })
			eventually(t, "forgotten", func() bool { return w.transfers() == 0 })
			held.mu.Lock()
			late := held.held
			held.most = 0 // the replaced owner still sends, by itself
			held.mu.Unlock()
			for _, f := range late {
				f()
			}
			if replaced {
				before := w.Served()[opArrive]
				eventually(t, "sent again", func() bool { return w.Served()[opArrive] > before })
				w.nodes[0].Set.Get(q.m.p.ID()).Release()
			}
			if c := there.LocalCounters(); c.Visible != 1 {
				t.Errorf("the target has %+v", c)
			}
			if n := w.transfers(); n != 0 {
				t.Errorf("%d transfers are remembered", n)
			}
		})
	}
}

// TestUnreachableTarget: it does not hold up moves within the node, nor is what goes
// to it lost.
func TestUnreachableTarget(t *testing.T) {
	t.Parallel()
	w, source, target := apart(t)
	from := w.nodes[0].Set.For(source).ID()
	near := target + 1
	for ; w.nodes[0].Set.For(near).ID() != from; near++ {
	}
	for _, n := range w.nodes {
		n.Declare(near, standardSpec)
	}
	far := w.nodes[1].Set.For(target).ID()
	w.nodes[1].Set.Get(far).Release()
	w.Route(far, nil)
	e := w.nodes[0].Engine
	var in []Enqueue
	for i := range 3 * maxMoveCalls {
		in = append(in, text(fmt.Sprint(i)))
	}
	send(t, e.Queue(source), in...)
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // do not wait for the arrivals
	if n, err := e.Queue(source).Move(ctx, len(in), target); err != nil || n != len(in) {
		t.Fatalf("moved %d %v", n, err)
	}
	began := time.Now()
	send(t, e.Queue(source), text("near"))
	if n, err := e.Queue(source).Move(t.Context(), 1, near); err != nil || n != 1 {
		t.Fatalf("moved %d %v", n, err)
	}
	if c := e.Queue(near).LocalCounters(); c.Visible != 1 || time.Since(began) > stepTime/2 {
		t.Errorf("after %v: %+v", time.Since(began), c)
	}
	w.Take(far, w.nodes[1].Member)
	eventually(t, "arrived", func() bool { return w.nodes[1].Queue(target).LocalCounters().Visible == uint64(len(in)) })
	eventually(t, "forgotten", func() bool { return w.transfers() == 0 })
}

// TestForgottenByNextOwner: an owner of the source that is replaced before it has had
// a transfer forgotten leaves nothing behind for good.
func TestForgottenByNextOwner(t *testing.T) {
	t.Parallel()
	w, source, target := apart(t)
	held := &holdingPeers{node: w.nodes[0], op: opForget, most: 1 << 30}
	held.Divert(held.Call)
	q := w.nodes[0].Queue(source)
	send(t, q, text("a"))
	lease(t, q, LeaseRequest{Max: 1, Time: 0})
	lease(t, q, LeaseRequest{Max: 1, Time: 0}) // this one moves it
	eventually(t, "departed", func() bool { return held.number() > 0 })
	if n := w.transfers(); n != 1 {
		t.Errorf("%d transfers are remembered", n)
	}
	w.Hand(q.m.p.ID(), w.nodes[1].Member)
	eventually(t, "forgotten", func() bool { return w.transfers() == 0 })
	if c := w.nodes[1].Queue(target).LocalCounters(); c.Visible != 1 {
		t.Errorf("the target has %+v", c)
	}
}
