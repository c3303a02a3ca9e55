package sns

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spillway/spillway/internal/pause"
	"github.com/spillway/spillway/internal/queue"
	"github.com/spillway/spillway/internal/service"
)

const (
	// dispatchLease is how long a message of a FIFO topic is hidden while it is fanned
	// out, and so how long its group waits after a crash in the middle of that.
	dispatchLease = 2 * time.Second
	// dispatchBatch is how many are fanned out at a time.
	dispatchBatch = 32
	// dispatchRetry is the pause after a fan-out that failed.
	dispatchRetry = 200 * time.Millisecond
	// publishWait bounds how long a publisher waits for the fan-out of what is durable
	// already.
	publishWait = 5 * time.Second
	day         = 24 * 60 * 60 * 1000 // ms
)

// logSpec is the queue that makes the order of a FIFO topic. Its messages leave it as
// soon as they are fanned out.
func logSpec() queue.Spec {
	return queue.Spec{FIFO: true, Lease: dispatchLease.Milliseconds(), Retention: 14 * day, MaxInFlight: 120_000}
}

// publishFIFO puts notifications in the topic's queue, which gives them their sequence
// and finds duplicates: those get the earlier one's ids, and go nowhere. They are
// durable when it returns, and on the node that owns the queue fanned out, too.
func (s *Service) publishFIFO(ctx context.Context, t *topic, all []*notification) error {
	in := make([]queue.Enqueue, len(all))
	arrivals := make([]chan struct{}, len(all))
	for i, n := range all {
		body, err := json.Marshal(n)
		if err != nil {
			return err
		}
		in[i] = queue.Enqueue{Message: queue.Message{ID: parseUUID(n.ID), Group: n.Group, Dedup: n.Dedup, Body: body}, Delay: -1}
		in[i].DedupKey, in[i].HasDedup = dedupKey(t, n), true
		arrivals[i] = s.work.dispatched.expect(in[i].ID)
		defer s.work.dispatched.forget(in[i].ID)
	}
	out, err := t.log.Enqueue(in, nil)
	if err != nil {
		return engineError(err)
	}
	wait, cancel := context.WithTimeout(ctx, publishWait)
	defer cancel()
	for i, n := range all {
		n.ID, n.Sequence = formatUUID(out[i].ID), sequence(out[i].Seq)
		if out[i].Duplicate || !t.log.Local() {
			continue
		}
		select {
		case <-arrivals[i]:
		case <-wait.Done():
		}
	}
	return nil
}

// dedupKey is what the topic knows duplicates by: within a group or everywhere.
func dedupKey(t *topic, n *notification) queue.DedupKey {
	scope := ""
	if t.Attributes[attrScope] == perGroup {
		scope = n.Group
	}
	sum := sha256.Sum256([]byte(scope + "\x00" + n.Dedup))
	return queue.DedupKey(sum[:16])
}

func parseUUID(s string) (id queue.ID) {
	_, _ = hex.Decode(id[:], []byte(strings.ReplaceAll(s, "-", ""))) // made by newUUID
	return id
}

// dispatch fans out the messages of a FIFO topic, one batch after the other, until ctx
// ends. It runs on the node that owns the topic's queue.
func (s *Service) dispatch(ctx context.Context, n name) {
	for ctx.Err() == nil {
		t := s.lookup(n)
		if t == nil || t.log == nil {
			return
		}
		batch, err := t.log.Lease(ctx, queue.LeaseRequest{Max: dispatchBatch, Time: -1, Wait: pollTime})
		if err != nil {
			pause.For(ctx, dispatchRetry)
			continue
		}
		s.dispatchBatch(ctx, n, batch)
	}
}

