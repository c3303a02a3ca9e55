package partition

import (
	"errors"

	"github.com/spillway/spillway/internal/store"
)

// Log makes the batches of one partition durable, in order. It is the seam for
// replication: nothing above may know which log runs.
type Log interface {
	// Append hands over a batch; batches become durable in the order of the
	// calls. It does not wait. sync=false: the batch may ride with a later one.
	// The batch belongs to the log afterwards, also after an error.
	Append(b *store.Batch, sync bool) (Commit, error)
}

// Commit is a batch on its way. After Wait returned nil the batch is durable (if
// sync) and readable in the store. Wait is called at most once.
type Commit interface{ Wait() error }

// BatchLimiter is implemented by logs for which batches of 1 MiB are too large.
type BatchLimiter interface {
	// BatchLimit is the size in bytes at which a batch is closed. The last
	// command's writes may exceed it.
	BatchLimit() int
}

const defaultBatchLimit = 1 << 20

// Pipeliner is implemented by logs that are slow enough to keep more than one
// batch on its way.
type Pipeliner interface {
	// Depth is how many batches of a partition may be on their way at a time.
	Depth() int
}

// Fencer is implemented by logs that another node can take over: see Tx.Fenced.
type Fencer interface {
	// Fenced has no effect. It marks the log.
	Fenced()
}

// defaultDepth is one batch at a time: everything that comes while it syncs
// shares the next. Measured on a local disk, deeper pipelines only make batches
// smaller and fsyncs more (docs/decisions/0001-one-batch-at-a-time.md).
const defaultDepth = 1

// Errors that commands end with. A command that gets ErrBusy or ErrNotOwner was not
// run; ErrStopped does not say whether it took effect.
var (
	// ErrStopped: the partition stopped, because it was told to or because it
	// failed (see Partition.Err). Whether the command took effect is unknown.
	ErrStopped = errors.New("partition stopped")
	// ErrBusy: too many commands are waiting; try again later.
	ErrBusy = errors.New("partition busy")
	// ErrNotOwner: another node owns the partition, or nobody does at the moment.
	ErrNotOwner = errors.New("partition is owned by another node")
	// ErrDiskFull is for machines to refuse new data with: see Partition.Full.
	ErrDiskFull = errors.New("disk full")
)

// localLog is the log of a single machine: the store's own write-ahead log. All
// partitions share it, and with it each other's fsyncs.
type localLog struct{}

// NewLocalLog returns a log that makes batches durable in their own store only.
func NewLocalLog() Log { return localLog{} }

func (localLog) Append(b *store.Batch, sync bool) (Commit, error) {
	if err := b.Begin(sync); err != nil {
		return nil, err
	}
	return b, nil
}
