package queue

import (
	"context"
	"errors"
	"time"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/partition/message"
	"github.com/spillway/spillway/internal/pause"
	"github.com/spillway/spillway/internal/queue/core"
)

// stepTime bounds one step of a transfer at another node.
const stepTime = 5 * time.Second

// sendElsewhere has the target's owner store the message, when there is a goroutine
// for it.
func (v *mover) sendElsewhere(c *arrival) {
	v.mu.Lock()
	v.far = append(v.far, c)
	more := v.callers < maxMoveCalls && !v.closed
	if more {
		v.callers++
		v.ended.Go(v.callElsewhere)
	}
	v.mu.Unlock()
}

func (v *mover) callElsewhere() {
	for {
		v.mu.Lock()
		if len(v.far) == 0 || v.closed {
			v.callers--
			v.mu.Unlock()
			return
		}
		c := v.far[0]
		v.far[0] = nil
		v.far = v.far[1:]
		v.mu.Unlock()
		c.finish(c.send(v.ctx))
	}
}

// send makes the attempt at the target's owner.
func (c *arrival) send(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	e := request(opArrive, c.target.id)
	e.ticket(c.ticket)
	e.enqueue(&c.in)
	d, err := c.target.call(ctx, e)
	if errors.Is(err, ErrNoQueue) {
		c.result = refused
		return nil
	}
	if err != nil {
		return err
	}
	if c.result = outcome(d.Byte()); c.result > late {
		d.Fail()
	}
	return d.end()
}

// forget has the owner of a target forget transfers that are over.
func (v *mover) forget(target uint64, floor ticket, over []ended) error {
	ctx, cancel := context.WithTimeout(v.ctx, stepTime)
	defer cancel()
	e := request(opForget, target)
	e.ticket(floor)
	e.Number(uint64(len(over)))
	for _, o := range over {
		e.Number(o.id.Source)
		e.Number(o.id.Seq)
	}
	_, err := v.engine.remote.call(ctx, v.engine.set.For(target).ID(), e)
	if errors.Is(err, ErrNoQueue) {
		return nil
	}
	return err
}

// resolveElsewhere asks the owners of sources about transfers that arrived in a
// partition: about those given at once, and then about those that are old, until the
// partition's ownership (ctx) ends.
func (v *mover) resolveElsewhere(ctx context.Context, m *machine, in []arrived) {
	var before map[arrived]struct{}
	for {
		v.askSources(ctx, in)
		if !pause.For(ctx, v.every) {
			return
		}
		c := &rememberedCommand{Call: partition.NewCall(), m: m, out: make(map[arrived]struct{})}
		m.p.Submit(c)
		if c.Wait() != nil {
			continue // busy; or the ownership ends
		}
		in = in[:0]
		for a := range c.out {
			if _, old := before[a]; old {
				in = append(in, a)
			}
		}
		before = c.out
	}
}

// rememberedCommand lists the arrivals that a partition remembers.
type rememberedCommand struct {
	partition.Call
	m   *machine
	out map[arrived]struct{}
}

// Run implements partition.Command.
func (c *rememberedCommand) Run(tx *partition.Tx) {
	tx.Relax()
	for queue, l := range c.m.locals {
		for _, id := range l.core.Transfers() {
			c.out[arrived{queue, id}] = struct{}{}
		}
	}
}

// askSources returns when all sources have heard, or ctx ended.
func (v *mover) askSources(ctx context.Context, in []arrived) {
	bySource := make(map[uint16][]arrived)
	for _, a := range in {
		from := v.engine.set.For(a.id.Source).ID()
		bySource[from] = append(bySource[from], a)
	}
	for len(bySource) > 0 {
		for from, list := range bySource {
			n := min(len(list), maxForget)
			if v.askSource(ctx, from, list[:n]) != nil {
				continue
			}
			if bySource[from] = list[n:]; n == len(list) {
				delete(bySource, from)
			}
		}
		if len(bySource) > 0 && !pause.For(ctx, moveRetry) {
			return
		}
	}
}

func (v *mover) askSource(ctx context.Context, from uint16, list []arrived) error {
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	e := request(opResolve, 0)
	e.Number(uint64(len(list)))
	for _, a := range list {
		e.Number(a.target)
		e.Number(a.id.Source)
		e.Number(a.id.Seq)
	}
	_, err := v.engine.remote.call(ctx, from, e)
	return err
}

// remoteArrival is an attempt of another node's.
type remoteArrival struct {
	partition.Call
	arrival
}

// Run implements partition.Command.
func (c *remoteArrival) Run(tx *partition.Tx) { c.run(tx) }

func (q *Queue) executeArrive(d *decoder) (reply encoder, err error) {
	c := &remoteArrival{Call: partition.NewCall()}
	c.target, c.ticket, c.in = q, d.ticket(), d.enqueue()
	if c.in.From == (core.TransferID{}) {
		d.Fail()
	}
	if err := d.end(); err != nil {
		return reply, err
	}
	if q.m.p.Full() {
		return reply, partition.ErrDiskFull
	}
	q.m.p.Submit(c)
	err = c.Wait()
	reply.Byte(byte(c.result))
	return reply, err
}

// remoteForget drops the target's memory of transfers, unless the floor says that
// who asks for it is not the source's owner any more.
type remoteForget struct {
	partition.Call
	target *Queue
	floor  ticket
	ids    []core.TransferID
}

// Run implements partition.Command.
func (c *remoteForget) Run(tx *partition.Tx) {
	m := c.target.m
	l := m.local(c.target)
	if l == nil || c.floor.generation < m.floors[c.floor.from].generation {
		return
	}
	m.raise(tx, c.floor)
	ctx := m.begin(tx, l)
	for _, id := range c.ids {
		l.core.Forget(ctx, id)
	}
}

func (q *Queue) executeForget(d *decoder) (encoder, error) {
	c := &remoteForget{Call: partition.NewCall(), target: q, floor: d.ticket()}
	c.ids = message.Several(d, 2, maxCount, (*decoder).transfer)
	if err := d.end(); err != nil {
		return encoder{}, err
	}
	q.m.p.Submit(c)
	return encoder{}, c.Wait()
}

// remoteResolve has those transfers of a partition forgotten that are over.
type remoteResolve struct {
	partition.Call
	m    *machine
	in   []arrived
	over []arrived
}

// Run implements partition.Command.
func (c *remoteResolve) Run(tx *partition.Tx) {
	for _, a := range c.in {
		if l := c.m.locals[a.id.Source]; l == nil || !l.core.IsLeaving(a.id.Seq) {
			c.over = append(c.over, a)
		}
	}
	if len(c.over) == 0 {
		return
	}
	c.m.announce(tx)
	generation, over := c.m.generation, c.over
	tx.OnCommit(func(err error) {
		if err == nil {
			c.m.sender.resolved(over, generation)
		}
	})
}

func (m *machine) executeResolve(d *decoder) (encoder, error) {
	c := &remoteResolve{Call: partition.NewCall(), m: m}
	c.in = message.Several(d, 3, maxCount, func(d *decoder) arrived { return arrived{d.Number(), d.transfer()} })
	if err := d.end(); err != nil {
		return encoder{}, err
	}
	m.p.Submit(c)
	return encoder{}, c.Wait()
}
