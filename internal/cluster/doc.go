// Package cluster makes several nodes one server: it replicates the partitions'
// logs, decides which node owns which partition, moves ownership when nodes come and
// go, and carries requests to owners.
//
// # The log and the stores
//
// Each partition has a log (Log: a JetStream stream with three replicas, each write
// synced on a majority) and on each of its nodes a copy in the store. The log is the
// write-ahead log; the stores are the state of record. A batch becomes a frame in the
// log; when the log has it, the owner and the followers apply the same bytes, with
// the position in the log in the same batch. What every replica has flushed is
// trimmed from the log, which so holds seconds, not history.
//
// # Ownership
//
// The owner is the node that leads the log, after it wrote a barrier: a frame with
// the next epoch, appended after the last sequence that it has applied. Every append
// names the sequence it expects to follow, so a barrier fences all earlier owners,
// whatever they still believe; nothing depends on clocks. Every frame carries the
// hash of the one before, so a replica that is served a log with a hole, a flipped
// bit or another history stops, and takes the partition's content from a peer
// (seed.go) instead of going on with it.
//
// # Requests
//
// Every node answers every request: engines forward what concerns a partition to its
// owner (Peers). What was certainly not executed is tried again, nothing else.
package cluster
