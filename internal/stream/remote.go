package stream

import (
	"context"
	"errors"
	"time"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/partition/message"
	"github.com/spillway/spillway/internal/pause"
)

// A method of Shard runs where its partition is owned: here, or through Peers on the
// owner, which executes it by Serve. An append that may have been executed is not sent
// again: its caller decides. Everything else can be repeated, and is.
const (
	// forwardTime bounds a call to the owner, looking for it included: longer than a
	// fail-over takes, shorter than clients wait.
	forwardTime = 10 * time.Second
	// attempts is how often a call is made whose answer was lost.
	attempts     = 4
	attemptPause = 20 * time.Millisecond
)

// clustered tells whether there are other nodes.
func (e *Engine) clustered() bool { return e.peers != nil }

// elsewhere tells whether a call has to be made at another node.
func (s *Shard) elsewhere(err error) bool {
	return err != nil && s.m.engine.clustered() && errors.Is(err, partition.ErrNotOwner)
}

// call has the partition's owner execute a request, and takes its answer apart: the
// error is the owner's, or one of package partition.
func (m *machine) call(ctx context.Context, request encoder) (decoder, error) {
	reply, err := m.engine.peers.Call(ctx, m.p.ID(), request.Writer)
	if err != nil {
		return decoder{}, err
	}
	d := newDecoder(reply)
	if d.Byte() != codecVersion {
		return decoder{}, errMalformed
	}
	err = d.error()
	if d.Bad() {
		err = errMalformed
	}
	return d, err
}

// repeat makes a call that may be made again, and has its answer read.
func (s *Shard) repeat(ctx context.Context, request encoder, read func(d *decoder)) (err error) {
	ctx, cancel := context.WithTimeout(ctx, forwardTime)
	defer cancel()
	for range attempts {
		var d decoder
		if d, err = s.m.call(ctx, request); err == nil {
			read(&d)
			err = d.end()
		}
		if !errors.Is(err, partition.ErrStopped) || !pause.For(ctx, attemptPause) {
			return err
		}
	}
	return err
}

// request starts one about a shard, 0 for none.
func request(op byte, shard uint64) encoder {
	e := encoder{message.Writer{codecVersion, op}}
	e.Number(shard)
	return e
}

// appendElsewhere has the owner execute a command, and tells its targets.
func (m *machine) appendElsewhere(c *appendCommand) {
	e := request(opAppend, 0)
	e.Number(uint64(len(c.targets)))
	for _, t := range c.targets {
		e.target(t)
	}
	ctx, cancel := context.WithTimeout(context.Background(), forwardTime)
	defer cancel()
	d, err := m.call(ctx, e)
	if err == nil {
		for _, t := range c.targets {
			d.outcome(t)
		}
		err = d.end()
	}
	if err != nil {
		for _, t := range c.targets {
			t.Err = err
		}
	}
}

func (s *Shard) closeElsewhere(ctx context.Context) (out Closed, err error) {
	err = s.repeat(ctx, request(opClose, s.id), func(d *decoder) { out = d.closed() })
	return out, err
}

func (s *Shard) readElsewhere(ctx context.Context, from uint64, records, bytes int, out []Record) (p Page, err error) {
	e := request(opRead, s.id)
	e.Number(from)
	e.Number(uint64(max(records, 0)))
	e.Number(uint64(max(bytes, 0)))
	err = s.repeat(ctx, e, func(d *decoder) { p = d.page(out) })
	if err != nil {
		return Page{Records: out}, err
	}
	return p, nil
}

func (s *Shard) seekElsewhere(ctx context.Context, time int64) (seq uint64, err error) {
	e := request(opSeek, s.id)
	e.Signed(time)
	err = s.repeat(ctx, e, func(d *decoder) { seq = d.Number() })
	return seq, err
}

func (s *Shard) boundsElsewhere(ctx context.Context) (b Bounds, err error) {
	err = s.repeat(ctx, request(opBounds, s.id), func(d *decoder) { b = d.bounds() })
	return b, err
}

// waitElsewhere waits for one round.
func (s *Shard) waitElsewhere(ctx context.Context, from uint64) error {
	e := request(opWait, s.id)
	e.Number(from)
	e.Number(uint64(waitRound.Milliseconds()))
	ctx, cancel := context.WithTimeout(ctx, waitRound+forwardTime)
	defer cancel()
	d, err := s.m.call(ctx, e)
	if err != nil {
		return err
	}
	ready := d.Flag()
	if err := d.end(); err != nil {
		return err
	}
	if !ready {
		return errNotYet
	}
	return nil
}
