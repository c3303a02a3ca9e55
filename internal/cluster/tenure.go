package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/store"
)

const (
	// batchLimit closes a batch (DESIGN 6.1: large messages cost latency), partSize
	// is what a larger one is cut into.
	batchLimit = 512 << 10
	partSize   = 1 << 20
	// pipelineDepth is how many batches of a partition are on their way at a time.
	pipelineDepth = 1
	// ackTime is how long an acknowledgement may take before the message is sent
	// again, unchanged. resolveTime bounds the attempts: it is well inside the log's
	// memory for duplicates (2 minutes).
	ackTime     = 3 * time.Second
	resolveTime = 20 * time.Second
	resendPause = 50 * time.Millisecond
)

// tenure is one ownership of a partition: the partition.Log of its owner. Each
// batch becomes a frame (or several), and is applied to the own store when the log
// has it.
//
// Append is called by the partition's loop and Wait by its completion goroutine,
// in the same order.
type tenure struct {
	log    Log
	id     uint16
	ctx    context.Context  // ends with the ownership
	random uint64           // of this tenure's frames
	time   func() time.Time // of the partition; nil before it is owned
	head   position         // of the last frame appended
	stored func(position)   // is told how far the store is
	spare  chan []byte      // buffers of frames, for reuse
}

// newTenure begins where the store is.
func newTenure(ctx context.Context, log Log, id uint16, at position, stored func(position)) *tenure {
	return &tenure{log: log, id: id, ctx: ctx, random: rand.Uint64(), head: at, stored: stored, spare: make(chan []byte, pipelineDepth)}
}

// barrier makes this node the owner: it writes the frame that fences every earlier
// one. Until then other owners may have written; afterwards none of them can.
func (t *tenure) barrier(st *store.Store) error {
	s := t.send(kindBarrier, t.head.epoch+1, nil)
	if err := t.confirm(&s); err != nil {
		return err
	}
	b := st.NewBatch()
	b.Set(positionKey(t.id), t.head.encode())
	if err := b.Commit(false); err != nil {
		return err
	}
	t.stored(t.head)
	return nil
}

var (
	_ partition.Log          = (*tenure)(nil)
	_ partition.Fencer       = (*tenure)(nil)
	_ partition.BatchLimiter = (*tenure)(nil)
	_ partition.Pipeliner    = (*tenure)(nil)
)

// Fenced implements partition.Fencer.
func (t *tenure) Fenced() {}

// BatchLimit implements partition.BatchLimiter.
func (t *tenure) BatchLimit() int { return batchLimit }

// Depth implements partition.Pipeliner.
func (t *tenure) Depth() int { return pipelineDepth }

// sent is a frame on its way.
type sent struct {
	seq     uint64
	id      string
	bytes   []byte
	pending Pending // nil if it could not even be sent
}

// send appends one frame after the head.
func (t *tenure) send(kind byte, epoch uint64, payload []byte) sent {
	f := frame{
		kind: kind, log: t.head.log, epoch: epoch, tenure: t.random, number: t.head.number + 1,
		previous: t.head.seq, hash: t.head.hash, time: t.head.time, payload: payload,
	}
	if t.time != nil {
		f.time = t.time().UnixMilli()
	}
	b := f.append(t.buffer())
	s := sent{seq: t.head.seq + 1, bytes: b, id: messageID(t.random, epoch, f.number)}
	t.head = t.head.next(&f, digestOf(b))
	if t.time != nil {
		t.head.offset = time.Now().UnixMilli() - f.time
	}
	if pending, err := t.log.Append(s.seq-1, s.id, b); err == nil {
		s.pending = pending
	}
	return s
}

// messageID is the same for the same frame, and for no other.
func messageID(tenure, epoch, number uint64) string {
	b := strconv.AppendUint(nil, tenure, 36)
	for _, n := range []uint64{epoch, number} {
		b = strconv.AppendUint(append(b, '.'), n, 36)
	}
	return string(b)
}

