// Package kinesis is Amazon Kinesis Data Streams on the stream engine, one file for each
// operation (op_<operation>.go). It receives typed shapes from the gateway and returns
// typed shapes; it knows no HTTP and no codec.
//
// Streams and consumers are records of the catalog; registry.go makes of them what the
// operations work with, and declares the shards to the engine. A put goes this way
// (put.go): the key's hash finds the open shard (hash.go), the records go into the shards
// of the request at the same time, and the engine's sequences become Kinesis's numbers
// (sequence.go). Reading begins with an iterator, which is sealed (iterator.go).
//
// Resharding (reshard.go) is written down first, then the engine closes the parents, then
// the children take records: whoever comes across one that was interrupted completes it.
//
// What is refused here and how is worded as AWS words it; facts and their evidence are in
// docs/compat/kinesis.md.
package kinesis
