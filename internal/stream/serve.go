package stream

import (
	"context"
	"errors"
	"time"

	"github.com/spillway/spillway/internal/partition"
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
	d := decoder{b: request}
	version, op, shard := d.byte(), d.byte(), d.number()
	if version != codecVersion || d.bad || m == nil {
		return nil, errMalformed
	}
	if ctx.Err() != nil || !m.p.Owned() {
		return nil, partition.ErrNotOwner // nothing was done
	}
	body, err := e.execute(ctx, m, op, shard, &d)
	if partitionError(err) {
		return nil, err
	}
	reply := encoder{codecVersion}
	reply.error(err)
	if err == nil {
		reply = append(reply, body...)
	}
	return reply, nil
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
		return nil, err
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
	return nil, errMalformed
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
	targets := several(d, 3, (*decoder).target)
	if err := d.end(); err != nil {
		return nil, err
	}
	c := &appendCommand{call: newCall()}
	for i := range targets {
		t := &targets[i].Target
		if t.Shard, err = m.find(ctx, targets[i].shard); err != nil {
			if !errors.Is(err, ErrNoShard) {
				return nil, err
			}
			t.Err = err
		} else if t.prepare() {
			t.pack()
			c.targets = append(c.targets, t)
		} else if errors.Is(t.Err, partition.ErrDiskFull) {
			return nil, t.Err // no other of them was stored, either
		}
	}
	if len(c.targets) > 0 {
		m.p.Submit(c)
		if err := c.wait(); err != nil {
			return nil, err
		}
	}
	for i := range targets {
		reply.outcome(&targets[i].Target)
	}
	return reply, nil
}

func (s *Shard) executeClose(d *decoder) (reply encoder, err error) {
	if err := d.end(); err != nil {
		return nil, err
	}
	out, err := s.closeHere()
	reply.closed(out)
	return reply, err
}

func (s *Shard) executeRead(d *decoder) (reply encoder, err error) {
	from, records, bytes := d.number(), int(min(d.number(), maxRecords)), int(min(d.number(), MaxRead))
	if err := d.end(); err != nil {
		return nil, err
	}
	p, err := s.readHere(from, records, bytes, nil)
	if err != nil {
		return nil, err
	}
	reply.page(&p)
	return reply, nil
}

func (s *Shard) executeSeek(d *decoder) (reply encoder, err error) {
	at := d.signed()
	if err := d.end(); err != nil {
		return nil, err
	}
	seq, err := s.seekHere(at)
	reply.number(seq)
	return reply, err
}

func (s *Shard) executeBounds(d *decoder) (reply encoder, err error) {
	if err := d.end(); err != nil {
		return nil, err
	}
	b, err := s.LocalBounds()
	reply.bounds(&b)
	return reply, err
}

func (s *Shard) executeWait(ctx context.Context, d *decoder) (reply encoder, err error) {
	from, wait := d.number(), time.Duration(min(d.number(), uint64(waitRound.Milliseconds())))*time.Millisecond
	if err := d.end(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	err = s.waitHere(ctx, from)
	reply.flag(err == nil)
	if err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		err = nil
	}
	return reply, err
}
