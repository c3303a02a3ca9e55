package partition

import "context"

// Peers reaches the node that owns a partition, wherever it is: what an engine
// forwards with. A server on its own has none.
type Peers interface {
	// Call has the owner execute a request and returns its reply. The owner may be
	// this node. What was certainly not executed (no owner yet, the owner changed,
	// it could not be reached) is tried again until ctx ends; nothing else is.
	//
	// Errors: ErrNotOwner when ctx ended before the request was executed anywhere,
	// ErrBusy and ErrDiskFull from the owner, which did nothing; ErrStopped when it
	// is unknown whether the request took effect. Long calls end with ErrStopped
	// when the owner changes meanwhile.
	Call(ctx context.Context, partition uint16, request []byte) (reply []byte, err error)
}

// Serve executes a forwarded request on the owner. It answers ErrNotOwner if this
// node is not the owner (and did nothing), or another error of this package; what
// else can go wrong is part of the reply. ctx ends when nobody waits any more.
type Serve func(ctx context.Context, partition uint16, request []byte) (reply []byte, err error)
