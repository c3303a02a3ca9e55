// Package bus is everything in Spillway that knows NATS: the server embedded in each
// node, messages between nodes, and replicated logs on JetStream. It knows nothing of
// partitions or queues; package cluster is built on it.
//
// # Durability
//
// JetStream runs with sync_interval "always", which is forced here and asserted at
// start: with its default an acknowledged message may be lost (ENGINE.md 3.4).
//
// # Who gets in
//
// All nodes share a secret. From it and the cluster's name each derives the same
// certificate authority and makes itself a certificate at start; connections between
// nodes are TLS 1.3, and both ends show one (tls.go). The logs and messages are in an
// account of their own, since nats-server's default account needs no password.
//
// # What is certain
//
// Call and Append tell what certainly did not happen (ErrUnreachable, ErrBusy;
// ErrConflict, ErrRefused) from what is unknown, which is everything else: a time-out,
// a lost connection, an answer that only one replica may give. Neither sends anything
// twice. A request to JetStream that finds no leader is not answered at all, so what is
// asked here has a time-out shorter than the caller's patience, and where it is harmless
// to ask again it is.
//
// Leads is what this node believes. A leader that is cut off from the others believes
// it for 10 to 20 seconds more (nats-server's lost quorum); what it appends meanwhile is
// not acknowledged.
//
// # Calls
//
// Nodes forward most requests to owners, so a call has to be cheap: requests to a node
// share messages, and so do replies (outbox.go, codec.go). A target is a node that is
// called (target.go); of a call it keeps the number and who waits, until it is answered
// or nobody waits any more. Large requests and replies travel alone. The other side
// starts each request of a message by itself (answer.go): none waits for another.
//
// # Looking in
//
// With Config.ClientListen the stock `nats` CLI can connect:
//
//	nats --server nats://127.0.0.1:4222 --user spillway --password SECRET stream report
//	nats --server nats://127.0.0.1:4222 --user admin --password SECRET server report jetstream
//
// "spillway" is the user of the account with the logs, "admin" of the system account.
// On an address that is not loopback the port speaks TLS with a certificate of the
// cluster's authority (`spillway cluster ca` prints it; give it as --tlsca). Without
// ClientListen there is a port all the same, on loopback, because nats-server opens
// none for nodes otherwise: its passwords are random and nobody knows them.
package bus
