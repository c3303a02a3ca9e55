package partition_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/store"
	"github.com/spillway/spillway/internal/store/storetest"
)

// heldLog is a log whose commits wait for permission.
type heldLog struct {
	limit int

	mu      sync.Mutex // guards the fields below
	batches []*heldCommit
}

type heldCommit struct {
	sync bool
	size int
	end  chan error
}

func (l *heldLog) BatchLimit() int { return l.limit }

// Depth implements partition.Pipeliner.
func (l *heldLog) Depth() int { return 4 }

func (l *heldLog) Append(b *store.Batch, sync bool) (partition.Commit, error) {
	c := &heldCommit{sync: sync, size: b.Len(), end: make(chan error, 1)}
	b.Discard()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.batches = append(l.batches, c)
	return c, nil
}

func (c *heldCommit) Wait() error { return <-c.end }

func (l *heldLog) get(i int) *heldCommit {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i >= len(l.batches) {
		return nil
	}
	return l.batches[i]
}

// held runs a set with one data partition on a held log, in a bubble.
func held(t *testing.T, m partition.Machine, test func(p *partition.Partition, log *heldLog)) {
	synctest.Test(t, func(t *testing.T) {
		log := &heldLog{limit: 1000}
		st := storetest.Open(t, storetest.NewFS(1))
		s := start(t, st, partition.Options{
			Partitions: 1,
			NewLog: func(id uint16) partition.Log {
				if id == 0 {
					return partition.NewLocalLog()
				}
				return log
			},
		}, m)
		test(s.All()[0], log)
		synctest.Wait()
		for i := 0; log.get(i) != nil; i++ {
			close(log.get(i).end) // nil for those that nobody has answered
			synctest.Wait()
		}
		s.Close(t.Context())
	})
}

// state tells whether a command has ended, and how.
func state(done <-chan error) string {
	synctest.Wait()
	select {
	case err := <-done:
		if err != nil {
			return err.Error()
		}
		return "done"
	default:
		return "waiting"
	}
}

func expect(t *testing.T, what string, done <-chan error, want string) {
	t.Helper()
	if got := state(done); got != want {
		t.Errorf("%s: %s, want %s", what, got, want)
	}
}

func TestAnswersWaitForWhatTheyRestOn(t *testing.T) {
	held(t, nil, func(p *partition.Partition, log *heldLog) {
		nothing := func(*partition.Tx) {}
		expect(t, "a read while nothing is in flight", submit(p, nothing), "done")

		write := submit(p, put(1, "x"))
		synctest.Wait()
		read := submit(p, nothing)
		relaxedRead := submit(p, func(tx *partition.Tx) { tx.Relax() })
		expect(t, "a write", write, "waiting")
		expect(t, "a read after it", read, "waiting")
		expect(t, "a relaxed read after it", relaxedRead, "done")

		// One batch: a read, a write, another read.
		gate := submitGate(p)
		<-gate.running
		before, second, after := submit(p, nothing), submit(p, put(2, "x")), submit(p, nothing)
		close(gate.release)
		log.get(0).end <- nil
		expect(t, "the first write", write, "done")
		expect(t, "the read after it", read, "done")
		expect(t, "a read before the second write", before, "done")
		expect(t, "the second write", second, "waiting")
		expect(t, "a read of the second write", after, "waiting")
		log.get(1).end <- nil
		expect(t, "the second write", second, "done")
		expect(t, "a read of the second write", after, "done")
	})
}

// gate holds the partition's goroutine until it is released.
type gate struct{ running, release chan struct{} }

func submitGate(p *partition.Partition) gate {
	g := gate{make(chan struct{}), make(chan struct{})}
	submit(p, func(tx *partition.Tx) { close(g.running); <-g.release; tx.Relax() })
	return g
}

func TestRelaxedWritesDoNotSync(t *testing.T) {
	held(t, nil, func(p *partition.Partition, log *heldLog) {
		relaxed := func(tx *partition.Tx) { put(1, "x")(tx); tx.Relax() }
		expect(t, "a relaxed write", submit(p, relaxed), "done")
		synctest.Wait()
		if c := log.get(0); c == nil || c.sync {
			t.Errorf("its batch: %+v", c)
		}
		submit(p, put(2, "x"))
		synctest.Wait()
		if c := log.get(1); c == nil || !c.sync {
			t.Errorf("the batch of one that is not: %+v", c)
		}
	})
}

func TestPipelineAndBatchLimit(t *testing.T) {
	held(t, nil, func(p *partition.Partition, log *heldLog) {
		g := submitGate(p)
		<-g.running
		var done []<-chan error
		for i := range uint64(30) { // of about 300 bytes
			done = append(done, submit(p, put(i, string(make([]byte, 300)))))
		}
		close(g.release)
		synctest.Wait()
		if log.get(3) == nil || log.get(4) != nil {
			t.Error("not exactly 4 batches are in flight")
		}
		for i := 0; ; i++ {
			synctest.Wait()
			c := log.get(i)
			if c == nil {
				break
			}
			if c.size < 1000 && i < 7 || c.size > 1400 {
				t.Errorf("batch %d has %d bytes", i, c.size)
			}
			c.end <- nil
		}
		for _, d := range done {
			expect(t, "command", d, "done")
		}
	})
}

