package cluster

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"
)

func told(t *testing.T, table *table, node string, partitions ...partitionReport) {
	t.Helper()
	hear(t, table, report{Node: node, Partitions: partitions})
}

func hear(t *testing.T, table *table, r report) {
	t.Helper()
	r.Time = time.Now().UnixMilli()
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	table.hear(b)
}

// TestOwners: the highest epoch is the owner, whatever order reports come in.
func TestOwners(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		table := newTable()
		is := func(want string) {
			t.Helper()
			if got, _, _ := table.owner(1); got != want {
				t.Errorf("the owner is %q, not %q", got, want)
			}
		}
		is("")
		told(t, table, "a", partitionReport{ID: 1, Role: RoleOwner, Epoch: 3})
		is("a")
		_, first, news := table.owner(1)
		told(t, table, "b", partitionReport{ID: 1, Role: RoleFollowing, Epoch: 3})
		is("a")
		told(t, table, "b", partitionReport{ID: 1, Role: RoleOwner, Epoch: 4})
		is("b")
		if first.Err() == nil {
			t.Error("calls to the old owner go on after another took over")
		}
		select {
		case <-news:
		default:
			t.Error("nobody was told")
		}
		told(t, table, "a", partitionReport{ID: 1, Role: RoleOwner, Epoch: 3}) // late
		is("b")
		_, second, _ := table.owner(1)
		told(t, table, "b", partitionReport{ID: 1, Role: RoleFollowing, Epoch: 4})
		is("")
		told(t, table, "a", partitionReport{ID: 1, Role: RoleOwner, Epoch: 5})
		is("a")
		if second.Err() != nil {
			t.Error("answers of an owner that gave the partition up are not waited for")
		}
		time.Sleep(answerTime + time.Second) // virtual
		if second.Err() == nil {
			t.Error("calls to it never end")
		}
		table.hear([]byte("{"))
		table.hear(nil)
		is("a")
	})
}

// TestFloor: the log is kept for every replica that may come back, and never trimmed
// with only a minority known.
func TestFloor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := &Node{node: "a", table: newTable()}
		replicas := []string{"a", "b", "c"}
		flushed := func(node string, seq uint64) {
			told(t, n.table, node, partitionReport{ID: 1, Role: RoleFollowing, Flushed: seq})
		}
		floor := func(want uint64) {
			t.Helper()
			if got := n.floor(1, replicas); got != want {
				t.Errorf("the floor is %d, not %d", got, want)
			}
		}
		flushed("a", 100)
		floor(0)
		flushed("b", 70)
		floor(0) // c was never heard of, but this node has just begun
		flushed("c", 30)
		floor(30)
		time.Sleep(absentAfter + time.Second) // virtual: c is away for good
		flushed("a", 100)
		flushed("b", 70)
		floor(70)
		time.Sleep(absentAfter + time.Second)
		flushed("a", 100)
		floor(0)
		n.table.forget("c")
		flushed("b", 70)
		floor(70) // c has not been heard of for long
	})
}

func TestStates(t *testing.T) {
	t.Parallel()
	for want, m := range map[string]member{
		"up": {}, "draining": {report: report{Draining: true, Full: true}}, "disk full": {report: report{Full: true}},
	} {
		if got := m.state(true); got != want {
			t.Errorf("%+v is %s, want %s", m, got, want)
		}
		if got := m.state(false); got != "silent" {
			t.Errorf("%+v is %s though it is silent", m, got)
		}
	}
}

// TestHeirAndDonor: only a whole, living copy is good enough.
func TestHeirAndDonor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		table := newTable()
		told(t, table, "a", partitionReport{ID: 1, Role: RoleOwner, Epoch: 2, Applied: 50})
		told(t, table, "b", partitionReport{ID: 1, Role: RoleSeeding, Applied: 90})
		if got := table.donor(1, "b"); got != "a" {
			t.Errorf("donor %q", got)
		}
		if got := table.heir(1, "a"); got != "" {
			t.Errorf("heir %q", got)
		}
		told(t, table, "c", partitionReport{ID: 1, Role: RoleFollowing, Applied: 49}, partitionReport{ID: 2, Role: RoleOwner, Epoch: 1})
		told(t, table, "d", partitionReport{ID: 1, Role: RoleFollowing, Applied: 48})
		if got := table.donor(1, "b"); got != "c" {
			t.Errorf("donor %q", got)
		}
		if got := table.heir(1, "a"); got != "d" {
			t.Errorf("heir %q", got)
		}
		hear(t, table, report{Node: "d", Full: true, Partitions: []partitionReport{{ID: 1, Role: RoleFollowing, Applied: 48}}})
		if got := table.heir(1, "a"); got != "c" {
			t.Errorf("heir %q, though the disk of d is full", got)
		}
		hear(t, table, report{Node: "c", Full: true, Partitions: []partitionReport{{ID: 1, Role: RoleFollowing, Applied: 49}}})
		if got := table.heir(1, "a"); got == "" {
			t.Error("no heir because all disks are full")
		}
		time.Sleep(aliveFor + time.Second) // virtual
		if got := table.heir(1, "a"); got != "" {
			t.Errorf("heir %q, which is silent", got)
		}
	})
}
