// Package sns is Amazon SNS on the queue engine: all 42 operations, one file each
// (op_<operation>.go). It receives typed shapes from the gateway and returns typed
// shapes; it knows no codec.
//
// Topics, subscriptions, platform applications and endpoints are records of the
// catalog; registry.go makes of them what Publish works with. A publish goes this way
// (publish.go): it is checked, composed into a notification, the topic's matching
// subscriptions are found (subscribers.go, package filter), and fanout.go stores a
// message for each of them before the publisher is answered: for SQS in the queue
// itself, for everything else, and for queues that cannot be reached just now, in the
// subscription's own queue of the engine. From there pump.go delivers (deliver.go),
// with the delays of the retry policy as the message's visibility: what is still to be
// delivered, and its attempt, are as durable as any message.
//
// A FIFO topic has a queue of its own that makes the order and finds duplicates
// (fifo.go); its messages are fanned out one after the other.
//
// What is refused here and how is worded as AWS words it; facts and their evidence
// are in docs/compat/sns.md.
package sns

//go:generate go test . -run ^TestCompatPage$ -update
