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
