package sqs

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/iam"
	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/queue"
	"github.com/spillway/spillway/internal/service"
	"github.com/spillway/spillway/internal/smithy"
	"github.com/spillway/spillway/internal/store"
)

// twoNodes are two services of a cluster. The first owns every partition; the second
// follows the catalog, and asks the first for everything else.
type twoNodes struct {
	*testing.T
	first, second *fixture
	stores        []*store.Store
	sets          []*partition.Set
	written       chan []store.Op // of the catalog: what the second has still to apply
	// held keeps the second from applying until it asks the first something. It has
	// one slot.
	held chan struct{}
	// broken has what the second asks of queues fail without being executed.
	broken atomic.Bool
}

// onTwoNodes runs a test in virtual time with two fresh services.
func onTwoNodes(t *testing.T, f func(n *twoNodes)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := &twoNodes{T: t, written: make(chan []store.Op, 100), held: make(chan struct{}, 1)}
		var engine *queue.Engine
		var owner *catalog.Catalog
		n.first, owner, engine = n.node(
			func() partition.Serve { return owner.Serve }, func() partition.Serve { return engine.Serve })
		n.second, _, _ = n.node(
			func() partition.Serve { n.release(); return owner.Serve },
			func() partition.Serve {
				if n.broken.Load() {
					return func(context.Context, uint16, []byte) ([]byte, error) { return nil, partition.ErrStopped }
				}
				return engine.Serve
			})
		follower := make(chan struct{})
		go func() {
			defer close(follower)
			for ops := range n.written {
				n.held <- struct{}{}
				n.apply(ops)
				<-n.held
			}
		}()
		t.Cleanup(func() {
			n.release()
			for _, s := range n.sets {
				if err := s.Close(context.Background()); err != nil {
					t.Error(err)
				}
			}
			close(n.written)
			<-follower
			for _, s := range n.stores {
				s.Close()
			}
		})
		first := n.sets[0]
		for _, p := range append(first.All(), first.Catalog()) {
			log := partition.NewLocalLog()
			if p.ID() == 0 {
				log = &toSecond{log, n.written}
			}
			if err := p.Own(log, time.Time{}, time.Time{}); err != nil {
				t.Fatal(err)
			}
		}
		for _, fx := range []*fixture{n.second, n.first} { // the owner need not be the first
			if err := fx.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		n.first.Lead(true)
		f(n)
	})
}

// node makes one that reaches the owner through the two functions.
func (n *twoNodes) node(toCatalog, toQueue func() partition.Serve) (*fixture, *catalog.Catalog, *queue.Engine) {
	st, err := store.Open(store.Options{Memory: true, Replicated: true})
	if err != nil {
		n.Fatal(err)
	}
	set, err := partition.OpenSet(st, partition.Options{Replicated: true})
	if err != nil {
		n.Fatal(err)
	}
	cat := catalog.New(set.Catalog(), toOwner(toCatalog))
	engine := queue.New(set, st, queue.Options{Peers: toOwner(toQueue), Refresh: cat.Refresh})
	s := New(engine, cat, Config{DeleteCooldown: time.Minute, PurgeCooldown: time.Minute, Account: account})
	if err := set.Start(); err != nil {
		n.Fatal(err)
	}
	engine.Start()
	n.stores, n.sets = append(n.stores, st), append(n.sets, set)
	n.Cleanup(func() { s.Close(); engine.Close() })
	return &fixture{T: n.T, Service: s, call: service.Call{
		Principal: &iam.Principal{Account: account, ARN: "arn:aws:iam::" + account + ":root", UserID: account, Root: true},
		Region:    "us-east-1", BaseURL: "http://localhost:4566", Path: "/",
	}}, cat, engine
}

// toOwner is a catalog.Peers.
type toOwner func() partition.Serve

func (o toOwner) Call(ctx context.Context, id uint16, request []byte) ([]byte, error) {
	return o()(ctx, id, request)
}

// Tell implements catalog.Peers: here nobody reads elsewhere what was just changed
// without asking for it.
func (o toOwner) Tell(context.Context, uint16, []byte) {}

// toSecond is a log that the second node follows.
type toSecond struct {
	partition.Log
	written chan<- []store.Op
}

type sent struct {
	partition.Commit
	ops []store.Op
	to  chan<- []store.Op
}

func (l *toSecond) Append(b *store.Batch, sync bool) (partition.Commit, error) {
	ops, err := b.Ops()
	if err != nil {
		return nil, err
	}
	c, err := l.Log.Append(b, sync)
	return &sent{c, ops, l.written}, err
}

func (s *sent) Wait() error {
	err := s.Commit.Wait()
	if err == nil {
		s.to <- s.ops
	}
	return err
}

func (n *twoNodes) apply(ops []store.Op) {
	b := n.stores[1].NewBatch()
	for _, op := range ops {
		if op.Value == nil {
			b.Delete(op.Key)
		} else {
			b.Set(op.Key, op.Value)
		}
	}
	if err := b.Commit(false); err != nil {
		n.Error(err)
	}
	n.sets[1].Catalog().Applied(ops)
}

// behind does something while the second node hears of nothing. It goes on not to,
// until it asks.
func (n *twoNodes) behind(f func()) {
	synctest.Wait() // it has heard of everything before
	n.held <- struct{}{}
	f()
}

func (n *twoNodes) release() {
	select {
	case <-n.held:
	default:
	}
}

