package bus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// callee starts a node on its own that answers at once, and "wait" when it is told to.
func callee(t *testing.T) (b *Bus, working chan string, leave chan struct{}) {
	t.Helper()
	b = newTrio(t, 1).buses[0]
	working, leave = make(chan string, 2*maxCalls), make(chan struct{})
	handlers := map[string]Handler{
		"echo":  func(_ context.Context, request []byte) []byte { return request },
		"count": func(_ context.Context, request []byte) []byte { return fmt.Append(nil, len(request)) },
		"wait": func(_ context.Context, request []byte) []byte {
			working <- string(request)
			<-leave
			return append([]byte("done "), request...)
		},
	}
	for name, h := range handlers {
		if err := b.Handle(name, h); err != nil {
			t.Fatal(err)
		}
	}
	return b, working, leave
}

// stall holds back what is sent to a node until it is told to go on. It must be
// called before the first call.
func stall(b *Bus, node string) (sending, goOn chan struct{}) {
	sending, goOn = make(chan struct{}, 1000), make(chan struct{})
	t := b.asks.to(node)
	t.send = func(batch *batch) {
		sending <- struct{}{}
		<-goOn
		t.sendBatch(batch)
	}
	return sending, goOn
}

// nothingLeft: no call is remembered anywhere.
func nothingLeft(t *testing.T, b *Bus) {
	t.Helper()
	eventually(t, "nothing is left", func() error {
		for _, x := range b.asks.targets {
			x.mu.Lock()
			pending, queued, bytes := len(x.pending), x.count, x.bytes
			x.mu.Unlock()
			if pending+queued+bytes > 0 {
				return fmt.Errorf("%s: %d calls, %d in the queue, %d bytes", x.node, pending, queued, bytes)
			}
		}
		if n := b.running.Load(); n != 0 {
			return fmt.Errorf("%d requests in work", n)
		}
		return nil
	})
}

// TestCallsShareMessages: many calls at once are few messages, there and back, and
// everybody gets the reply to his own.
func TestCallsShareMessages(t *testing.T) {
	t.Parallel()
	b, working, leave := callee(t)
	sending, goOn := stall(b, "n0")
	const count = 5000
	before := b.conn.Stats().OutMsgs
	var calling sync.WaitGroup
	for i := range count {
		calling.Go(func() {
			request := fmt.Sprint(i)
			if reply, err := b.Call(within(t), "n0", "wait", []byte(request)); err != nil || string(reply) != "done "+request {
				t.Errorf("%s: %q, %v", request, reply, err)
			}
		})
	}
	<-sending
	eventually(t, "all are in the queue", func() error {
		x := b.asks.to("n0")
		x.mu.Lock()
		defer x.mu.Unlock()
		if x.last != count {
			return fmt.Errorf("%d calls", x.last)
		}
		return nil
	})
	close(goOn)
	for range count {
		<-working
	}
	if sent := b.conn.Stats().OutMsgs - before; sent > count/batchCount+2 {
		t.Errorf("%d calls in %d messages", count, sent)
	}
	before = b.conn.Stats().OutMsgs
	close(leave)
	calling.Wait()
	// How many depends on the scheduler; one for each would be the old way.
	if sent := b.conn.Stats().OutMsgs - before; sent > count/4 {
		t.Errorf("%d replies in %d messages", count, sent)
	}
	nothingLeft(t, b)
}

