package queue

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/queue/core"
)

// Messages between engines. A request: version 1 | op 1 | queue id | body. A reply:
// version 1 | error 1 | body. Numbers are uvarints (signed ones zigzag), bytes have
// their length before them; the bodies are what the methods of Queue take and return,
// in order. Nodes of neighbouring releases talk to each other during an upgrade: a
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
	e.flag(s.Extend)
	e.signed(s.Time)
}

func (e *encoder) lease(in *LeaseRequest, token uint64) {
	e.number(uint64(max(in.Max, 0)))
	e.signed(in.Time)
	e.number(uint64(max(in.Wait, 0).Milliseconds()))
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
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) signed() int64 {
	v, n := binary.Varint(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return v
}

// count is a number of things of at least size bytes each.
func (d *decoder) count(size int) int {
	n := d.number()
	if n > uint64(len(d.b)/size) {
		d.fail()
		return 0
	}
	return int(n)
}

func (d *decoder) flag() bool { return d.byte() == 1 }

func (d *decoder) error() error {
	if i := d.byte(); int(i) < len(remoteErrors) {
		return remoteErrors[i]
	}
	return errMalformed
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
	in.From = core.TransferID{Source: d.number(), Seq: d.number()}
	return in
}

func (d *decoder) enqueued() (out Enqueued) {
	out.Seq = d.number()
	copy(out.ID[:], d.take(uint64(len(out.ID))))
	out.Duplicate = d.flag()
	return out
}

func (d *decoder) settlement() Settlement {
	return Settlement{Seq: d.number(), Generation: uint32(d.number()), Extend: d.flag(), Time: d.signed()}
}

// maxWait bounds the wait of a poll, whatever a message says.
const maxWait = time.Hour

func (d *decoder) lease() (in LeaseRequest, token uint64) {
	in.Max = int(min(d.number(), maxBrowse))
	in.Time = d.signed()
	in.Wait = time.Duration(min(d.number(), uint64(maxWait.Milliseconds()))) * time.Millisecond
	in.Attempt = string(d.take(d.number()))
	return in, d.number()
}

func (d *decoder) delivery() Delivery {
	return Delivery{
		Message: d.record(), Seq: d.number(), Generation: uint32(d.number()), Acquired: uint32(d.number()), FirstAcquired: d.signed(),
	}
}

func (d *decoder) peek() Peek {
	return Peek{
		Message: d.record(), Seq: d.number(), Acquired: uint32(d.number()), FirstAcquired: d.signed(), Hidden: d.flag(), Delayed: d.flag(),
	}
}