func TestAfterAFailedBatchEverythingFails(t *testing.T) {
	held(t, nil, func(p *partition.Partition, log *heldLog) {
		var mu sync.Mutex
		var hooks []error
		hooked := func(key uint64) func(tx *partition.Tx) {
			return func(tx *partition.Tx) {
				put(key, "x")(tx)
				tx.OnCommit(func(err error) { mu.Lock(); hooks = append(hooks, err); mu.Unlock() })
			}
		}
		var done []<-chan error
		for i := range uint64(7) { // 4 in flight, 3 that wait
			done = append(done, submit(p, hooked(i)))
			synctest.Wait()
		}
		broken := errors.New("broken")
		log.get(0).end <- nil
		log.get(1).end <- broken
		log.get(2).end <- nil // too late
		expect(t, "the batch before", done[0], "done")
		for _, d := range done[1:] {
			expect(t, "after the failure", d, partition.ErrStopped.Error())
		}
		if !errors.Is(p.Err(), broken) {
			t.Errorf("Err: %v", p.Err())
		}
		mu.Lock()
		defer mu.Unlock()
		if len(hooks) < 4 || hooks[0] != nil {
			t.Errorf("hooks got %v", hooks)
		}
		for _, err := range hooks[1:] {
			if !errors.Is(err, broken) {
				t.Errorf("hooks got %v", hooks)
			}
		}
	})
}

func TestNumbers(t *testing.T) {
	held(t, nil, func(p *partition.Partition, log *heldLog) {
		var number, completed uint64
		look := func(tx *partition.Tx) { number, completed = tx.Number(), tx.Completed() }
		do(p, look)
		first := number
		if completed != first-1 {
			t.Errorf("batch %d, completed %d", number, completed)
		}
		w := submit(p, put(1, "x"))
		synctest.Wait()
		r := submit(p, look)
		synctest.Wait()
		if number != first+2 || completed != first {
			t.Errorf("while batch %d is in flight: batch %d, completed %d", first+1, number, completed)
		}
		log.get(0).end <- nil
		expect(t, "write", w, "done")
		expect(t, "read", r, "done")
		do(p, look)
		if number != first+3 || completed != first+2 {
			t.Errorf("afterwards: batch %d, completed %d", number, completed)
		}
	})
}

// alarm is a machine that notes when it is called, and wants to be every minute.
type alarm struct {
	loaded time.Time
	at     []time.Time
}

func (m *alarm) Load(_ store.Reader, now time.Time) error { m.loaded = now; return nil }
func (m *alarm) Unload(error)                             {}

func (m *alarm) Advance(tx *partition.Tx) time.Time {
	m.at = append(m.at, tx.Now)
	return m.loaded.Add(time.Duration(len(m.at)) * time.Minute)
}

func TestAdvance(t *testing.T) {
	m := &alarm{}
	held(t, m, func(p *partition.Partition, log *heldLog) {
		time.Sleep(150 * time.Second) // of the bubble's time
		do(p, func(*partition.Tx) {})
		var got []time.Duration
		for _, at := range m.at {
			got = append(got, at.Sub(m.loaded))
		}
		want := []time.Duration{0, time.Minute, 2 * time.Minute, 150 * time.Second}
		if !slices.Equal(got, want) {
			t.Errorf("called at %v, want %v", got, want)
		}
	})
}

func TestLoadFails(t *testing.T) {
	st := storetest.Open(t, storetest.NewFS(1))
	s, err := partition.OpenSet(st, partition.Options{})
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	s.Attach(func(p *partition.Partition) partition.Machine { return badMachine{broken} })
	waiting := submit(s.For(1), put(1, "x"))
	if err := s.Start(); !errors.Is(err, broken) {
		t.Errorf("start: %v", err)
	}
	s.Close(t.Context())
	if err := <-waiting; !errors.Is(err, partition.ErrStopped) {
		t.Errorf("a command: %v", err)
	}
}

type badMachine struct{ err error }

func (m badMachine) Load(store.Reader, time.Time) error  { return m.err }
func (m badMachine) Unload(error)                        {}
func (m badMachine) Advance(*partition.Tx) (_ time.Time) { return }

// stuckLog never returns from Append, as a store can that has failed.
type stuckLog struct{ forever chan struct{} }

func (l stuckLog) Append(*store.Batch, bool) (partition.Commit, error) {
	<-l.forever
	return nil, errors.New("stuck")
}

// TestStuckLogIsGivenUp has the store fail while a partition is stuck in its log:
// its commands are answered all the same.
func TestStuckLogIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := storetest.NewFS(1)
		st := storetest.Open(t, fs)
		stuck := stuckLog{make(chan struct{})}
		s := start(t, st, partition.Options{
			Partitions: 1,
			NewLog: func(id uint16) partition.Log {
				if id == 0 {
					return partition.NewLocalLog()
				}
				return stuck
			},
		}, nil)
		p := s.All()[0]
		first := submit(p, put(1, "x"))
		expect(t, "in the log", first, "waiting")
		second := submit(p, put(2, "x"))
		expect(t, "behind it", second, "waiting")
		fs.FailSyncs()
		expect(t, "another partition", submit(s.Catalog(), put(1, "x")), partition.ErrStopped.Error())
		expect(t, "in the log", first, partition.ErrStopped.Error())
		expect(t, "behind it", second, partition.ErrStopped.Error())
		close(stuck.forever)
	})
}
