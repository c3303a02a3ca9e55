package service

import (
	"context"

	"github.com/spillway/spillway/internal/smithy"
)

// Events is the answer of an operation that goes on: a stream of events, which the
// gateway pulls and writes as its client takes them. One goroutine uses it.
type Events interface {
	// Next waits for the next event, one of the operation's. It is called when the
	// client was sent the one before, so what it returns may be used again then.
	//
	// io.EOF ends the stream, as a whole answer. A *smithy.APIError is the last thing
	// that the client is told; any other error is told as an internal one. When ctx
	// ends, because the client went or the server drains, Next returns soon, with
	// whatever error: a stream that is cut short there is a whole answer too.
	Next(ctx context.Context) (smithy.Shape, error)
	// Close is called once, when Next is not going to be called any more.
	Close()
}

// RegisterStream adds an operation that answers with events. What open returns as an
// error is answered like any operation's; once it has returned, the client is told
// that its request is granted, and errors come as the last event.
func RegisterStream[S any, In any, PI interface {
	*In
	smithy.Shape
}](t *Table[S], op *smithy.Operation,
	access func(S, *Call, PI) (Access, error),
	open func(S, context.Context, *Call, PI) (Events, error),
) {
	checkInput[PI](op)
	if op.Events == nil {
		panic("service: " + op.Name + " has no events, see Register")
	}
	t.entries = append(t.entries, entry[S]{op, func(s S) *Operation {
		return &Operation{
			Shape: op,
			Access: func(c *Call, in smithy.Shape) (Access, error) {
				return access(s, c, in.(PI))
			},
			Open: func(ctx context.Context, c *Call, in smithy.Shape) (Events, error) {
				return open(s, ctx, c, in.(PI))
			},
		}
	}})
}
