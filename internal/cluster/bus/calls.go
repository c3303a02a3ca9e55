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
	// ErrTooLarge: the request was not sent, since no node could take it.
	ErrTooLarge = errors.New("cluster: the request is too large")
)

// Handler answers a request. ctx ends when the caller's does, as far as that can be
// known, and when the bus closes. The request is the handler's own.
type Handler func(ctx context.Context, request []byte) (reply []byte)

const (
	maxCalls     = 20_000 // in work at a time: long polls wait in them
	deadlineName = "Spillway-Wait-Ms"
	refusalName  = "Spillway-Refusal"
)

// Refusals, in the header of a reply.
const (
	refusalBusy = "busy"     // not executed
	refusalLost = "no-reply" // executed, but the reply cannot be sent
)

func callSubject(node, name string) string { return "spillway.call." + node + "." + name }
func castSubject(name string) string       { return "spillway.cast." + name }

// Handle answers calls of this node by name. It is called once for a name.
func (b *Bus) Handle(name string, h Handler) error {
	sub, err := b.subscribe(callSubject(b.config.Node, name), func(m *nats.Msg) {
		if b.running.Add(1) > b.most || !b.enter() {
			b.running.Add(-1)
			b.refuse(m.Reply, refusalBusy)
			return
		}
		go func() { // Close waits for it
			defer b.work.Done()
			defer b.running.Add(-1)
			b.answer(m, h)
		}()
	})
	if err == nil {
		// Requests do not wait in the subscription: each is started, or refused.
		err = sub.SetPendingLimits(-1, -1)
	}
	if err != nil {
		return fmt.Errorf("cluster: answer %s: %w", name, err)
	}
	return nil
}

func (b *Bus) answer(m *nats.Msg, h Handler) {
	ctx, cancel := b.callContext(m)
	defer cancel()
	reply := nats.NewMsg(m.Reply)
	reply.Data = h(ctx, m.Data)
	if err := b.conn.PublishMsg(reply); err != nil {
		b.logger.Warn("the reply to a call could not be sent", "subject", m.Subject, "bytes", len(reply.Data), "error", err)
		b.refuse(m.Reply, refusalLost)
	}
}

func (b *Bus) refuse(inbox, why string) {
	reply := nats.NewMsg(inbox)
	reply.Header.Set(refusalName, why)
	if err := b.conn.PublishMsg(reply); err != nil && b.ctx.Err() == nil {
		b.logger.Debug("refuse a call", "error", err)
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
	case errors.Is(err, nats.ErrNoResponders), errors.Is(err, nats.ErrReconnectBufExceeded):
		// Nobody listens there, or this node's own connection was being made anew and
		// nothing was sent.
		return nil, fmt.Errorf("%w: %s", ErrUnreachable, node)
	case errors.Is(err, nats.ErrMaxPayload):
		return nil, fmt.Errorf("%w: %d bytes", ErrTooLarge, len(request))
	case err != nil:
		return nil, err
	}
	switch why := reply.Header.Get(refusalName); why {
	case "":
		return reply.Data, nil
	case refusalBusy:
		return nil, ErrBusy
	default:
		return nil, fmt.Errorf("cluster: %s executed the call, and refused to answer: %s", node, why)
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
