// Package catalog keeps the small records that describe what exists: queues,
// topics, subscriptions, policies, tags. All of it is in memory on every node,
// every change is durable before it is seen, and whoever needs a typed index
// builds it from Watch, which is the only way that changes reach services.
//
// A record is (kind, key) -> bytes. Kinds separate the services; what the bytes
// mean is theirs. There are thousands of records, not millions: messages do not
// belong here.
//
// # On disk
//
// In SpaceCatalog of the catalog partition:
//
//	[length of kind: 1 byte, not 0] [kind] [key]   the record's value
//	[0]                                             the last id of NextID, 8 bytes
//	[0] [1]                                         the version, 8 bytes: it grows with
//	                                                every change; absent for 0
//
// # Two states
//
// The working state is ahead: it has the changes of batches that are still on
// their way to the disk, belongs to the partition's goroutine, and is what
// Update's functions see. The committed state follows with the commits, in order,
// and is what Get and watchers see. When a batch fails the partition stops, so the
// working state is never shown nor built on.
//
// # Several nodes
//
// Every node has the committed state and its watchers; one owns the partition and has
// the working state. All see the same changes in the same order. A node that was given
// its content anew may see several as one, and never sees one taken back.
//
// An update elsewhere runs against the committed state there, and sends its changes
// with what it read and at which version. The owner makes them only if nothing of that
// has changed since, and says so otherwise: then the update waits for the owner's
// version and runs again. One that changes nothing (it fails, or finds everything as
// it should be) is checked in the same way, so that no answer comes from what is out of
// date. There is no queue for updates of the same record: one from another node may
// lose many times to those that its owner runs all the time.
//
// Every answer of the owner is behind a write of its own, which the log refuses if
// another node has taken over.
package catalog