func (t *tenure) buffer() []byte {
	select {
	case b := <-t.spare:
		return b[:0]
	default:
		return nil
	}
}

func (t *tenure) recycle(b []byte) {
	if cap(b) > 2*batchLimit {
		return
	}
	select {
	case t.spare <- b:
	default:
	}
}

// confirm returns when the frame is in the log. An error means that it is not
// (another node took over), or that this could not be found out: either way this
// node must not go on as owner. The frame is never changed or moved: it is sent
// again with the same id after the same sequence, or given up.
func (t *tenure) confirm(s *sent) error {
	ctx, cancel := context.WithTimeout(t.ctx, resolveTime)
	defer cancel()
	for again := false; ; again = true {
		err := t.await(ctx, s)
		if err == nil {
			if !again {
				t.recycle(s.bytes)
			}
			return nil
		}
		if errors.Is(err, ErrConflict) {
			if err = t.compare(ctx, s); err == nil {
				return nil
			}
		}
		if errors.Is(err, partition.ErrNotOwner) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: sequence %d could not be confirmed: %w", partition.ErrNotOwner, s.seq, err)
		case <-time.After(resendPause):
		}
		if s.pending, err = t.log.Append(s.seq-1, s.id, s.bytes); err != nil {
			s.pending = nil
		}
	}
}

// await waits for one attempt.
func (t *tenure) await(ctx context.Context, s *sent) error {
	if s.pending == nil {
		return errors.New("not sent")
	}
	ctx, cancel := context.WithTimeout(ctx, ackTime)
	defer cancel()
	seq, err := s.pending.Wait(ctx)
	if err == nil && seq != s.seq {
		return fmt.Errorf("%w: appended at %d instead of %d", partition.ErrNotOwner, seq, s.seq)
	}
	return err
}

// compare finds out about a conflict. It is ours if the log has these very bytes
// (an acknowledgement was lost and the log forgot the id), somebody else's if it
// has others. If it has nothing there, an earlier frame of ours was not stored
// when this one came by, and it may be sent again.
func (t *tenure) compare(ctx context.Context, s *sent) error {
	data, ok, err := t.log.Read(ctx, s.seq)
	switch {
	case err != nil:
		return err
	case !ok:
		info, err := t.log.Info(ctx)
		if err == nil && info.Last >= s.seq {
			return fmt.Errorf("%w: sequence %d was taken and trimmed", partition.ErrNotOwner, s.seq)
		}
		return errors.New("not stored yet")
	case !bytes.Equal(data, s.bytes):
		return fmt.Errorf("%w: it wrote sequence %d", partition.ErrNotOwner, s.seq)
	}
	return nil
}

// Append implements partition.Log.
func (t *tenure) Append(b *store.Batch, _ bool) (partition.Commit, error) {
	if t.ctx.Err() != nil {
		b.Discard()
		return nil, partition.ErrNotOwner
	}
	c := &commit{t: t, batch: b}
	repr := b.Repr()
	for len(repr) > partSize {
		c.sent = append(c.sent, t.send(kindPart, t.head.epoch, repr[:partSize]))
		repr = repr[partSize:]
	}
	c.sent = append(c.sent, t.send(kindBatch, t.head.epoch, repr))
	c.position = t.head
	return c, nil
}

// commit is a batch on its way.
type commit struct {
	t        *tenure
	batch    *store.Batch
	sent     []sent
	position position // after it
}

// Wait implements partition.Commit. The batch is applied only when the log has it:
// until then it is one node's opinion.
func (c *commit) Wait() error {
	for i := range c.sent {
		if err := c.t.confirm(&c.sent[i]); err != nil {
			c.batch.Discard()
			return err
		}
	}
	c.batch.Set(positionKey(c.t.id), c.position.encode())
	if err := c.batch.Commit(false); err != nil {
		return err
	}
	c.t.stored(c.position)
	return nil
}
