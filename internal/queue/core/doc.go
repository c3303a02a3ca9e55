// Package core is the pure part of the queue engine: which message goes to whom
// next, and what must be remembered for it. It imports the standard library
// only, reads no clock and no disk: time is an argument, what must survive a
// crash goes out through a Journal, and what is not in memory comes in through
// a Source. The same calls with the same arguments give the same result.
//
// One Queue belongs to one goroutine.
//
// # What is in memory
//
// A queue has an unlimited number of messages on disk, at increasing sequence
// numbers, and keeps in memory only
//
//   - tracked messages: those delivered at least once and not yet settled
//     (leased, returned or leaving), bounded by the in-flight limit;
//   - a window of never-delivered messages, [cursor, loadedTo) of the main lane,
//     read ahead from disk when it runs low;
//   - the earliest delayed messages (the delay lane), likewise.
//
// # Two orders
//
// The standard order hands out returned messages first, then by sequence; with
// message groups it serves the group with the fewest messages in flight first
// (fair queues). The FIFO order keeps each group's messages in sequence and
// hides a group behind its first hidden message.
package core
