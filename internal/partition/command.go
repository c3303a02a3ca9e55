package partition

import (
	"time"

	"github.com/spillway/spillway/internal/store"
)

// Command is something to be done by a partition.
type Command interface {
	// Run executes on the partition's goroutine: it reads and changes memory and
	// records what it changes in tx.Batch. It must not block, nor keep tx.
	Run(tx *Tx)
	// Done is called exactly once: when everything that Run wrote and everything
	// that it saw is durable (at once after Run if it called Tx.Relax), or with
	// the error that prevented that, in which case Run may not have been called.
	// It must not block and must not panic. It is called by one of the
	// partition's goroutines, or by Submit itself if the command is refused.
	Done(err error)
}

// Machine is state that a partition owns. Its methods are called by one goroutine
// at a time.
type Machine interface {
	// Load rebuilds memory from the store: whenever this node becomes the
	// partition's owner.
	Load(r store.Reader, now time.Time) error
	// Unload ends what waits in memory for something to come (waiting commands
	// that were not answered by Done), with err, and forgets the rest: the
	// partition has stopped, and may be loaded again.
	Unload(err error)
	// Advance does what time demands and returns when it wants to be called next;
	// zero for nothing scheduled. It is called when that time has come, after the
	// commands of every batch, and after Wake, so it must be cheap when there is
	// nothing to do. Its writes force no sync unless it asks with
	// Tx.Force. Where much is due it should
	// do a part, and return tx.Now to be called again soon.
	Advance(tx *Tx) (next time.Time)
}

// Follower is implemented by machines that show the state of a partition which
// another node owns. Its methods are called by one goroutine at a time, and never
// while the machine is loaded.
type Follower interface {
	// Reset reads the state from the store: at start, and when the partition's
	// whole content was replaced by a peer's.
	Reset(r store.Reader) error
	// Applied hears of each batch that the owner wrote, after it was applied.
	Applied(ops []store.Op)
}

// Tx is what a command or a machine may use while it runs. It is valid during
// the call only.
type Tx struct {
	// Batch takes the writes. It is shared by all commands of the batch.
	Batch *store.Batch
	// Now is the partition's time: that of the wall clock, except that it never
	// goes back. It is the same for all commands of a batch.
	Now time.Time
	// NowMillis is Now in milliseconds since 1970.
	NowMillis int64

	p        *Partition
	item     *item
	relaxed  bool
	forced   bool
	deferred int
}

// Relax says that this command's answer need not wait for durability, and that
// its writes do not force a sync: they may be lost in a crash, as a suffix of all
// that the partition wrote.
func (tx *Tx) Relax() { tx.relaxed = true }

// Defer says that Advance will write about so many bytes for this command, which counts
// as if the command had written them: for machines that write together what several
// commands of a batch add to the same thing.
func (tx *Tx) Defer(bytes int) { tx.deferred += bytes }

// written is the size of the batch, with what is still to be written.
func (tx *Tx) written() int { return tx.Batch.Len() + tx.deferred }

// Force has the batch synced whoever wrote to it: for machines that, in Advance,
// answer a command which must not be answered before it is durable.
func (tx *Tx) Force() { tx.forced = true }

// Fenced tells whether another node could take over without this one knowing. Then
// nothing may be answered, reads included, that hands out something (a lease)
// before a batch has made sure that this node is still the owner. What was written
// to Batch is answered after that anyway, unless Relax is called.
func (tx *Tx) Fenced() bool { return tx.p.fenced }

// Reader reads the store. Only batches up to Completed are certain to be seen;
// some logs show more. It costs microseconds to milliseconds, which all commands
// of the partition wait for.
func (tx *Tx) Reader() store.Reader { return tx.p.store }

// Number is the number of the batch that is being built, from 1. Numbers start
// again with the process; one may be used up without any writes.
func (tx *Tx) Number() uint64 { return tx.item.number }

// Completed is the highest number whose batch is readable and durable (readable,
// for one of relaxed commands only). It may grow during the call.
func (tx *Tx) Completed() uint64 { return tx.p.completed.Load() }

// Partition is the number of the partition, for keys.
func (tx *Tx) Partition() uint16 { return tx.p.id }

// OnCommit has f called when the batch is durable (when it is readable, if only
// relaxed commands wrote), or with the error that prevented that. Calls happen in
// order, before the commands of the batch are Done, on the completion goroutine:
// f must not block, and must not touch the machine's memory without a lock.
func (tx *Tx) OnCommit(f func(err error)) { tx.item.hooks = append(tx.item.hooks, f) }
