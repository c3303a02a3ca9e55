package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"time"

	"github.com/spillway/spillway/internal/service"
	"github.com/spillway/spillway/internal/smithy"
	"github.com/spillway/spillway/internal/wire/awsjson"
	"github.com/spillway/spillway/internal/wire/eventstream"
)

// eventWriter writes the events of one call as its client takes them.
type eventWriter struct {
	g      *Gateway
	r      *Request
	rt     *route
	events service.Events
	write  func(piece []byte) error
	buf    []byte
	head   eventstream.Head // of the last kind of event
	kind   string
}

// stream is the answer of an operation that has opened events. From here on the call
// counts as one that waits, like a long poll.
func (g *Gateway) stream(ctx context.Context, r *Request, rt *route, events service.Events) Response {
	return Response{Status: 200, ContentType: eventstream.ContentType, Stream: func(write func([]byte) error) (err error) {
		defer g.load.leave()
		defer func() {
			if p := recover(); p != nil {
				g.logger.Error("panic in a stream", "request_id", r.ID, "operation", rt.name, "panic", p, "stack", string(debug.Stack()))
				err = errBroken
			}
		}()
		defer events.Close()
		w := &eventWriter{g: g, r: r, rt: rt, events: events, write: write}
		return w.run(ctx)
	}}
}

// run pulls and writes until the stream ends. Whoever reads it sees a whole answer
// where there is one: at the events' own end, and when the server drains, so that
// clients call again at once, elsewhere.
func (w *eventWriter) run(ctx context.Context) error {
	ctx.Done() // the client is watched from now on, even if Next never waits
	time.Sleep(composure)
	op := w.rt.operation.Shape
	if err := w.send(eventstream.InitialResponse, op.NewOutput()); err != nil {
		return err
	}
	for {
		event, err := w.next(ctx)
		switch {
		case ctx.Err() != nil:
			if cause := context.Cause(ctx); !errors.Is(cause, ErrStopWaiting) {
				return cause
			}
			return nil
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return w.fail(ctx, err)
		}
		name, ok := op.Event(event)
		if !ok {
			return w.fail(ctx, fmt.Errorf("%s has no event %T", op.Name, event))
		}
		if err := w.send(name, event); err != nil {
			return err
		}
	}
}

// composure is how long the beginning of a stream is held back. aws-sdk-go-v2 closes its
// request's body when it has the answer's head; over HTTP/1.1, if net/http has not looked
// for that body's end until then, it takes the end for a failure and closes the
// connection, with the stream on it: on loopback every fourth time under load.
const composure = 20 * time.Millisecond

// errBroken breaks an answer off.
var errBroken = errors.New("gateway: the stream cannot go on")

// next asks for an event. A panic there is the end of the stream, not of the server.
func (w *eventWriter) next(ctx context.Context) (event smithy.Shape, err error) {
	defer func() {
		if p := recover(); p != nil {
			event, err = nil, fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return w.events.Next(ctx)
}

// send writes an event.
func (w *eventWriter) send(kind string, event smithy.Shape) error {
	p := w.rt.service.json
	if w.kind != kind {
		w.head, w.kind = eventstream.Event(kind, w.rt.service.jsonType), kind
	}
	op := w.rt.operation.Shape
	w.buf = p.Encode(w.rt.service.API, op, event, w.r.ID, w.head.Begin(w.buf[:0])).Body
	return w.flush(w.head)
}

// fail writes an error as the last event.
func (w *eventWriter) fail(ctx context.Context, err error) error {
	api := w.g.apiError(ctx, w.r, w.rt, err)
	name := api.Shape
	if api.ErrorType == smithy.InternalFailure {
		for _, e := range w.rt.operation.Shape.EventErrors {
			if e.Status >= 500 {
				name = e.Shape
			}
		}
	}
	head := eventstream.Exception(name, w.rt.service.jsonType)
	w.buf = append(head.Begin(w.buf[:0]), `{"message":`...)
	w.buf = append(awsjson.AppendString(w.buf, api.Message), '}')
	return w.flush(head)
}

// keptEvent is the largest buffer, in bytes, that a stream keeps while it waits.
const keptEvent = 16 << 10

// flush completes and writes the message in buf. A subscription may last and be idle:
// it does not hold on to what its largest event needed.
func (w *eventWriter) flush(head eventstream.Head) error {
	w.buf = head.End(w.buf, 0)
	err := w.write(w.buf)
	if cap(w.buf) > keptEvent {
		w.buf = nil
	}
	return err
}

// chunked is HTTP/1.1's framing of an answer whose length is not known.
type chunked struct {
	g    *Gateway
	c    *conn
	head []byte // the response's header, sent with the first piece
	raw  bool   // HTTP/1.0 has no chunks: the connection's end is the answer's
	err  error
}

// piece writes p as a chunk.
func (w *chunked) piece(p []byte) error {
	if w.raw {
		return w.put(w.head, p)
	}
	return w.put(w.head, fmt.Appendf(nil, "%x\r\n", len(p)), p, []byte("\r\n"))
}

// close ends the body, after its header if nothing was written yet.
func (w *chunked) close() error {
	if w.raw {
		return w.put(w.head)
	}
	return w.put(w.head, []byte("0\r\n\r\n"))
}

// put writes in one call and in limited time.
func (w *chunked) put(parts ...[]byte) error {
	if w.err != nil {
		return w.err
	}
	w.head = nil
	w.err = w.c.writeAll(parts, w.g.limits.WriteTimeout)
	return w.err
}
