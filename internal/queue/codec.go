package queue

import (
	"math"
	"time"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/partition/message"
	"github.com/spillway/spillway/internal/queue/core"
)

// Messages between engines. A request: version 1 | op 1 | queue id | body. A reply:
// version 1 | error 1 | body. Numbers are uvarints (signed ones zigzag), bytes have
// their length before them; the bodies are what the methods of Queue take and return,
// in order. There is one encoding for everything: what is longer than needed, or left
// over, is malformed. Nodes of neighbouring releases talk to each other during an upgrade: a
// change of a body needs a new version.
const codecVersion = 1

// remoteErrors are the errors that replies carry, by number. Append only.
var remoteErrors = [...]error{nil, ErrNoQueue, ErrInFlight, ErrLapsed, ErrGone, ErrTooLong, core.ErrRecord}

// errMalformed is an answer that cannot be read: what the owner did is unknown.
var errMalformed = partition.ErrStopped

// encoder is a message being built.
type encoder struct{ message.Writer }

func (e *encoder) error(err error) { e.Error(err, remoteErrors[:]) }

// record is a message as the store has it.
func (e *encoder) record(m *Message) { e.Bytes(m.AppendRecord(nil)) }

func (e *encoder) enqueue(in *Enqueue) {
	e.record(&in.Message)
	e.Signed(in.Delay)
	e.Flag(in.HasDedup)
	if in.HasDedup {
		e.Raw(in.DedupKey[:])
	}
	e.Number(in.From.Source)
	e.Number(in.From.Seq)
}

func (e *encoder) enqueued(out *Enqueued) {
	e.Number(out.Seq)
	e.Raw(out.ID[:])
	e.Flag(out.Duplicate)
}

func (e *encoder) settlement(s *Settlement) {
	e.Number(s.Seq)
	e.Number(uint64(s.Generation))
	switch {
	case s.back:
		e.Byte(settleBack)
	case s.Extend:
		e.Byte(settleExtend)
		e.Signed(s.Time)
	default:
		e.Byte(settleAccept)
	}
}

// Kinds of settlements.
const (
	settleAccept byte = iota
	settleExtend
	settleBack
)

func (e *encoder) lease(in *LeaseRequest, token uint64) {
	e.Number(uint64(min(max(in.Max, 0), math.MaxInt32)))
	e.Signed(in.Time)
	e.Number(uint64(min(max(in.Wait, 0), maxWait).Milliseconds()))
	e.Bytes([]byte(in.Attempt))
	e.Number(token)
}

func (e *encoder) delivery(d *Delivery) {
	e.record(&d.Message)
	e.Number(d.Seq)
	e.Number(uint64(d.Generation))
	e.Number(uint64(d.Acquired))
	e.Signed(d.FirstAcquired)
}

func (e *encoder) counters(c *Counters) {
	e.Number(c.Visible)
	e.Number(c.InFlight)
	e.Number(c.Delayed)
	e.Signed(c.Oldest)
}

func (e *encoder) ticket(t ticket) {
	e.Number(uint64(t.from))
	e.Number(t.generation)
	e.Number(t.number)
}

func (e *encoder) peek(p *Peek) {
	e.record(&p.Message)
	e.Number(p.Seq)
	e.Number(uint64(p.Acquired))
	e.Signed(p.FirstAcquired)
	e.Flag(p.Hidden)
	e.Flag(p.Delayed)
}

// decoder takes a message apart.
type decoder struct{ message.Reader }

func newDecoder(b []byte) decoder { return decoder{message.NewReader(b)} }

// end reports whether the message was well formed, to its last byte.
func (d *decoder) end() error {
	if d.Whole() {
		return nil
	}
	return errMalformed
}

func (d *decoder) error() error { return d.Error(remoteErrors[:]) }

// maxCount bounds the things of one message: a page of Browse, or a step of Move, is
// the most that is asked for.
const maxCount = 1 << 16

// record's header and body alias the message.
func (d *decoder) record() Message {
	m, err := core.ParseRecord(d.Bytes())
	if err != nil {
		d.Fail()
	}
	return m
}

func (d *decoder) enqueue() (in Enqueue) {
	in.Message = d.record()
	in.Delay = d.Signed()
	if in.HasDedup = d.Flag(); in.HasDedup {
		copy(in.DedupKey[:], d.Take(uint64(len(in.DedupKey))))
	}
	in.From = d.transfer()
	return in
}

func (d *decoder) enqueued() (out Enqueued) {
	out.Seq = d.Number()
	copy(out.ID[:], d.Take(uint64(len(out.ID))))
	out.Duplicate = d.Flag()
	return out
}

func (d *decoder) settlement() Settlement {
	s := Settlement{Seq: d.Number(), Generation: d.Short()}
	switch d.Byte() {
	case settleAccept:
	case settleExtend:
		s.Extend, s.Time = true, d.Signed()
	case settleBack:
		s.back = true
	default:
		d.Fail()
	}
	return s
}

// maxWait bounds the wait of a poll.
const maxWait = time.Hour

func (d *decoder) lease() (in LeaseRequest, token uint64) {
	in.Max = int(d.UpTo(math.MaxInt32))
	in.Time = d.Signed()
	in.Wait = time.Duration(d.UpTo(uint64(maxWait.Milliseconds()))) * time.Millisecond
	in.Attempt = string(d.Bytes())
	return in, d.Number()
}

func (d *decoder) delivery() Delivery {
	return Delivery{
		Message: d.record(), Seq: d.Number(), Generation: d.Short(), Acquired: d.Short(), FirstAcquired: d.Signed(),
	}
}

func (d *decoder) peek() Peek {
	return Peek{
		Message: d.record(), Seq: d.Number(), Acquired: d.Short(), FirstAcquired: d.Signed(), Hidden: d.Flag(), Delayed: d.Flag(),
	}
}

func (d *decoder) counters() Counters {
	return Counters{Visible: d.Number(), InFlight: d.Number(), Delayed: d.Number(), Oldest: d.Signed()}
}

// ticket is one that was given out in a cluster.
func (d *decoder) ticket() ticket {
	t := ticket{uint16(d.UpTo(math.MaxUint16)), d.Number(), d.Number()}
	if t.from == 0 || t.generation == 0 || t.number == 0 {
		d.Fail()
	}
	return t
}

func (d *decoder) transfer() core.TransferID {
	return core.TransferID{Source: d.Number(), Seq: d.Number()}
}
