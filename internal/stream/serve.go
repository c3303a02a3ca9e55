package stream

import (
	"context"
	"errors"
	"time"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/partition/message"
)

// Requests between engines.
const (
	opAppend byte = iota + 1
	opClose
	opRead
	opSeek
	opBounds
	opWait
)

// Serve implements partition.Serve: it executes what another node was asked for.
func (e *Engine) Serve(ctx context.Context, id uint16, request []byte) ([]byte, error) {
	m := e.machines[id]
	d := newDecoder(request)
	version, op, shard := d.Byte(), d.Byte(), d.Number()
	if version != codecVersion || d.Bad() || m == nil {
		return nil, errMalformed
	}
	if ctx.Err() != nil || !m.p.Owned() {
		return nil, partition.ErrNotOwner // nothing was done
	}
	body, err := e.execute(ctx, m, op, shard, &d)
	if partitionError(err) {
		return nil, err
	}
	reply := encoder{message.Writer{codecVersion}}
	reply.error(err)
	if err == nil {
		reply.Raw(body.Writer)
	}
	return reply.Writer, nil
}

// partitionError tells whether an error says what became of the request, rather than
// what is wrong with it.
func partitionError(err error) bool {
	return errors.Is(err, partition.ErrNotOwner) || errors.Is(err, partition.ErrStopped) ||
		errors.Is(err, partition.ErrBusy) || errors.Is(err, partition.ErrDiskFull)
}

// execute runs a request on the owner and returns the reply's body. It never goes on to
// another node.
func (e *Engine) execute(ctx context.Context, m *machine, op byte, shard uint64, d *decoder) (encoder, error) {
	if op == opAppend {
		return m.executeAppend(ctx, d)
	}
	s, err := m.find(ctx, shard)
	if err != nil {
		return encoder{}, err
	}
	switch op {
	case opClose:
		return s.executeClose(d)
	case opRead:
		return s.executeRead(d)
	case opSeek:
		return s.executeSeek(d)
	case opBounds:
		return s.executeBounds(d)
	case opWait:
		return s.executeWait(ctx, d)
	}
	return encoder{}, errMalformed
}

// find returns a shard of the partition: not known here may mean that another node made
// it a moment ago.
func (m *machine) find(ctx context.Context, id uint64) (*Shard, error) {
	s := m.engine.Shard(id)
	if s == nil && m.engine.refresh != nil {
		if err := m.engine.refresh(ctx); err != nil {
			return nil, partition.ErrBusy // nothing was done
		}
		s = m.engine.Shard(id)
	}
	switch {
	case s == nil:
		return nil, ErrNoShard
	case s.m != m:
		return nil, errMalformed
	}
	return s, nil
}

// executeAppend appends to shards of the partition, as one command.
func (m *machine) executeAppend(ctx context.Context, d *decoder) (reply encoder, err error) {
	targets := message.Several(d, 3, maxRecords, (*decoder).target)
	if err := d.end(); err != nil {
		return reply, err
	}
	c := &appendCommand{Call: partition.NewCall()}
	for i := range targets {
		t := &targets[i].Target
		if t.Shard, err = m.find(ctx, targets[i].shard); err != nil {
			if !errors.Is(err, ErrNoShard) {
				return reply, err
			}
			t.Err = err
		} else if t.prepare() {
			t.pack()
			c.targets = append(c.targets, t)
		} else if errors.Is(t.Err, partition.ErrDiskFull) {
			return reply, t.Err // no other of them was stored, either
		}
	}
	if len(c.targets) > 0 {
		m.p.Submit(c)
		if err := c.Wait(); err != nil {
			return reply, err
		}
	}
	for i := range targets {
		reply.outcome(&targets[i].Target)
	}
	return reply, nil
}

func (s *Shard) executeClose(d *decoder) (reply encoder, err error) {
	if err := d.end(); err != nil {
		return reply, err
	}
	out, err := s.closeHere()
	reply.closed(out)
	return reply, err
}

func (s *Shard) executeRead(d *decoder) (reply encoder, err error) {
	from, records, bytes := d.Number(), int(min(d.Number(), maxRecords)), int(min(d.Number(), MaxRead))
	if err := d.end(); err != nil {
		return reply, err
	}
	p, err := s.readHere(from, records, bytes, nil)
	if err != nil {
		return reply, err
	}
	reply.page(&p)
	return reply, nil
}

func (s *Shard) executeSeek(d *decoder) (reply encoder, err error) {
	at := d.Signed()
	if err := d.end(); err != nil {
		return reply, err
	}
	seq, err := s.seekHere(at)
	reply.Number(seq)
	return reply, err
}

func (s *Shard) executeBounds(d *decoder) (reply encoder, err error) {
	if err := d.end(); err != nil {
		return reply, err
	}
	b, err := s.LocalBounds()
	reply.bounds(&b)
	return reply, err
}

func (s *Shard) executeWait(ctx context.Context, d *decoder) (reply encoder, err error) {
	from, wait := d.Number(), time.Duration(min(d.Number(), uint64(waitRound.Milliseconds())))*time.Millisecond
	if err := d.end(); err != nil {
		return reply, err
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	err = s.waitHere(ctx, from)
	reply.Flag(err == nil)
	if err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		err = nil
	}
	return reply, err
}
