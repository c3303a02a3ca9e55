package stream

import (
	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/partition/message"
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
type encoder struct{ message.Writer }

func (e *encoder) error(err error) { e.Error(err, remoteErrors[:]) }

// record leaves out the sequence and the time.
func (e *encoder) record(r *Record) {
	e.Text(r.Key)
	e.Bytes(r.Header)
	e.Bytes(r.Data)
}

func (e *encoder) target(t *Target) {
	e.Number(t.Shard.id)
	e.Number(uint64(len(t.Records)))
	for i := range t.Records {
		e.record(&t.Records[i])
	}
}

func (e *encoder) outcome(t *Target) {
	e.error(t.Err)
	e.Number(t.Appended.First)
	e.Signed(t.Appended.Time)
}

func (e *encoder) closed(c Closed) {
	e.Number(c.Last)
	e.Signed(c.Time)
}

func (e *encoder) bounds(b *Bounds) {
	e.Number(b.First)
	e.Number(b.Next)
	e.Signed(b.Newest)
	e.Signed(b.ClosedAt)
}

func (e *encoder) page(p *Page) {
	size := 64
	for i := range p.Records {
		size += p.Records[i].Size() + len(p.Records[i].Header) + 24
	}
	e.Writer = append(make([]byte, 0, size), e.Writer...)
	e.Number(p.Next)
	e.bounds(&p.Bounds)
	e.Number(uint64(len(p.Records)))
	var before Record
	for i := range p.Records {
		r := &p.Records[i]
		e.Number(r.Seq - before.Seq)
		e.Signed(r.Time - before.Time)
		e.record(r)
		before = *r
	}
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

// record's header and data alias the message.
func (d *decoder) record() Record {
	return Record{Key: string(d.Bytes()), Header: d.Bytes(), Data: d.Bytes()}
}

// remoteTarget is a target whose shard is to be found.
type remoteTarget struct {
	Target
	shard uint64
}

func (d *decoder) target() (t remoteTarget) {
	t.shard = d.Number()
	t.Records = message.Several(d, 3, maxRecords, (*decoder).record)
	return t
}

func (d *decoder) outcome(t *Target) {
	t.Err = d.error()
	t.Appended = Appended{First: d.Number(), Time: d.Signed()}
}

func (d *decoder) closed() Closed { return Closed{Last: d.Number(), Time: d.Signed()} }

func (d *decoder) bounds() Bounds {
	return Bounds{First: d.Number(), Next: d.Number(), Newest: d.Signed(), ClosedAt: d.Signed()}
}

// page appends the records to out; they alias the message.
func (d *decoder) page(out []Record) Page {
	p := Page{Next: d.Number(), Bounds: d.bounds()}
	var before Record
	for n := d.Count(5, maxRecords); n > 0 && !d.Bad(); n-- {
		seq, time := before.Seq+d.Number(), before.Time+d.Signed()
		r := d.record()
		r.Seq, r.Time = seq, time
		out = append(out, r)
		before = r
	}
	p.Records = out
	return p
}
