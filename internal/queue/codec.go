package queue

import (
	"encoding/binary"
	"errors"
	"math"
	"time"

	"github.com/spillway/spillway/internal/partition"
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
type encoder []byte

func (e *encoder) number(n uint64) { *e = binary.AppendUvarint(*e, n) }
func (e *encoder) signed(n int64)  { *e = binary.AppendVarint(*e, n) }
func (e *encoder) bytes(b []byte)  { *e = append(binary.AppendUvarint(*e, uint64(len(b))), b...) }

func (e *encoder) flag(set bool) {
	if set {
		*e = append(*e, 1)
	} else {
		*e = append(*e, 0)
	}
}

func (e *encoder) error(err error) {
	for i, known := range remoteErrors {
		if i == 0 && err == nil || i > 0 && errors.Is(err, known) {
			*e = append(*e, byte(i))
			return
		}
	}
	*e = append(*e, 0xff)
}

// record is a message as the store has it.
func (e *encoder) record(m *Message) { e.bytes(m.AppendRecord(nil)) }

func (e *encoder) enqueue(in *Enqueue) {
	e.record(&in.Message)
	e.signed(in.Delay)
	e.flag(in.HasDedup)
	if in.HasDedup {
		*e = append(*e, in.DedupKey[:]...)
	}
	e.number(in.From.Source)
	e.number(in.From.Seq)
}

func (e *encoder) enqueued(out *Enqueued) {
	e.number(out.Seq)
	*e = append(*e, out.ID[:]...)
	e.flag(out.Duplicate)
}

func (e *encoder) settlement(s *Settlement) {
	e.number(s.Seq)
	e.number(uint64(s.Generation))
	switch {
	case s.back:
		*e = append(*e, settleBack)
	case s.Extend:
		*e = append(*e, settleExtend)
		e.signed(s.Time)
	default:
		*e = append(*e, settleAccept)
	}
}

// Kinds of settlements.
const (
	settleAccept byte = iota
	settleExtend
	settleBack
)

func (e *encoder) lease(in *LeaseRequest, token uint64) {
	e.number(uint64(min(max(in.Max, 0), math.MaxInt32)))
	e.signed(in.Time)
	e.number(uint64(min(max(in.Wait, 0), maxWait).Milliseconds()))
	e.bytes([]byte(in.Attempt))
	e.number(token)
}

func (e *encoder) delivery(d *Delivery) {
	e.record(&d.Message)
	e.number(d.Seq)
	e.number(uint64(d.Generation))
	e.number(uint64(d.Acquired))
	e.signed(d.FirstAcquired)
}

func (e *encoder) counters(c *Counters) {
	e.number(c.Visible)
	e.number(c.InFlight)
	e.number(c.Delayed)
	e.signed(c.Oldest)
}

func (e *encoder) ticket(t ticket) {
	e.number(uint64(t.from))
	e.number(t.generation)
	e.number(t.number)
}

func (e *encoder) peek(p *Peek) {
	e.record(&p.Message)
	e.number(p.Seq)
	e.number(uint64(p.Acquired))
	e.signed(p.FirstAcquired)
	e.flag(p.Hidden)
	e.flag(p.Delayed)
}

// decoder takes a message apart. After the first mistake it returns zeros.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) fail() { d.bad, d.b = true, nil }

// end reports whether the message was well formed, to its last byte.
func (d *decoder) end() error {
	if d.bad || len(d.b) > 0 {
		return errMalformed
	}
	return nil
}

func (d *decoder) byte() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

// take returns the next n bytes, nil if there are not as many.
func (d *decoder) take(n uint64) []byte {
	if n > uint64(len(d.b)) {
		d.fail()
		return nil
	}
	b := d.b[:n:n]
	d.b = d.b[n:]
	return b
}

func (d *decoder) number() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 || n > 1 && d.b[n-1] == 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return v
}

// upTo is a number that is not greater than most.
func (d *decoder) upTo(most uint64) uint64 {
	n := d.number()
	if n > most {
		d.fail()
		return 0
	}
	return n
}

func (d *decoder) short() uint32 { return uint32(d.upTo(math.MaxUint32)) }

func (d *decoder) signed() int64 {
	n := d.number() // zigzag, as encoding/binary has it
	return int64(n>>1) ^ -int64(n&1)
}

// maxCount bounds the things of one message: a page of Browse, or a step of Move, is
// the most that is asked for.
const maxCount = 1 << 16

// count is a number of things of at least size bytes each.
func (d *decoder) count(size int) int {
	return int(d.upTo(uint64(min(len(d.b)/size, maxCount))))
}

// several takes things of at least size bytes each.
func several[T any](d *decoder, size int, each func(d *decoder) T) (out []T) {
	for n := d.count(size); n > 0 && !d.bad; n-- {
		out = append(out, each(d))
	}
	return out
}

func (d *decoder) flag() bool {
	b := d.byte()
	if b > 1 {
		d.fail()
	}
	return b == 1
}

// error is nil where it is malformed, too.
func (d *decoder) error() error {
	if i := d.byte(); int(i) < len(remoteErrors) {
		return remoteErrors[i]
	}
	d.fail()
	return nil
}

// record's header and body alias the message.
func (d *decoder) record() Message {
	m, err := core.ParseRecord(d.take(d.number()))
	if err != nil {
		d.fail()
	}
	return m
}

func (d *decoder) enqueue() (in Enqueue) {
	in.Message = d.record()
	in.Delay = d.signed()
	if in.HasDedup = d.flag(); in.HasDedup {
		copy(in.DedupKey[:], d.take(uint64(len(in.DedupKey))))
	}
	in.From = d.transfer()
	return in
}

func (d *decoder) enqueued() (out Enqueued) {
	out.Seq = d.number()
	copy(out.ID[:], d.take(uint64(len(out.ID))))
	out.Duplicate = d.flag()
	return out
}

func (d *decoder) settlement() Settlement {
	s := Settlement{Seq: d.number(), Generation: d.short()}
	switch d.byte() {
	case settleAccept:
	case settleExtend:
		s.Extend, s.Time = true, d.signed()
	case settleBack:
		s.back = true
	default:
		d.fail()
	}
	return s
}

// maxWait bounds the wait of a poll.
const maxWait = time.Hour

func (d *decoder) lease() (in LeaseRequest, token uint64) {
	in.Max = int(d.upTo(math.MaxInt32))
	in.Time = d.signed()
	in.Wait = time.Duration(d.upTo(uint64(maxWait.Milliseconds()))) * time.Millisecond
	in.Attempt = string(d.take(d.number()))
	return in, d.number()
}

func (d *decoder) delivery() Delivery {
	return Delivery{
		Message: d.record(), Seq: d.number(), Generation: d.short(), Acquired: d.short(), FirstAcquired: d.signed(),
	}
}

func (d *decoder) peek() Peek {
	return Peek{
		Message: d.record(), Seq: d.number(), Acquired: d.short(), FirstAcquired: d.signed(), Hidden: d.flag(), Delayed: d.flag(),
	}
}

func (d *decoder) counters() Counters {
	return Counters{Visible: d.number(), InFlight: d.number(), Delayed: d.number(), Oldest: d.signed()}
}

// ticket is one that was given out in a cluster.
func (d *decoder) ticket() ticket {
	t := ticket{uint16(d.upTo(math.MaxUint16)), d.number(), d.number()}
	if t.from == 0 || t.generation == 0 || t.number == 0 {
		d.fail()
	}
	return t
}

func (d *decoder) transfer() core.TransferID {
	return core.TransferID{Source: d.number(), Seq: d.number()}
}
