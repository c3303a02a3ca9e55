package partition_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/store"
	"github.com/spillway/spillway/internal/store/storetest"
)

// command runs a function and passes on its end.
type command struct {
	run  func(tx *partition.Tx)
	done chan error
}

func (c *command) Run(tx *partition.Tx) { c.run(tx) }
func (c *command) Done(err error)       { c.done <- err }

// submit starts a command; the result is its end.
func submit(p *partition.Partition, run func(tx *partition.Tx)) <-chan error {
	c := &command{run: run, done: make(chan error, 1)}
	p.Submit(c)
	return c.done
}

// do runs a command and waits for its end.
func do(p *partition.Partition, run func(tx *partition.Tx)) error { return <-submit(p, run) }

func put(key uint64, value string) func(tx *partition.Tx) {
	return func(tx *partition.Tx) {
		tx.Batch.Set(store.AppendKey(nil, tx.Partition(), store.SpaceMessage, key), []byte(value))
	}
}

// deepLog is the local log as one that needs a pipeline to be fast.
type deepLog struct{ partition.Log }

func newDeepLog(uint16) partition.Log { return deepLog{partition.NewLocalLog()} }

// Depth implements partition.Pipeliner.
func (deepLog) Depth() int { return 4 }

// start runs a set on the store, which is closed with the test.
func start(t testing.TB, st *store.Store, o partition.Options, machine partition.Machine) *partition.Set {
	t.Helper()
	s, err := partition.OpenSet(st, o)
	if err != nil {
		t.Fatal(err)
	}
	if machine != nil {
		s.All()[0].Attach(machine)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(context.Background()) })
	return s
}

func TestCommandsAreDurableWhenDone(t *testing.T) {
	defer goleak.VerifyNone(t)
	fs := storetest.NewFS(1)
	st := storetest.Open(t, fs)
	defer st.Close()
	s := start(t, st, partition.Options{}, nil)
	defer s.Close(t.Context())
	p := s.For(7)
	for i := range uint64(20) {
		if err := do(p, put(i, "x")); err != nil {
			t.Fatal(err)
		}
	}
	after := storetest.Open(t, fs.Crash())
	defer after.Close()
	for i := range uint64(20) {
		if _, ok, err := after.Get(store.AppendKey(nil, p.ID(), store.SpaceMessage, i)); !ok || err != nil {
			t.Errorf("command %d is lost (%v)", i, err)
		}
	}
}

func TestCloseFinishesWhatWaits(t *testing.T) {
	st := storetest.Open(t, storetest.NewFS(1))
	s := start(t, st, partition.Options{}, nil)
	var done []<-chan error
	for i := range uint64(100) {
		done = append(done, submit(s.For(i), put(i, "x")))
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, d := range done {
		if err := <-d; err != nil {
			t.Errorf("command %d: %v", i, err)
		}
	}
	if err := do(s.For(1), put(1, "x")); !errors.Is(err, partition.ErrStopped) {
		t.Errorf("after close: %v", err)
	}
}

func TestFailedSyncStops(t *testing.T) {
	defer goleak.VerifyNone(t)
	fs := storetest.NewFS(1)
	st := storetest.Open(t, fs)
	defer st.Close()
	s := start(t, st, partition.Options{}, nil)
	defer s.Close(t.Context())
	if err := do(s.For(1), put(1, "x")); err != nil {
		t.Fatal(err)
	}
	fs.FailSyncs()
	var hook error
	var mu sync.Mutex
	err := do(s.For(1), func(tx *partition.Tx) {
		put(2, "x")(tx)
		tx.OnCommit(func(err error) { mu.Lock(); hook = err; mu.Unlock() })
	})
	if !errors.Is(err, partition.ErrStopped) {
		t.Errorf("the command that could not be made durable: %v", err)
	}
	mu.Lock()
	if !errors.Is(hook, storetest.ErrInjected) {
		t.Errorf("its hook got %v", hook)
	}
	mu.Unlock()
	fs.Heal() // it must not continue, even if the disk seems to be well again
	if err := do(s.For(1), put(3, "x")); !errors.Is(err, partition.ErrStopped) {
		t.Errorf("a later command: %v", err)
	}
	if err := s.For(1).Err(); !errors.Is(err, storetest.ErrInjected) {
		t.Errorf("Err: %v", err)
	}
	<-st.Failed()
	for _, p := range s.All() { // also those that did not write
		if err := do(p, func(tx *partition.Tx) {}); err == nil && p == s.For(1) {
			t.Error("a stopped partition answers")
		}
	}
	if s.Err() == nil {
		t.Error("the set says it is well")
	}
}

func TestPanicStops(t *testing.T) {
	st := storetest.Open(t, storetest.NewFS(1))
	s := start(t, st, partition.Options{}, nil)
	p := s.For(1)
	err := do(p, func(tx *partition.Tx) { put(1, "x")(tx); panic("broken") })
	if !errors.Is(err, partition.ErrStopped) {
		t.Errorf("the command that panicked: %v", err)
	}
	if err := do(p, put(2, "x")); !errors.Is(err, partition.ErrStopped) {
		t.Errorf("the next: %v", err)
	}
	if p.Err() == nil || s.Err() == nil {
		t.Error("no error is shown")
	}
	if _, ok, _ := st.Get(store.AppendKey(nil, p.ID(), store.SpaceMessage, 1)); ok {
		t.Error("half a batch was written")
	}
	if other := s.All()[0]; other != p {
		if err := do(other, put(1, "x")); err != nil {
			t.Errorf("another partition: %v", err)
		}
	}
}

func TestBusy(t *testing.T) {
	st := storetest.Open(t, storetest.NewFS(1))
	s := start(t, st, partition.Options{InboxLimit: 2}, nil)
	p := s.For(1)
	running, release := make(chan struct{}), make(chan struct{})
	first := submit(p, func(*partition.Tx) { close(running); <-release })
	<-running
	second, third := submit(p, put(2, "x")), submit(p, put(3, "x"))
	if err := do(p, put(4, "x")); !errors.Is(err, partition.ErrBusy) {
		t.Errorf("one too many: %v", err)
	}
	close(release)
	for _, d := range []<-chan error{first, second, third} {
		if err := <-d; err != nil {
			t.Error(err)
		}
	}
}
