package sqs

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/catalog/catalogtest"
	"github.com/spillway/spillway/internal/iam"
	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/queue"
	"github.com/spillway/spillway/internal/service"
	"github.com/spillway/spillway/internal/smithy"
)

// twoNodes are two services of a cluster.
type twoNodes struct {
	*catalogtest.Pair
	first, second *fixture
	// broken has what the second asks of queues fail without being executed.
	broken atomic.Bool
}

// onTwoNodes runs a test in virtual time with two fresh services.
func onTwoNodes(t *testing.T, f func(n *twoNodes)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := &twoNodes{Pair: catalogtest.NewPair(t)}
		var engine *queue.Engine
		n.first, engine = n.on(n.First, func() partition.Serve { return engine.Serve })
		n.second, _ = n.on(n.Second, func() partition.Serve {
			if n.broken.Load() {
				return func(context.Context, uint16, []byte) ([]byte, error) { return nil, partition.ErrStopped }
			}
			return engine.Serve
		})
		n.Start()
		for _, fx := range []*fixture{n.second, n.first} { // the owner need not be the first
			if err := fx.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		n.first.Lead(true)
		f(n)
	})
}

// on makes a service whose engine asks the owner.
func (n *twoNodes) on(node *catalogtest.Node, owner catalogtest.Owner) (*fixture, *queue.Engine) {
	engine := queue.New(node.Set, node.Store, queue.Options{Peers: owner, Refresh: node.Catalog.Refresh})
	s := New(engine, node.Catalog, Config{DeleteCooldown: time.Minute, PurgeCooldown: time.Minute, Account: account})
	if err := node.Set.Start(); err != nil {
		n.Fatal(err)
	}
	engine.Start()
	n.Cleanup(func() { s.Close(); engine.Close() })
	return &fixture{T: n.T, Service: s, call: service.Call{
		Principal: &iam.Principal{Account: account, ARN: "arn:aws:iam::" + account + ":root", UserID: account, Root: true},
		Region:    "us-east-1", BaseURL: "http://localhost:4566", Path: "/",
	}}, engine
}

func TestNodeThatIsBehindAsks(t *testing.T) {
	onTwoNodes(t, func(n *twoNodes) {
		a, b := n.first, n.second
		var url *string
		n.Behind(func() { url = a.create("made-by-first", nil) })
		b.send(url, "through the second")
		a.bodies(url, "through the second")

		n.Behind(func() { url = a.create("known", attrs{"DelaySeconds": "1"}) })
		b.refused(sqsapi.CreateQueue, &sqsapi.CreateQueueRequest{QueueName: new("known"), Attributes: attrs{"DelaySeconds": "2"}}, sqsapi.QueueNameExists.Code, "DelaySeconds")
		n.Behind(func() { a.set(url, attrs{"DelaySeconds": "3"}) })
		if v := b.get(url)["DelaySeconds"]; v != "3" {
			t.Errorf("the second node shows %s", v)
		}
		b.set(url, attrs{"DelaySeconds": "4"})
		if v := a.get(url)["DelaySeconds"]; v != "4" {
			t.Errorf("the first node shows %s", v)
		}

		// Pauses are of the queue, not of the node.
		n.Behind(func() {
			must[service.None](a, sqsapi.PurgeQueue, &sqsapi.PurgeQueueRequest{QueueUrl: url})
		})
		b.refused(sqsapi.PurgeQueue, &sqsapi.PurgeQueueRequest{QueueUrl: url}, sqsapi.PurgeQueueInProgress.Code, "60 seconds")
		n.Behind(func() {
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
		n.Behind(func() {
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
		n.Behind(func() {
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
