package loadtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"
)

// stampBytes begin every body: the time of the send in nanoseconds of Unix.
const stampBytes = 19

// newMessages are the messages of one connection's calls. Their bodies are random
// but for the time, so that a server that compresses has no easy time.
func newMessages(worker int, fifo bool, batch, size int) []message {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	random := rand.New(rand.NewPCG(uint64(worker), uint64(time.Now().UnixNano())))
	out := make([]message, batch)
	for i := range out {
		body := make([]byte, size)
		for j := range body {
			body[j] = letters[random.IntN(len(letters))]
		}
		out[i].body = body
		if fifo {
			out[i].group = strconv.AppendInt([]byte("group-"), int64(worker), 10)
		}
	}
	return out
}

// worker is one connection and what it measured.
type worker struct {
	options   *Options
	index     int
	conn      *conn
	queueURL  string
	messages  []message // of one send
	dedup     int       // last deduplication id of a FIFO queue
	handles   [][]byte  // received and not deleted
	collected [][]byte  // what delete has to delete
	shard     string    // that get reads
	iterator  []byte    // where get goes on; empty at the beginning

	sends, receives, removes, arrivals histogram
	done                               int // messages through the whole workload
	errors                             map[string]int
}

func (w *worker) reset() {
	w.sends, w.receives, w.removes, w.arrivals = histogram{}, histogram{}, histogram{}, histogram{}
	w.done = 0
	clear(w.errors)
}

// run runs the workload until its end.
func (w *worker) run(ctx context.Context, end time.Time) error {
	switch w.options.Workload {
	case Put:
		return w.until(ctx, end, func() (bool, error) { return true, w.put(ctx) })
	case Send, Publish:
		return w.until(ctx, end, func() (bool, error) {
			n, err := w.send(ctx, &w.conn.target.send, w.messages)
			w.done += n
			return true, err
		})
	case Get:
		return w.until(ctx, end, func() (bool, error) { return true, w.get(ctx) })
	case Receive:
		return w.until(ctx, end, func() (bool, error) {
			err := w.receive(ctx, 0)
			w.done += len(w.handles)
			return len(w.handles) > 0, err
		})
	case Delete:
		return w.until(ctx, end, func() (bool, error) {
			n := min(w.options.Batch, len(w.collected))
			w.handles, w.collected = w.collected[:n], w.collected[n:]
			return len(w.collected) > 0, w.remove(ctx)
		})
	default: // Lifecycle
		return w.until(ctx, end, func() (bool, error) {
			if _, err := w.send(ctx, &w.conn.target.send, w.messages); err != nil {
				return false, err
			}
			if err := w.receive(ctx, 0); err != nil {
				return false, err
			}
			return true, w.remove(ctx)
		})
	}
}

// runPair is the half of the latency workload that falls to this worker.
func (w *worker) runPair(ctx context.Context, end time.Time, arrivals chan struct{}) error {
	if w.index%2 == 0 {
		return w.sendAndWait(ctx, end, arrivals)
	}
	return w.awaitMessages(ctx, end, arrivals)
}

// until repeats a step until it is time, it has nothing more to do, or it fails.
func (w *worker) until(ctx context.Context, end time.Time, step func() (more bool, err error)) error {
	for ctx.Err() == nil && time.Now().Before(end) {
		if more, err := step(); err != nil || !more {
			return err
		}
	}
	return nil
}

// sendAndWait sends the next message when some message has arrived, so that
// receives are always waiting.
func (w *worker) sendAndWait(ctx context.Context, end time.Time, arrivals chan struct{}) error {
	return w.until(ctx, end, func() (bool, error) {
		if _, err := w.send(ctx, &w.conn.target.send, w.messages); err != nil {
			return false, err
		}
		for range w.messages {
			select {
			case <-arrivals:
			case <-time.After(time.Until(end)):
				return false, nil
			}
		}
		return true, nil
	})
}

func (w *worker) awaitMessages(ctx context.Context, end time.Time, arrivals chan struct{}) error {
	return w.until(ctx, end, func() (bool, error) {
		wait := min(20, max(1, int(time.Until(end)/time.Second)))
		if err := w.receive(ctx, wait); err != nil {
			return false, err
		}
		n := len(w.handles)
		if err := w.remove(ctx); err != nil {
			return false, err
		}
		for range n {
			select {
			case arrivals <- struct{}{}:
			default: // left from an earlier run: nobody waits for it
			}
		}
		return true, nil
	})
}

