package bus

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
)

// Errors of Call. Any other says that it is unknown whether the request was executed.
var (
	// ErrUnreachable: the node did not get the request.
	ErrUnreachable = errors.New("cluster: the node cannot be reached")
	// ErrBusy: the node has too many requests in work and did not execute it.
	ErrBusy = errors.New("cluster: the node has too many requests")
	// ErrTooLarge: the request was not sent, since no node could take it.
	ErrTooLarge = errors.New("cluster: the request is too large")
)

// Handler answers a request. ctx ends at the deadline of the caller's, and when the bus
// closes; it may go on after the handler returned. The request is the handler's own.
type Handler func(ctx context.Context, request []byte) (reply []byte)

const maxCalls = 20_000 // in work at a time: long polls wait in them

func castSubject(name string) string { return "spillway.cast." + name }

// Handle answers calls of this node by name. It is called once for a name.
func (b *Bus) Handle(name string, h Handler) error {
	if err := b.answers.handle(name, h); err != nil {
		return fmt.Errorf("cluster: answer %s: %w", name, err)
	}
	return nil
}

// Call sends a request to a node and returns its reply. It never sends it twice.
func (b *Bus) Call(ctx context.Context, node, name string, request []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	t := b.asks.to(node)
	if t == nil {
		return nil, fmt.Errorf("%w: %q", ErrUnreachable, node)
	}
	number, done, err := t.call(ctx, name, request)
	if err != nil {
		return nil, err
	}
	select {
	case r := <-done:
		return r.reply, r.err
	case <-ctx.Done():
		t.forget(number)
		return nil, ctx.Err()
	}
}

// Broadcast sends data to all nodes that are there, this one included.
func (b *Bus) Broadcast(name string, data []byte) error {
	return b.conn.Publish(castSubject(name), data)
}

// Listen has f called for what is broadcast under a name, one at a time. The data is
// f's own.
func (b *Bus) Listen(name string, f func(data []byte)) error {
	_, err := b.subscribe(castSubject(name), func(m *nats.Msg) {
		if b.enter() {
			defer b.work.Done()
			f(m.Data)
		}
	})
	if err != nil {
		return fmt.Errorf("cluster: listen to %s: %w", name, err)
	}
	return nil
}
