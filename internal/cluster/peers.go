package cluster

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"
	"time"

	"github.com/spillway/spillway/internal/cluster/bus"
	"github.com/spillway/spillway/internal/partition"
)

const (
	// forwardTime is how long a request without a deadline of its own looks for an
	// owner and waits for its answer: longer than a fail-over takes.
	forwardTime = 10 * time.Second
	ownerPause  = 25 * time.Millisecond
)

// Statuses of replies, in their first byte.
const (
	replyOK byte = iota
	replyNotOwner
	replyBusy
	replyDiskFull
	replyStopped
)

// Peers forwards the requests of one engine, or of the catalog. It is a partition.Peers.
type Peers struct {
	n     *Node
	name  string
	serve partition.Serve // set before the node runs
}

// Call implements partition.Peers.
func (f *Peers) Call(ctx context.Context, id uint16, request []byte) ([]byte, error) {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, forwardTime)
		defer cancel()
	}
	for {
		node, tenure, news := f.n.table.owner(id)
		if node != "" {
			reply, err := f.ask(ctx, node, tenure, id, request)
			if !errors.Is(err, partition.ErrNotOwner) {
				return reply, err
			}
		}
		// Not executed anywhere. The owner may be known in a moment; one that is known
		// already but does not answer to it yet, too.
		wait := ownerPause
		if node == "" {
			wait = reportEvery
		}
		timer := time.NewTimer(wait)
		select {
		case <-news:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return nil, partition.ErrNotOwner
		}
	}
}

// ask sends the request to a node once. ErrNotOwner: it was not executed.
func (f *Peers) ask(ctx context.Context, node string, tenure context.Context, id uint16, request []byte) ([]byte, error) {
	if node == f.n.node {
		return f.serve(ctx, id, request)
	}
	// An answer that the old owner may still give is not waited for.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(tenure, cancel)()
	message := make([]byte, 0, 2+len(request))
	message = append(binary.BigEndian.AppendUint16(message, id), request...)
	reply, err := f.n.bus.Call(ctx, node, f.name, message)
	switch {
	case errors.Is(err, bus.ErrUnreachable):
		return nil, partition.ErrNotOwner
	case errors.Is(err, bus.ErrBusy):
		return nil, partition.ErrBusy
	case err != nil || len(reply) == 0:
		return nil, partition.ErrStopped
	}
	switch reply[0] {
	case replyOK:
		return reply[1:], nil
	case replyNotOwner:
		return nil, partition.ErrNotOwner
	case replyBusy:
		return nil, partition.ErrBusy
	case replyDiskFull:
		return nil, partition.ErrDiskFull
	}
	return nil, partition.ErrStopped
}

// Tell has every other node that follows a partition execute a request, and returns
// when all of them have, or when ctx ends. Nodes that are not there, or that only get
// their copy, are left out; what the others answer is not known.
func (f *Peers) Tell(ctx context.Context, id uint16, request []byte) {
	var asked sync.WaitGroup
	for _, node := range f.n.table.followers(id, f.n.node) {
		asked.Go(func() {
			message := make([]byte, 0, 2+len(request))
			message = append(binary.BigEndian.AppendUint16(message, id), request...)
			_, _ = f.n.bus.Call(ctx, node, f.name, message) // the caller does not depend on it
		})
	}
	asked.Wait()
}

// answer is the other side of ask and Tell.
func (f *Peers) answer(ctx context.Context, message []byte) []byte {
	if len(message) < 2 {
		return []byte{replyStopped}
	}
	reply, err := f.serve(ctx, binary.BigEndian.Uint16(message), message[2:])
	switch {
	case err == nil:
		return append([]byte{replyOK}, reply...)
	case errors.Is(err, partition.ErrNotOwner):
		return []byte{replyNotOwner}
	case errors.Is(err, partition.ErrBusy):
		return []byte{replyBusy}
	case errors.Is(err, partition.ErrDiskFull):
		return []byte{replyDiskFull}
	}
	return []byte{replyStopped}
}
