// Package stream is the stream engine behind every service that keeps records in
// order and lets many read them: durable append-only shards with sequence numbers,
// reads from any position, and retention by time. It knows no AWS word; each edge
// maps its own terms to these.
//
// The rules are in package core, which is pure. This package joins it to the
// partitions: each shard lives in one partition, whose goroutine alone appends to it
// (package partition); appends of all callers share one batch and one fsync, and a
// method returns when what it did is durable.
//
// # What holds
//
// A record that was acknowledged is not lost, and can be read at once. Sequences start
// at 1, and each is one more than the one before; they never go back or are used
// twice, over restarts, fail-over and copies. Times never decrease within a shard.
// Appends are all or none. Close is final, everywhere: the last sequence that it
// returns stays the last. A record is not shown once it is older than the retention,
// and does not come back when that grows; it leaves the disk a little later (trim.go).
//
// # Reading
//
// Reads do not pass the partition's goroutine: what is committed is published with
// the shard (shard.go), and readers look there, in the tail cache (tail.go) and in the
// store. They never see what is not durable yet.
//
// # Records
//
// In the partition of the shard, by space (package store): SpaceShard (shard) its
// state; SpaceRecord (shard, last sequence) a chunk of records. Package core documents
// the values. The chunks of large batches are in value files (store.Batch.SetLarge), on a
// single machine.
//
// # In a cluster
//
// Only the node that owns a partition has its shards in memory. The others know what
// is declared, and send what they are asked for to the owner (remote.go), which
// executes it (serve.go). An append that may have been executed is not sent again;
// what reads is, and waits move with the partition. A node that lost ownership and
// does not know yet may show a prefix of what there is; it acknowledges nothing.
package stream