// TestUnreachableBatch: all calls in a message that nobody gets learn it.
func TestUnreachableBatch(t *testing.T) {
	t.Parallel()
	b, _, _ := callee(t)
	sending, goOn := stall(b, "n9")
	var calling sync.WaitGroup
	call := func(size int) {
		_, err := b.Call(within(t), "n9", "echo", make([]byte, size))
		if !errors.Is(err, ErrUnreachable) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
	for i := range 300 {
		calling.Go(func() { call(i % 10) })
	}
	<-sending
	calling.Go(func() { call(aloneBytes) }) // does not wait in the queue
	close(goOn)
	calling.Wait()
	for _, node := range []string{"", "n 9", "n.9", "*", ">"} {
		if _, err := b.Call(within(t), node, "echo", nil); !errors.Is(err, ErrUnreachable) {
			t.Errorf("%q: %v", node, err)
		}
	}
	nothingLeft(t, b)
}

// TestGiveUp: whoever does not wait any longer gets his context's error, wherever the
// request is, and nobody gets the reply.
func TestGiveUp(t *testing.T) {
	t.Parallel()
	b, working, leave := callee(t)
	sending, goOn := stall(b, "n0")
	var calling sync.WaitGroup
	cancels := make([]context.CancelFunc, 3)
	for i := range cancels {
		ctx, cancel := context.WithCancel(within(t))
		cancels[i] = cancel
		calling.Go(func() {
			if _, err := b.Call(ctx, "n0", "wait", fmt.Append(nil, i)); !errors.Is(err, context.Canceled) {
				t.Errorf("%d: %v", i, err)
			}
		})
		if i == 0 {
			<-sending // the others stay in the queue
		}
	}
	x := b.asks.to("n0")
	eventually(t, "the others are in the queue", func() error {
		x.mu.Lock()
		defer x.mu.Unlock()
		if x.count != 2 {
			return fmt.Errorf("%d are", x.count)
		}
		return nil
	})
	cancels[1]()
	eventually(t, "it is forgotten", func() error {
		x.mu.Lock()
		defer x.mu.Unlock()
		if len(x.pending) != 2 {
			return fmt.Errorf("%d are pending", len(x.pending))
		}
		return nil
	})
	close(goOn)
	for range cancels {
		<-working // they are executed all the same
	}
	cancels[0]()
	cancels[2]()
	calling.Wait()
	close(leave)
	for i := range 10 {
		request := fmt.Append(nil, "next", i)
		if reply, err := b.Call(within(t), "n0", "echo", request); err != nil || !bytes.Equal(reply, request) {
			t.Errorf("%q, %v", reply, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Call(ctx, "n0", "wait", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: %v", err)
	}
	nothingLeft(t, b)
}

// TestQueueIsBounded: what cannot be sent soon is refused, what was taken is sent.
func TestQueueIsBounded(t *testing.T) {
	t.Parallel()
	for _, size := range []int{10, aloneBytes - 100} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			b, _, _ := callee(t)
			sending, goOn := stall(b, "n0")
			x := b.asks.to("n0")
			request := make([]byte, size)
			var all []chan result
			for {
				_, done, err := x.call(t.Context(), "count", request)
				if errors.Is(err, ErrBusy) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				if all = append(all, done); len(all) == 1 {
					<-sending
				}
			}
			if n, bytes := x.count, x.bytes; n > maxQueuedCount || bytes > maxQueued || n < maxQueuedCount && bytes < maxQueued-batchBytes {
				t.Errorf("refused with %d in the queue, %d bytes", n, bytes)
			}
			close(goOn)
			for i, done := range all {
				if r := <-done; r.err != nil || string(r.reply) != fmt.Sprint(size) {
					t.Fatalf("%d of %d: %q, %v", i, len(all), r.reply, r.err)
				}
			}
			nothingLeft(t, b)
		})
	}
}

// TestSizes: requests and replies up to the largest, in company and alone.
func TestSizes(t *testing.T) {
	t.Parallel()
	b, _, _ := callee(t)
	var calling sync.WaitGroup
	for _, size := range []int{
		0, 1, 1000, aloneBytes - entryRoom - 5, aloneBytes - entryRoom - 4, aloneBytes - entryRoom, aloneBytes, batchBytes - 1, batchBytes, 1 << 20,
		maxPayload - entryRoom - 4,
	} {
		for range min(3, 1+maxPayload/2/max(1, size)) {
			calling.Go(func() {
				request := bytes.Repeat([]byte{byte(size)}, size)
				if reply, err := b.Call(within(t), "n0", "echo", request); err != nil || !bytes.Equal(reply, request) {
					t.Errorf("%d bytes: %d, %v", size, len(reply), err)
				}
			})
		}
	}
	calling.Wait()
	if _, err := b.Call(within(t), "n0", "echo", make([]byte, maxPayload-entryRoom-3)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("more than the largest: %v", err)
	}
	nothingLeft(t, b)
}

// TestDisconnect: when the connection breaks, what was sent may have been executed,
// what was not cannot have been. Then calls work again.
func TestDisconnect(t *testing.T) {
	t.Parallel()
	b, working, leave := callee(t)
	x := b.asks.to("n0")
	_, sent, err := x.call(t.Context(), "wait", []byte("sent"))
	if err != nil {
		t.Fatal(err)
	}
	<-working
	x.mu.Lock()
	x.sending = true // keeps the next in the queue
	x.mu.Unlock()
	_, queued, err := x.call(t.Context(), "wait", []byte("queued"))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.conn.ForceReconnect(); err != nil {
		t.Fatal(err)
	}
	if r := <-sent; !errors.Is(r.err, nats.ErrDisconnected) || errors.Is(r.err, ErrUnreachable) {
		t.Errorf("sent: %v", r.err)
	}
	if r := <-queued; !errors.Is(r.err, ErrUnreachable) {
		t.Errorf("queued: %v", r.err)
	}
	x.mu.Lock()
	x.sending = false
	x.mu.Unlock()
	close(leave)
	eventually(t, "calls work again", func() error {
		reply, err := b.Call(within(t), "n0", "echo", []byte("again"))
		if err == nil && string(reply) != "again" {
			t.Errorf("%q", reply)
		}
		return err
	})
	select {
	case what := <-working:
		t.Errorf("%q was executed", what)
	default:
	}
	nothingLeft(t, b)
}

// TestNonsense: no message ends a node, or a call that it is not about.
func TestNonsense(t *testing.T) {
	t.Parallel()
	b, working, leave := callee(t)
	var calling sync.WaitGroup
	calling.Go(func() {
		if reply, err := b.Call(within(t), "n0", "wait", nil); err != nil || string(reply) != "done " {
			t.Errorf("%q, %v", reply, err)
		}
	})
	<-working
	mine := b.asks.prefix
	stranger := string(appendReply(nil, reply{number: 99})) // of a call that nobody made
	for _, data := range append(slices.Clone(malformed), stranger) {
		for _, inbox := range []string{"", "x", mine + "n0.1.1", mine + "n0.1.1.1", repliesPrefix + "another.n0.1.1"} {
			_ = b.conn.PublishRequest(callsPrefix+"n0", inbox, []byte(data))
		}
		for _, subject := range []string{"n0", "n0.1", "n0.1.1", "n0.x.1", "n0.1.99999999", "n7", "n7.1.1"} {
			_ = b.conn.Publish(mine+subject, []byte(data))
		}
	}
	if reply, err := b.Call(within(t), "n0", "echo", []byte("still")); err != nil || string(reply) != "still" {
		t.Errorf("%q, %v", reply, err)
	}
	close(leave)
	calling.Wait()
	nothingLeft(t, b)
}

// TestBoxes: there are none for processes that are gone.
func TestBoxes(t *testing.T) {
	t.Parallel()
	a := &answerer{b: &Bus{}, boxes: map[string]*replyBox{}}
	waited := a.box("owed")
	waited.owed.Add(1)
	for i := range 100 {
		a.box(fmt.Sprint("process", i))
	}
	if len(a.boxes) != 2 || a.box("owed") != waited {
		t.Errorf("%d boxes", len(a.boxes))
	}
}

// TestCallAfterClose: a bus that is closed calls nobody, and those that waited know.
func TestCallAfterClose(t *testing.T) {
	t.Parallel()
	c := newTrio(t, 1)
	b := c.buses[0]
	x := b.asks.to("n0")
	x.mu.Lock()
	_, done, err := x.register()
	x.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	c.stop(0)
	if r := <-done; r.err == nil {
		t.Error("a call was answered by nobody")
	}
	for _, node := range []string{"n0", "n1"} {
		for _, size := range []int{0, aloneBytes} {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			if _, err := b.Call(ctx, node, "echo", make([]byte, size)); !errors.Is(err, nats.ErrConnectionClosed) {
				t.Errorf("call of %s: %v", node, err)
			}
			cancel()
		}
	}
	nothingLeft(t, b)
}
