// Package sqs is Amazon SQS on the queue engine: all 23 operations, one file
// each (op_<operation>.go). It receives typed shapes from the gateway and
// returns typed shapes; it knows no HTTP and no codec.
//
// Queues are records of the catalog; the engine holds their messages. The path
// of a change is always the same: an operation updates the catalog, and the
// catalog's watch (registry.go) changes what the service and the engine know.
// That way a change by another process, or a restart, needs no code of its own.
//
// What is refused here and how is worded as AWS words it; facts and their
// evidence are in docs/compat/sqs.md.
package sqs

//go:generate go test . -run ^TestCompatPage$ -update
