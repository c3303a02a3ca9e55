package stream

import (
	"encoding/binary"
	"errors"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/stream/core"
)

// Messages between engines. A request: version 1 | op 1 | shard id | body. A reply:
// version 1 | error 1 | body. Numbers are uvarints (signed ones zigzag), bytes have
// their length before them; the bodies are what the methods of Shard take and return,
// in order. There is one encoding for everything: what is longer than needed, or left
// over, is malformed. Nodes of neighbouring releases talk to each other during an
// upgrade: a change of a body needs a new version.
const codecVersion = 1

// remoteErrors are the errors that replies carry, by number. Append only.
var remoteErrors = [...]error{nil, ErrNoShard, ErrClosed, ErrTooLarge, core.ErrRecord}

// errMalformed is an answer that cannot be read: what the owner did is unknown.
var errMalformed = partition.ErrStopped

// encoder is a message being built.
type encoder []byte

func (e *encoder) number(n uint64) { *e = binary.AppendUvarint(*e, n) }
func (e *encoder) signed(n int64)  { *e = binary.AppendVarint(*e, n) }
func (e *encoder) bytes(b []byte)  { *e = append(binary.AppendUvarint(*e, uint64(len(b))), b...) }
func (e *encoder) text(s string)   { *e = append(binary.AppendUvarint(*e, uint64(len(s))), s...) }

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

// record leaves out the sequence and the time.
func (e *encoder) record(r *Record) {
	e.text(r.Key)
	e.bytes(r.Header)
	e.bytes(r.Data)
}

func (e *encoder) target(t *Target) {
	e.number(t.Shard.id)
	e.number(uint64(len(t.Records)))
	for i := range t.Records {
		e.record(&t.Records[i])
	}
}

func (e *encoder) outcome(t *Target) {
	e.error(t.Err)
	e.number(t.Appended.First)
	e.signed(t.Appended.Time)
}

func (e *encoder) closed(c Closed) {
	e.number(c.Last)
	e.signed(c.Time)
}

func (e *encoder) bounds(b *Bounds) {
	e.number(b.First)
	e.number(b.Next)
	e.signed(b.Newest)
	e.signed(b.ClosedAt)
}

func (e *encoder) page(p *Page) {
	size := 64
	for i := range p.Records {
		size += p.Records[i].Size() + len(p.Records[i].Header) + 24
	}
	*e = append(make([]byte, 0, size), *e...)
	e.number(p.Next)
	e.bounds(&p.Bounds)
	e.number(uint64(len(p.Records)))
	var before Record
	for i := range p.Records {
		r := &p.Records[i]
		e.number(r.Seq - before.Seq)
		e.signed(r.Time - before.Time)
		e.record(r)
		before = *r
	}
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

func (d *decoder) signed() int64 {
	n := d.number() // zigzag, as encoding/binary has it
	return int64(n>>1) ^ -int64(n&1)
}

// count is a number of things of at least size bytes each.
func (d *decoder) count(size int) int {
	n := d.number()
	if n > uint64(min(len(d.b)/size, maxRecords)) {
		d.fail()
		return 0
	}
	return int(n)
}

// several takes things of at least size bytes each.
func several[T any](d *decoder, size int, each func(d *decoder) T) (out []T) {
	if n := d.count(size); n > 0 {
		out = make([]T, 0, n)
		for ; n > 0 && !d.bad; n-- {
			out = append(out, each(d))
		}
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

// record's header and data alias the message.
func (d *decoder) record() Record {
	return Record{Key: string(d.take(d.number())), Header: d.take(d.number()), Data: d.take(d.number())}
}

// remoteTarget is a target whose shard is to be found.
type remoteTarget struct {
	Target
	shard uint64
}

func (d *decoder) target() (t remoteTarget) {
	t.shard = d.number()
	t.Records = several(d, 3, (*decoder).record)
	return t
}

func (d *decoder) outcome(t *Target) {
	t.Err = d.error()
	t.Appended = Appended{First: d.number(), Time: d.signed()}
}

func (d *decoder) closed() Closed { return Closed{Last: d.number(), Time: d.signed()} }

func (d *decoder) bounds() Bounds {
	return Bounds{First: d.number(), Next: d.number(), Newest: d.signed(), ClosedAt: d.signed()}
}

// page appends the records to out; they alias the message.
func (d *decoder) page(out []Record) Page {
	p := Page{Next: d.number(), Bounds: d.bounds()}
	var before Record
	for n := d.count(5); n > 0 && !d.bad; n-- {
		seq, time := before.Seq+d.number(), before.Time+d.signed()
		r := d.record()
		r.Seq, r.Time = seq, time
		out = append(out, r)
		before = r
	}
	p.Records = out
	return p
}
