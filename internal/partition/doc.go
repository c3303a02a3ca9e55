// Package partition runs the commands of a partition: one goroutine changes its
// state, one atomic batch carries the writes of everything that was waiting, one
// fsync makes all of it durable, and then everybody is answered.
//
// A Set is the partitions of one data folder. Resources hash to 1,024 slots and
// the slots are mapped to the partitions, so that whatever belongs to a resource
// has one writer, and needs no locks. Partition 0 is the catalog.
//
// # The loop
//
// Each partition has two goroutines. The loop takes everything that waits, runs
// it against memory, and hands the batch to the log; the completion goroutine
// waits for batches in order and answers. How many batches may be on their way
// at a time is up to the log: one on a local disk, where everything that comes
// meanwhile shares the next; more where a network is in between.
//
// A command is answered when what it wrote and what it saw is durable. Since
// batches become durable in order, that is the commit of its own batch, or of the
// previous one if nothing in its own was written before it ran. A command that
// calls Tx.Relax asks for less.
//
// # Failure
//
// After a batch that could not be made durable, memory is ahead of the disk and
// nothing built on it may be shown. The partition stops for good: every waiting
// and every later command gets ErrStopped, Err says why, and a restart (or the
// next Own, in a cluster) rebuilds memory from the store. A panic in a command
// has the same effect, as the state may be half changed.
//
// # Replication
//
// Log is the seam: it carries batches, which are results and not commands, so
// replicas and restarts apply bytes and need not compute the same thing twice.
//
// A replicated partition has one owner at a time. Whoever knows which node that is
// (package cluster) calls Own and Release; in between the machines are loaded and
// commands run, otherwise commands get ErrNotOwner and the store changes under the
// machines' feet, of which those that implement Follower are told.
package partition
