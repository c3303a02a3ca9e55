// Package bus is everything in Spillway that knows NATS: the server embedded in each
// node, messages between nodes, and replicated logs on JetStream. It knows nothing of
// partitions or queues; package cluster is built on it.
//
// # Looking in
//
// With Config.ClientListen the stock `nats` CLI can connect:
//
//	nats --server nats://127.0.0.1:4222 --user spillway --password SECRET stream report
//	nats --server nats://127.0.0.1:4222 --user admin --password SECRET server report jetstream
//
// "spillway" is the account with the logs, "admin" the system account. On an address
// that is not loopback the port speaks TLS with a certificate of the cluster's own
// authority (write it to a file with `spillway cluster ca`).
//
// # Durability
//
// JetStream runs with sync_interval "always", which is forced here and asserted at
// start: with its default an acknowledged message may be lost (ENGINE.md 3.4).
package bus