// dispatchBatch fans out messages until all are stored for everybody. What is done
// twice because of a failure in between is found by the queues' own deduplication.
func (s *Service) dispatchBatch(ctx context.Context, n name, batch []queue.Delivery) {
	all := make([]*notification, 0, len(batch))
	done := make([]queue.Settlement, 0, len(batch))
	for i := range batch {
		d := &batch[i]
		var of notification
		if err := json.Unmarshal(d.Body, &of); err != nil {
			s.logger.Error("a message of a FIFO topic cannot be read: it is dropped", "topic", n.arn(), "error", err)
		} else {
			of.ID, of.Sequence = formatUUID(d.ID), sequence(d.Seq)
			all = append(all, &of)
		}
		done = append(done, queue.Settlement{Seq: d.Seq, Generation: d.Generation})
	}
	for len(all) > 0 {
		t := s.lookup(n)
		if t == nil {
			return // deleted, and its messages with it
		}
		err := s.fanOut(ctx, t, all)
		if err == nil {
			err = s.store(t, batch)
		}
		if err == nil {
			break
		}
		s.logger.Warn("fan-out of a FIFO topic failed, it is tried again", "topic", t.ARN, "error", err)
		if !pause.For(ctx, dispatchRetry) || !t.log.Local() || !hold(t.log, done) {
			return
		}
	}
	for i := range batch {
		s.work.dispatched.arrive(batch[i].ID)
	}
	if t := s.lookup(n); t != nil && len(done) > 0 {
		if _, err := t.log.Settle(done, nil); err != nil {
			s.logger.Warn("settle messages of a FIFO topic", "topic", t.ARN, "error", err)
		}
	}
}

// hold keeps messages that take longer hidden, so that they are not fanned out twice.
func hold(log *queue.Queue, leases []queue.Settlement) bool {
	longer := slices.Clone(leases)
	for i := range longer {
		longer[i].Extend, longer[i].Time = true, dispatchLease.Milliseconds()
	}
	_, err := log.Settle(longer, nil)
	return err == nil
}

// enqueueInOrder is enqueue for the copies of a FIFO topic. What one queue gets goes
// into it together, and what fails is tried again until ctx ends: nothing may overtake.
func (s *Service) enqueueInOrder(ctx context.Context, copies []*copyOf) error {
	var queues []*queue.Queue
	of := make(map[*queue.Queue][]*copyOf)
	for _, c := range copies {
		if of[c.Queue] == nil {
			queues = append(queues, c.Queue)
		}
		of[c.Queue] = append(of[c.Queue], c)
	}
	failures := make([]error, len(queues))
	var running sync.WaitGroup
	for i, q := range queues {
		running.Go(func() { failures[i] = s.enqueueAll(ctx, q, of[q]) })
	}
	running.Wait()
	return errors.Join(failures...)
}

// maxTogether bounds the bytes that go into a queue at once.
const maxTogether = 1 << 20

// enqueueAll stores copies in their queue, in order.
func (s *Service) enqueueAll(ctx context.Context, q *queue.Queue, copies []*copyOf) error {
	for len(copies) > 0 {
		in, size := []queue.Enqueue(nil), 0
		for _, c := range copies {
			if size += len(c.Message.Body) + len(c.Message.Header); size > maxTogether && len(in) > 0 {
				break
			}
			in = append(in, c.Message)
		}
		_, err := q.Enqueue(in, nil)
		switch {
		case err == nil:
			s.stats.Delivered.Add(uint64(len(in)))
			copies = copies[len(in):]
		case errors.Is(err, queue.ErrNoQueue): // deleted just now
			return s.enqueueDead(ctx, q, copies)
		case !pause.For(ctx, dispatchRetry):
			return err
		}
	}
	return nil
}

// enqueueDead stores copies for a queue that is gone in the dead-letter queues.
func (s *Service) enqueueDead(ctx context.Context, gone *queue.Queue, copies []*copyOf) error {
	var dead []*copyOf
	for _, c := range copies {
		d, err := s.deadLetter(ctx, c.sub, c.n, service.ErrNoTarget)
		if err != nil {
			return err
		}
		if d != nil && d.Queue != gone {
			dead = append(dead, d)
		}
	}
	return s.enqueueInOrder(ctx, dead)
}

// arrivals tells publishers that what they published has been fanned out.
type arrivals struct {
	mu      sync.Mutex
	waiting map[queue.ID]chan struct{}
}

func (a *arrivals) expect(id queue.ID) chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := make(chan struct{})
	a.waiting[id] = c
	return c
}

func (a *arrivals) forget(id queue.ID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.waiting, id)
}

func (a *arrivals) arrive(id queue.ID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c := a.waiting[id]; c != nil {
		close(c)
		delete(a.waiting, id)
	}
}
