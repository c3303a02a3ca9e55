// Package core is the pure part of the stream engine: the numbers and times of
// records, what closes a shard, what has expired, and how records are stored. It
// imports the standard library only and reads no clock and no disk: time is an
// argument, what must survive a crash goes out through a Journal, and what is
// stored comes in through a Source.
//
// A shard in memory is its State, whatever it holds: six numbers. A Shard belongs to
// one goroutine.
package core
