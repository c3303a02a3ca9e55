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
// Every node has the committed state; one owns the partition and has the working one.
// An update elsewhere runs against the committed state there, and sends its changes
// with what it read and at which version. The owner makes them only if nothing of that
// has changed since, and says so otherwise: then the update waits for that version and
// runs again.
package catalog
