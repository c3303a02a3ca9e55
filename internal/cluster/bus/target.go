package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// target is a node that was called. It stays: its numbers must not begin again.
type target struct {
	outbox
	asker *asker
	node  string

	// All guarded by outbox.mu.
	last    uint64 // number given
	pending map[uint64]chan result
	closed  bool
}

// result is how a call ended. The channels for it have 1 slot.
type result struct {
	reply []byte
	err   error
}

// call sends one request. Whoever does not wait for its result calls forget.
func (t *target) call(ctx context.Context, name string, payload []byte) (number uint64, done chan result, err error) {
	var wait uint64
	if deadline, ok := ctx.Deadline(); ok {
		wait = waitOf(time.Until(deadline))
	}
	size := entryRoom + len(name) + len(payload)
	if size > aloneBytes {
		return t.callAlone(size, wait, name, payload)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.bytes+size > maxQueued || t.count >= maxQueuedCount {
		return 0, nil, fmt.Errorf("%w: they come faster than they can be sent", ErrBusy)
	}
	if number, done, err = t.register(); err != nil {
		return 0, nil, err
	}
	b := t.open(size)
	before := len(b.data)
	if b.count == 0 {
		b.first = number
		b.data = beginRequests(b.data, number)
	}
	b.data = appendRequest(b.data, wait, name, payload)
	t.added(b, len(b.data)-before)
	return number, done, nil
}

func (t *target) callAlone(size int, wait uint64, name string, payload []byte) (number uint64, done chan result, err error) {
	if int64(size) > t.asker.conn.MaxPayload() {
		return 0, nil, fmt.Errorf("%w: %d bytes", ErrTooLarge, len(payload))
	}
	t.mu.Lock()
	t.sealed = true // the numbers in a message follow one another
	number, done, err = t.register()
	t.mu.Unlock()
	if err != nil {
		return 0, nil, err
	}
	data := beginRequests(make([]byte, 0, size), number)
	t.sendBatch(&batch{data: appendRequest(data, wait, name, payload), first: number, count: 1})
	return number, done, nil
}

// register gives a call its number. mu is held.
func (t *target) register() (number uint64, done chan result, err error) {
	if t.closed {
		return 0, nil, nats.ErrConnectionClosed
	}
	t.last++
	done = make(chan result, 1)
	t.pending[t.last] = done
	return t.last, done, nil
}

// forget drops a call that nobody waits for any more. If it is still in the queue it
// is sent all the same, soon.
func (t *target) forget(number uint64) {
	t.mu.Lock()
	delete(t.pending, number)
	t.mu.Unlock()
}

// sendBatch is for any goroutine.
func (t *target) sendBatch(b *batch) {
	inbox := make([]byte, 0, 96)
	inbox = append(append(append(inbox, t.asker.prefix...), t.node...), '.')
	inbox = append(strconv.AppendUint(inbox, b.first, 10), '.')
	inbox = strconv.AppendInt(inbox, int64(b.count), 10)
	err := t.asker.conn.PublishRequest(callsPrefix+t.node, string(inbox), b.data)
	if err == nil {
		return
	}
	if errors.Is(err, nats.ErrReconnectBufExceeded) {
		// This node's own connection is being made anew and nothing was sent.
		err = t.unreachable()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.fail(b.first, b.count, err)
}

func (t *target) unreachable() error { return fmt.Errorf("%w: %s", ErrUnreachable, t.node) }

// fail ends the calls of a batch. mu is held.
func (t *target) fail(first uint64, count int, err error) {
	for number := first; number-first < uint64(count); number++ {
		t.end(number, result{err: err})
	}
}

// end ends a call, if somebody waits for it. mu is held.
func (t *target) end(number uint64, r result) {
	if done, ok := t.pending[number]; ok {
		delete(t.pending, number)
		done <- r
	}
}

// refused: nobody listens there.
func (t *target) refused(m *nats.Msg, calls string) {
	const noResponders = "503"
	first, count, _ := strings.Cut(calls, ".")
	number, err1 := strconv.ParseUint(first, 10, 64)
	n, err2 := strconv.ParseUint(count, 10, 16)
	if err1 != nil || err2 != nil || len(m.Data) > 0 || m.Header.Get("Status") != noResponders {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.fail(number, int(n), t.unreachable())
}

// result is what a reply says. alone: its message has no other.
func (t *target) result(r reply, alone bool) result {
	switch r.status {
	case statusOK:
		if !alone {
			r.payload = slices.Clone(r.payload) // or it would keep the others in memory
		}
		return result{reply: r.payload}
	case statusBusy:
		return result{err: ErrBusy}
	case statusUnknown:
		return result{err: t.unreachable()}
	}
	return result{err: fmt.Errorf("cluster: %s executed the call, and cannot answer", t.node)}
}

// cut: see asker.
func (t *target) cut(err error, forGood bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = t.closed || forGood
	for _, b := range t.queue {
		t.fail(b.first, b.count, t.unreachable())
	}
	t.queue, t.bytes, t.count = nil, 0, 0
	for number := range t.pending {
		t.end(number, result{err: err})
	}
}
