// Package queue is the queue engine behind SQS and every broker protocol: durable
// queues of unlimited depth with leases, delays, groups, deduplication and dead
// letters. It knows no AWS or AMQP word; each edge maps its own terms to these.
//
// The rules are in package core, which is pure. This package joins it to the
// partitions: each queue lives in one partition, whose goroutine alone touches
// the queue's memory. A method of Queue becomes a command; commands of all
// callers share one batch and one fsync (package partition), and a method
// returns when what it did is durable.
//
// # Moving between queues
//
// A message that moves (dead letter, redrive) is a transfer: the source keeps it,
// durably marked as leaving; the target stores it together with the transfer's
// id; the source then deletes it, and the target forgets the id. A crash or
// failure in between repeats a step and neither loses nor doubles the message; why
// that holds between nodes, too, is said at mover.
//
// # Records
//
// In the partition of the queue, by space (package store): SpaceQueue (queue) the
// queue's record; SpaceMessage (queue, sequence) messages; SpaceState (queue,
// sequence) what is known of messages delivered at least once; SpaceDelayed
// (queue, due ms, sequence) undelivered delayed messages, and SpaceDelayCount
// (queue, second) their numbers; SpaceDedup (queue, sequence) deduplication ids;
// SpaceTransfer (queue, source queue, sequence) transfers that arrived. Package
// core documents the values. In a cluster also SpaceSender (0) the generation of the
// partition's owner as a source of transfers, 8 bytes, and SpaceSender (partition) the
// floor for tickets of another's arrivals, generation and number of 8 bytes each.
//
// # In a cluster
//
// Only the node that owns a partition has its queues in memory. The others know what
// is declared, and send what they are asked for to the owner (remote.go), which
// executes it (serve.go). A request that may have been executed is not sent again,
// except polls, which move with the partition.
package queue