func TestNodeThatIsBehindAsks(t *testing.T) {
	onTwoNodes(t, func(n *twoNodes) {
		a, b := n.first, n.second
		var url *string
		n.behind(func() { url = a.create("made-by-first", nil) })
		b.send(url, "through the second")
		a.bodies(url, "through the second")

		n.behind(func() { url = a.create("known", attrs{"DelaySeconds": "1"}) })
		b.refused(sqsapi.CreateQueue, &sqsapi.CreateQueueRequest{QueueName: new("known"), Attributes: attrs{"DelaySeconds": "2"}}, sqsapi.QueueNameExists.Code, "DelaySeconds")
		n.behind(func() { a.set(url, attrs{"DelaySeconds": "3"}) })
		if v := b.get(url)["DelaySeconds"]; v != "3" {
			t.Errorf("the second node shows %s", v)
		}
		b.set(url, attrs{"DelaySeconds": "4"})
		if v := a.get(url)["DelaySeconds"]; v != "4" {
			t.Errorf("the first node shows %s", v)
		}

		// Pauses are of the queue, not of the node.
		n.behind(func() {
			must[service.None](a, sqsapi.PurgeQueue, &sqsapi.PurgeQueueRequest{QueueUrl: url})
		})
		b.refused(sqsapi.PurgeQueue, &sqsapi.PurgeQueueRequest{QueueUrl: url}, sqsapi.PurgeQueueInProgress.Code, "60 seconds")
		n.behind(func() {
			must[service.None](a, sqsapi.DeleteQueue, &sqsapi.DeleteQueueRequest{QueueUrl: url})
		})
		b.refused(sqsapi.CreateQueue, &sqsapi.CreateQueueRequest{QueueName: new("known")}, sqsapi.QueueDeletedRecently.Code, "60 seconds")
		b.refused(sqsapi.GetQueueUrl, &sqsapi.GetQueueUrlRequest{QueueName: new("known")}, sqsapi.QueueDoesNotExist.Code, "")
		b.wait(time.Minute)
		b.create("known", nil)
	})
}

// TestFailedPurgeMayBeTriedAgain: what SDKs try again at once is not refused for a
// minute.
func TestFailedPurgeMayBeTriedAgain(t *testing.T) {
	onTwoNodes(t, func(n *twoNodes) {
		url := n.second.create("q", nil)
		n.second.send(url, "x")
		purge := &sqsapi.PurgeQueueRequest{QueueUrl: url}
		n.broken.Store(true)
		n.second.refused(sqsapi.PurgeQueue, purge, smithy.ServiceUnavailable.Code, "")
		n.broken.Store(false)
		must[service.None](n.second, sqsapi.PurgeQueue, purge)
		n.first.bodies(url)
		n.first.refused(sqsapi.PurgeQueue, purge, sqsapi.PurgeQueueInProgress.Code, "60 seconds")
	})
}

func TestNodesDeclareTheSameQueue(t *testing.T) {
	onTwoNodes(t, func(n *twoNodes) {
		in := &sqsapi.CreateQueueRequest{QueueName: new("declared"), Attributes: attrs{"DelaySeconds": "7"}}
		n.behind(func() {
			if err := n.first.Declare(n.Context(), "us-east-1", in); err != nil {
				t.Error(err)
			}
		})
		if err := n.second.Declare(n.Context(), "us-east-1", in); err != nil {
			t.Error(err)
		}
		q := n.second.lookup(name{"us-east-1", account, "declared"})
		if q == nil || q.ID != n.first.lookup(q.name).ID {
			t.Errorf("%+v", q)
		}
	})
}

// TestMoveTaskOnNodes starts a task through a node that does not lead, hands the lead
// over while it runs, and cancels it through the one that does not lead any more.
func TestMoveTaskOnNodes(t *testing.T) {
	onTwoNodes(t, func(n *twoNodes) {
		const deadARN = "arn:aws:sqs:us-east-1:000000000000:dead"
		a, b := n.first, n.second
		dead, target := a.create("dead", nil), a.create("target", nil)
		source := a.create("source", nil)
		for range 20 {
			a.send(dead, "x")
		}
		n.behind(func() {
			a.set(source, attrs{"RedrivePolicy": `{"deadLetterTargetArn":"` + deadARN + `","maxReceiveCount":1}`})
		})
		handle := must[sqsapi.StartMessageMoveTaskResult](b, sqsapi.StartMessageMoveTask, &sqsapi.StartMessageMoveTaskRequest{
			SourceArn: new(deadARN), DestinationArn: new("arn:aws:sqs:us-east-1:000000000000:target"), MaxNumberOfMessagesPerSecond: new(int32(1)),
		}).TaskHandle
		moved := func() string { return b.get(target)["ApproximateNumberOfMessages"] }
		a.wait(4500 * time.Millisecond)
		if m := moved(); m != "5" {
			t.Errorf("the first node moved %s", m)
		}
		a.Lead(false)
		a.wait(5 * time.Second)
		if m := moved(); m != "5" {
			t.Errorf("nobody leads, %s were moved", m)
		}
		b.Lead(true)
		a.wait(4500 * time.Millisecond)
		if m := moved(); m != "10" {
			t.Errorf("the second node had moved %s", m)
		}
		must[sqsapi.CancelMessageMoveTaskResult](a, sqsapi.CancelMessageMoveTask, &sqsapi.CancelMessageMoveTaskRequest{TaskHandle: handle})
		a.wait(3 * time.Second)
		last := must[sqsapi.ListMessageMoveTasksResult](a, sqsapi.ListMessageMoveTasks, &sqsapi.ListMessageMoveTasksRequest{SourceArn: new(deadARN)}).Results[0]
		if *last.Status != "CANCELLED" || *last.ApproximateNumberOfMessagesMoved < 9 {
			t.Errorf("%s after %d", *last.Status, *last.ApproximateNumberOfMessagesMoved)
		}
		b.Close()
		b.Lead(true)
		if b.leading != nil {
			t.Error("a service that is closed leads")
		}
	})
}
