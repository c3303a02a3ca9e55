package stream

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestFullDiskRefusesAppendsOnly(t *testing.T) {
	t.Parallel()
	fs := storetest.NewFS(1)
	fs.SetFree(1 << 40)
	e, stop := openOn(t, fs, 1)
	defer stop()
	s := e.Shard(1)
	put(t, s, text("a"))
	fs.SetFree(1)
	eventually(t, "full", e.store.Full)
	if _, err := s.Append([]Record{text("b")}); !errors.Is(err, partition.ErrDiskFull) {
		t.Errorf("append: %v", err)
	}
	if p := read(t, s, 1, 10, 100); len(p.Records) != 1 {
		t.Errorf("read %d records", len(p.Records))
	}
	if c, err := s.Close(t.Context()); err != nil || c.Last != 1 {
		t.Errorf("close: %+v %v", c, err)
	}
}

func TestFailedSyncAnswersEverybody(t *testing.T) {
	t.Parallel()
	fs := storetest.NewFS(2)
	e, stop := openOn(t, fs, 1)
	defer stop()
	ended := make(chan error)
	for _, id := range []uint64{1, 2} {
		put(t, e.Shard(id), text("before"))
		go func() { ended <- e.Shard(id).Wait(context.Background(), 2) }()
	}
	fs.FailSyncs()
	if _, err := e.Shard(1).Append([]Record{text("a")}); !errors.Is(err, partition.ErrStopped) {
		t.Errorf("append: %v", err)
	}
	for range 2 {
		select {
		case err := <-ended:
			if !errors.Is(err, partition.ErrStopped) {
				t.Errorf("wait: %v", err)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("a wait was not answered")
		}
	}
	for id := range uint64(shards) {
		if _, err := e.Shard(id + 1).Append([]Record{text("b")}); !errors.Is(err, partition.ErrStopped) {
			t.Errorf("shard %d takes records: %v", id+1, err)
		}
	}
}

// TestCloseEndsWaits: an engine that is closed leaves nobody waiting.
func TestCloseEndsWaits(t *testing.T) {
	t.Parallel()
	e := open(t, memory, Options{}, declareAll)
	ended := make(chan error)
	for range 3 {
		go func() { ended <- e.Shard(1).Wait(context.Background(), 1) }()
	}
	time.Sleep(time.Millisecond)
	e.Close()
	for range 3 {
		if err := <-ended; !errors.Is(err, partition.ErrStopped) {
			t.Error(err)
		}
	}
	put(t, e.Shard(1), text("a")) // the partitions are still there
	e.Close()
}

// TestDeletedWhileDown: what a crash left of a deleted shard goes with the next start.
func TestDeletedWhileDown(t *testing.T) {
	t.Parallel()
	fs := storetest.NewFS(3)
	e, stop := openOn(t, fs, 1)
	s := e.Declare(99, daySpec) // openOn does not declare it again
	put(t, s, text("a"), text("b"))
	stop()
	e, stop = openOn(t, fs, 1)
	defer stop()
	put(t, e.Shard(1), text("a"))
	eventually(t, "deleted", func() bool { return stored(t, e, s) == 0 })
}
