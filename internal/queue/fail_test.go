package queue

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/store"
	"github.com/spillway/spillway/internal/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// eventually polls for what another goroutine does.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: never", what)
		}
	}
}

func TestFullDiskRefusesSendsOnly(t *testing.T) {
	t.Parallel()
	fs := storetest.NewFS(1)
	fs.SetFree(1 << 40)
	e, stop := openOn(t, fs)
	defer stop()
	q, dead := e.Queue(plain), e.Queue(plainDead)
	send(t, q, text("a"), text("b"))
	fs.SetFree(1)
	eventually(t, "full", e.store.Full)
	if _, err := q.Enqueue([]Enqueue{text("c")}, nil); !errors.Is(err, partition.ErrDiskFull) {
		t.Errorf("send: %v", err)
	}
	in := lease(t, q, LeaseRequest{Max: 1, Time: 0})
	if len(in) != 1 {
		t.Fatalf("leased %v", in)
	}
	for range 3 { // in the end both are to be moved, and wait for room
		lease(t, q, LeaseRequest{Max: 2, Time: 0})
	}
	fs.SetFree(1 << 40)
	eventually(t, "arrived", func() bool { return dead.LocalCounters().Visible == 2 })
	fs.SetFree(1)
	eventually(t, "full again", e.store.Full)
	accept(t, dead, lease(t, dead, LeaseRequest{Max: 10, Time: -1})...)
	if c := dead.LocalCounters(); c != (Counters{}) {
		t.Errorf("after the deletes: %+v", c)
	}
}

func TestFailedSyncAnswersEverybody(t *testing.T) {
	t.Parallel()
	fs := storetest.NewFS(2)
	e, stop := openOn(t, fs)
	defer stop()
	q := e.Queue(plain)
	ended := make(chan error)
	wait := func(id uint64) {
		_, err := e.Queue(id).Lease(context.Background(), LeaseRequest{Max: 1, Wait: time.Hour})
		ended <- err
	}
	go wait(plain)
	go wait(ordered)
	send(t, e.Queue(purged), text("before"))
	fs.FailSyncs()
	if _, err := q.Enqueue([]Enqueue{text("a")}, nil); !errors.Is(err, partition.ErrStopped) {
		t.Errorf("send: %v", err)
	}
	for range 2 {
		select {
		case err := <-ended:
			if !errors.Is(err, partition.ErrStopped) {
				t.Errorf("waiting receive: %v", err)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("a waiting receive was not answered")
		}
	}
	for id := range e.queues {
		if _, err := e.Queue(id).Enqueue([]Enqueue{text("b")}, nil); !errors.Is(err, partition.ErrStopped) {
			t.Errorf("queue %d accepts messages: %v", id, err)
		}
	}
}

func TestDeletedQueueAnswersWaiters(t *testing.T) {
	t.Parallel()
	e := open(t, store.Options{Memory: true}, func(*Engine) {})
	q := e.Declare(7, standardSpec)
	send(t, q, text("a"))
	accept(t, q, lease(t, q, LeaseRequest{Max: 1, Time: -1})...)
	ended := make(chan error)
	go func() {
		_, err := q.Lease(context.Background(), LeaseRequest{Max: 1, Wait: time.Hour})
		ended <- err
	}()
	e.Delete(7)
	if err := <-ended; !errors.Is(err, ErrNoQueue) {
		t.Errorf("waiting receive: %v", err)
	}
	if _, err := q.Enqueue([]Enqueue{text("b")}, nil); !errors.Is(err, ErrNoQueue) {
		t.Errorf("send: %v", err)
	}
	eventually(t, "deleted", func() bool {
		n := 0
		for _, space := range []store.Space{store.SpaceQueue, store.SpaceMessage, store.SpaceState} {
			lo, hi := store.Bounds(q.m.p.ID(), space)
			if err := e.store.Scan(lo, hi, func(_, _ []byte) bool { n++; return true }); err != nil {
				t.Fatal(err)
			}
		}
		return n == 0
	})
}

// TestLostDeadLetterQueue: a message that its dead-letter queue will not take stays,
// and can be received.
func TestLostDeadLetterQueue(t *testing.T) {
	t.Parallel()
	e := open(t, store.Options{Memory: true}, func(*Engine) {})
	spec := standardSpec
	spec.DeadLetter, spec.MaxDeliveries = 99, 1 // there is no queue 99
	q := e.Declare(7, spec)
	send(t, q, text("a"))
	lease(t, q, LeaseRequest{Max: 1, Time: 0})
	in := lease(t, q, LeaseRequest{Max: 1, Time: -1})
	if len(in) == 0 { // that was the try to move it
		in = lease(t, q, LeaseRequest{Max: 1, Time: -1})
	}
	if len(in) != 1 || in[0].Acquired != 2 {
		t.Fatalf("got %+v", in)
	}
}

func TestCanceledLeaseGivesBack(t *testing.T) {
	t.Parallel()
	e := open(t, store.Options{Memory: true}, func(*Engine) {})
	q := e.Declare(7, standardSpec)
	for range 200 {
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan []Delivery)
		go func() {
			out, _ := q.Lease(ctx, LeaseRequest{Max: 1, Time: -1, Wait: time.Hour})
			ended <- out
		}()
		go cancel()
		send(t, q, text("a"))
		out := <-ended
		if len(out) == 0 {
			out = lease(t, q, LeaseRequest{Max: 1, Time: -1, Wait: time.Minute})
		}
		if len(out) != 1 {
			t.Fatalf("the message is gone: %+v", q.LocalCounters())
		}
		accept(t, q, out...)
	}
}
