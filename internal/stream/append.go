package stream

import (
	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/stream/core"
)

// Appended is what became of an append: its records have consecutive sequences, and
// all the same time.
type Appended struct {
	First uint64
	Time  int64 // unix ms
}

// Target is an append to one shard, and what became of it.
type Target struct {
	Shard    *Shard
	Records  []Record // Seq and Time are ignored
	Appended Appended
	Err      error

	chunks []core.Chunk
	size   int
}

// Append stores records in order, all or none; they are durable on return, and read by
// every Read that begins afterwards. The records may be reused then. It fails with
// ErrClosed, ErrTooLarge, or partition.ErrDiskFull while the disk is short of space.
func (s *Shard) Append(in []Record) (Appended, error) {
	t := Target{Shard: s, Records: in}
	AppendEach([]*Target{&t})
	return t.Appended, t.Err
}

// prepare checks what is asked for. It returns false if there is nothing to do.
func (t *Target) prepare() bool {
	t.Appended, t.Err, t.size = Appended{}, nil, 0
	for i := range t.Records {
		t.size += t.Records[i].Size() + len(t.Records[i].Header)
	}
	switch {
	case len(t.Records) == 0:
		return false
	case len(t.Records) > maxRecords || t.size > MaxAppend:
		t.Err = ErrTooLarge
	case t.Shard.full():
		t.Err = partition.ErrDiskFull
	case t.Shard.gone.Load():
		t.Err = ErrNoShard
	}
	return t.Err == nil
}

// pack encodes the records, in the caller's goroutine: the partition's has only numbers
// and a time to give.
func (t *Target) pack() { t.chunks = core.Pack(t.Records, t.chunks) }

// full tells whether the disk that counts is full: the owner's.
func (s *Shard) full() bool {
	return s.m.p.Full() && (!s.m.engine.clustered() || s.m.p.Owned())
}

// appendCommand is appends to shards of one partition.
type appendCommand struct {
	partition.Call
	targets []*Target
	size    int
}

// Run implements partition.Command.
func (c *appendCommand) Run(tx *partition.Tx) {
	for _, t := range c.targets {
		m := t.Shard.m
		l := m.local(t.Shard)
		if l == nil {
			t.Err = ErrNoShard
			continue
		}
		t.Appended.First, t.Appended.Time, t.Err = l.core.Append(m.begin(tx, l), t.chunks)
		if t.Err == nil {
			tx.Defer(t.size + len(t.Records))
		}
	}
}
