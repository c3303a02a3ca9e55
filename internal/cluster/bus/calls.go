package bus

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
)

// Errors of Call. Any other says that it is unknown whether the request was executed.
var (
	// ErrUnreachable: the node did not get the request.
	ErrUnreachable = errors.New("cluster: the node cannot be reached")
	// ErrBusy: the node has too many requests in work and did not execute it.
	ErrBusy = errors.New("cluster: the node has too many requests")
)

// Handler answers a request. ctx ends when the caller's does, as far as that can be
// known, and when the bus closes. The request is the handler's own.
type Handler func(ctx context.Context, request []byte) (reply []byte)

const (
	maxCalls     = 20_000 // in work at a time: long polls wait in them
	deadlineName = "Spillway-Wait-Ms"
	busyName     = "Spillway-Busy"
)

func callSubject(node, name string) string { return "spillway.call." + node + "." + name }
func castSubject(name string) string       { return "spillway.cast." + name }

// Handle answers calls of this node by name. It is called once for a name.
func (b *Bus) Handle(name string, h Handler) error {
	sub, err := b.conn.Subscribe(callSubject(b.config.Node, name), func(m *nats.Msg) {
		if b.running.Add(1) > maxCalls || b.ctx.Err() != nil {
			b.running.Add(-1)
			reply := nats.NewMsg(m.Reply)
			reply.Header.Set(busyName, "1")
			b.respond(reply)
			return
		}
		b.calls.Go(func() {
			defer b.running.Add(-1)
			ctx, cancel := b.callContext(m)
			defer cancel()
			reply := nats.NewMsg(m.Reply)
			reply.Data = h(ctx, m.Data)
			b.respond(reply)
		})
	})
	if err != nil {
		return fmt.Errorf("cluster: answer %s: %w", name, err)
	}
	return sub.SetPendingLimits(-1, -1) // requests do not wait in the subscription
}

func (b *Bus) respond(m *nats.Msg) {
	if err := b.conn.PublishMsg(m); err != nil && b.ctx.Err() == nil {
		b.logger.Debug("answer a call", "error", err)
	}
}

func (b *Bus) callContext(m *nats.Msg) (context.Context, context.CancelFunc) {
	if ms, err := strconv.ParseInt(m.Header.Get(deadlineName), 10, 64); err == nil {
		return context.WithTimeout(b.ctx, time.Duration(ms)*time.Millisecond)
	}
	return context.WithCancel(b.ctx)
}

// Call sends a request to a node and returns its reply. It never sends it twice.
func (b *Bus) Call(ctx context.Context, node, name string, request []byte) ([]byte, error) {
	m := nats.NewMsg(callSubject(node, name))
	m.Data = request
	if deadline, ok := ctx.Deadline(); ok {
		m.Header.Set(deadlineName, strconv.FormatInt(time.Until(deadline).Milliseconds(), 10))
	}
	reply, err := b.conn.RequestMsgWithContext(ctx, m)
	switch {
	case errors.Is(err, nats.ErrNoResponders), errors.Is(err, nats.ErrMaxPayload):
		return nil, fmt.Errorf("%w: %s", ErrUnreachable, node)
	case err != nil:
		return nil, err
	case reply.Header.Get(busyName) != "":
		return nil, ErrBusy
	}
	return reply.Data, nil
}

// Broadcast sends data to all nodes that are there, this one included.
func (b *Bus) Broadcast(name string, data []byte) error {
	return b.conn.Publish(castSubject(name), data)
}

// Listen has f called for what is broadcast under a name, one at a time.
func (b *Bus) Listen(name string, f func(data []byte)) error {
	_, err := b.conn.Subscribe(castSubject(name), func(m *nats.Msg) { f(m.Data) })
	return err
}
