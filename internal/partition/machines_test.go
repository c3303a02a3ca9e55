package partition_test

import (
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/store"
	"github.com/spillway/spillway/internal/store/storetest"
)

// loggedMachine notes what it is asked, and wants to be advanced once at a time.
type loggedMachine struct {
	name   string
	calls  *[]string // of all machines, in order
	err    error     // of Load
	due    time.Time
	onTime atomic.Int32
}

func (m *loggedMachine) note(what string) { *m.calls = append(*m.calls, m.name+" "+what) }

func (m *loggedMachine) Load(store.Reader, time.Time) error {
	m.note("load")
	return m.err
}

func (m *loggedMachine) Unload(error) { m.note("unload") }

func (m *loggedMachine) Advance(tx *partition.Tx) time.Time {
	if !m.due.IsZero() && !tx.Now.Before(m.due) {
		m.due = time.Time{}
		m.onTime.Add(1)
	}
	return m.due
}

// following is a loggedMachine that follows.
type following struct{ *loggedMachine }

func (m following) Reset(store.Reader) error {
	m.note("reset")
	return nil
}

func (m following) Applied(ops []store.Op) { m.note("applied") }

// TestSeveralMachines: the machines of a partition are loaded and unloaded in order,
// and each is advanced when it wants to be.
func TestSeveralMachines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := storetest.Open(t, storetest.NewFS(1))
		s, err := partition.OpenSet(st, partition.Options{Partitions: 1, Replicated: true})
		if err != nil {
			t.Fatal(err)
		}
		var calls []string
		start := time.Now()
		a := &loggedMachine{name: "a", calls: &calls, due: start.Add(2 * time.Hour)}
		b := &loggedMachine{name: "b", calls: &calls, due: start.Add(time.Hour)}
		c := &loggedMachine{name: "c", calls: &calls}
		machines := []partition.Machine{a, following{b}, c}
		for _, m := range machines {
			s.Attach(func(*partition.Partition) partition.Machine { return m })
		}
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
		p := s.All()[0]
		if !p.Follows() {
			t.Error("one of them follows")
		}
		p.Applied(nil)
		own := func() error { return p.Own(partition.NewLocalLog(), time.Time{}, time.Time{}) }
		if err := own(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(90 * time.Minute)
		if a.onTime.Load() != 0 || b.onTime.Load() != 1 {
			t.Errorf("after 90 minutes: a %d, b %d", a.onTime.Load(), b.onTime.Load())
		}
		time.Sleep(time.Hour)
		if a.onTime.Load() != 1 || b.onTime.Load() != 1 {
			t.Errorf("in the end: a %d, b %d", a.onTime.Load(), b.onTime.Load())
		}
		if err := do(p, put(1, "x")); err != nil {
			t.Error(err)
		}
		ended := p.Ended()
		p.Release()
		<-ended
		c.err = errors.New("damaged")
		if err := own(); !errors.Is(err, c.err) {
			t.Errorf("own: %v", err)
		}
		want := []string{
			"b reset", "b applied", "a load", "b load", "c load", "a unload", "b unload", "c unload",
			"a load", "b load", "c load", "a unload", "b unload", "c unload",
		}
		if !slices.Equal(calls, want) {
			t.Errorf("%q, want %q", calls, want)
		}
		if p.Owned() {
			t.Error("it is owned although a machine could not be loaded")
		}
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// gathering writes in Advance what commands of the batch gave it.
type gathering struct {
	loggedMachine
	given [][]byte
}

func (m *gathering) Advance(tx *partition.Tx) (_ time.Time) {
	for i, value := range m.given {
		tx.Batch.Set(store.AppendKey(nil, tx.Partition(), store.SpaceMessage, tx.Number(), uint64(i)), value)
	}
	m.given = nil
	return
}

// TestDeferredWrites: a command whose writes come with Advance is answered when they are
// durable, and they count for what a batch may hold.
func TestDeferredWrites(t *testing.T) {
	m := &gathering{loggedMachine: loggedMachine{calls: new([]string)}}
	give := func(tx *partition.Tx) {
		m.given = append(m.given, make([]byte, 400))
		tx.Defer(400)
	}
	held(t, m, func(p *partition.Partition, log *heldLog) {
		first := submit(p, give)
		expect(t, "a deferred write", first, "waiting")
		if c := log.get(0); c == nil || !c.sync {
			t.Errorf("its batch: %+v", c)
		}
		g := submitGate(p)
		<-g.running
		var done []<-chan error
		for range 6 {
			done = append(done, submit(p, give))
		}
		close(g.release)
		log.get(0).end <- nil
		expect(t, "a deferred write", first, "done")
		for i := 1; i < 3; i++ {
			if c := log.get(i); c == nil || c.size < 1200 || c.size > 1400 {
				t.Fatalf("batch %d: %+v", i, c)
			}
		}
		expect(t, "one in a later batch", done[0], "waiting")
		log.get(1).end <- nil
		log.get(2).end <- nil
		for _, d := range done {
			expect(t, "each", d, "done")
		}
	})
}