// call makes one call. ok is false when the server answered with an error, which
// is counted; an error is of the connection.
func (w *worker) call(ctx context.Context, op *operation, h *histogram) (body []byte, ok bool, err error) {
	began := time.Now()
	status, body, err := w.conn.call(ctx, op)
	if err != nil {
		return nil, false, err
	}
	h.add(time.Since(began))
	if status != 200 {
		w.errors[errorCode(body)]++
		return nil, false, nil
	}
	if n := memberFault.count(body); n > 0 {
		w.errors[op.name+" entries"] += n
	}
	return body, true, nil
}

// send sends messages in one call and returns how many were taken.
func (w *worker) send(ctx context.Context, op *operation, messages []message) (int, error) {
	now := time.Now().UnixNano()
	for i := range messages {
		m := &messages[i]
		// Digits in place: the other bytes of the body stay.
		strconv.AppendInt(m.body[:0], now, 10)
		if m.group != nil {
			w.dedup++
			m.dedup = strconv.AppendInt(append(m.dedup[:0], m.body[:stampBytes]...), int64(w.dedup), 10)
			m.dedup = append(append(m.dedup, '-'), m.group...)
		}
	}
	t := w.conn.target
	w.conn.body = t.protocol.send(w.conn.body[:0], w.queueURL, messages, op != &t.send || w.options.Batch > 1)
	body, ok, err := w.call(ctx, op, &w.sends)
	if !ok {
		return 0, err
	}
	return len(messages) - memberFault.count(body), nil
}

// receive leaves what it received in w.handles.
func (w *worker) receive(ctx context.Context, wait int) error {
	w.handles = w.handles[:0]
	t := w.conn.target
	w.conn.body = t.protocol.receive(w.conn.body[:0], w.queueURL, w.options.Batch, wait)
	body, ok, err := w.call(ctx, &t.receive, &w.receives)
	if !ok {
		return err
	}
	if w.options.Workload == Latency {
		w.noteArrivals(body)
	}
	for {
		v, rest, ok := memberHandle.next(body)
		if !ok {
			return nil
		}
		w.handles, body = append(w.handles, v), rest
	}
}

// noteArrivals measures how long messages took from their send.
func (w *worker) noteArrivals(body []byte) {
	now := time.Now().UnixNano()
	for {
		v, rest, ok := memberBody.next(body)
		if !ok {
			return
		}
		if len(v) >= stampBytes {
			if sent, err := strconv.ParseInt(string(v[:stampBytes]), 10, 64); err == nil {
				w.arrivals.add(time.Duration(now - sent))
			}
		}
		body = rest
	}
}

// remove deletes w.handles, which are at most a batch.
func (w *worker) remove(ctx context.Context) error {
	if len(w.handles) == 0 {
		return nil
	}
	t := w.conn.target
	w.conn.body = t.protocol.remove(w.conn.body[:0], w.queueURL, w.handles, w.options.Batch > 1)
	body, ok, err := w.call(ctx, &t.remove, &w.removes)
	if ok {
		w.done += len(w.handles) - memberFault.count(body)
	}
	w.handles = w.handles[:0]
	return err
}

// preload sends messages that are not measured.
func (w *worker) preload(ctx context.Context, n int) error {
	messages := newMessages(w.index, w.options.FIFO, 10, w.options.BodyBytes)
	for n > 0 && ctx.Err() == nil {
		sent, err := w.send(ctx, &w.conn.target.sendBatch, messages[:min(n, len(messages))])
		if err != nil {
			return err
		}
		if sent == 0 {
			return fmt.Errorf("preload: the server refuses messages: %v", w.errors)
		}
		n -= sent
	}
	return ctx.Err()
}

// collect receives what there is, to be deleted.
func (w *worker) collect(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := w.receive(ctx, 0); err != nil {
			return err
		}
		if len(w.handles) == 0 {
			return nil
		}
		for _, h := range w.handles {
			w.collected = append(w.collected, slices.Clone(h))
		}
	}
	return ctx.Err()
}

// drain receives and deletes what there is.
func (w *worker) drain(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := w.receive(ctx, 0); err != nil {
			return err
		}
		if len(w.handles) == 0 {
			return nil
		}
		if err := w.remove(ctx); err != nil {
			return err
		}
	}
	return ctx.Err()
}
