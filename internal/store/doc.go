// Package store keeps Spillway's state on disk: an ordered key/value store
// (Pebble) in a versioned, locked data folder.
//
// It knows keys, batches and files, and nothing of what they mean: the engines
// own their key spaces (keys.go lists them all), package partition decides when
// a batch is durable. No other package imports Pebble, so that the storage
// engine, its settings and its failure behaviour are in one place.
//
// # Data folder
//
//	DATA/VERSION   format number and product, written first, replaced atomically
//	DATA/LOCK      held while a process has the folder open
//	DATA/db/       Pebble: write-ahead log, tables, manifest
//	DATA/values/   large values, written once; the tables point to them (package values)
//
// The format number in VERSION covers everything under DATA. A binary opens its
// own format and every older one (see upgrade in version.go), and refuses a
// newer one with ErrNewer. Pebble's own format is pinned in engine.go and moves
// together with that number.
//
// # Failure
//
// After a failed write or fsync nothing is known about what the disk holds, so
// the store never tries again: it records the first error, refuses every later
// write, closes Failed, and goes on serving reads. Only a restart, which reads
// back what is really there, helps.
package store
