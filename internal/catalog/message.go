package catalog

import (
	"encoding/binary"
	"errors"
)

// Messages between nodes. A request begins with: version 1 | op 1. After that, of an
// update:
//
//	catalog version | number of reads | { kind | key }... |
//	number of changes | { 1: put, 0: delete | kind | key | value of a put }...
//
// of a reservation of ids: how many; of the question whether a change has arrived: the
// catalog version. A barrier has no more. An answer:
//
//	version 1 | 1: made, 0: not | catalog version | first id
//
// Numbers are uvarints, texts have their length before them.
const messageVersion = 1

const (
	opUpdate  byte = 1
	opBarrier byte = 2
	opReserve byte = 3
	opReach   byte = 4 // for any node
)

// maxReserved bounds a reservation of ids.
const maxReserved = 1 << 16

var errMessage = errors.New("catalog: malformed message")

type request struct {
	op      byte
	at      uint64 // the version that an update saw, or that has to arrive
	reads   []recordID
	changes []change
	ids     uint64 // how many to reserve
}

func (r *request) encode() []byte {
	b := []byte{messageVersion, r.op}
	switch r.op {
	case opReserve:
		return binary.AppendUvarint(b, r.ids)
	case opReach:
		return binary.AppendUvarint(b, r.at)
	case opBarrier:
		return b
	}
	b = binary.AppendUvarint(b, r.at)
	b = binary.AppendUvarint(b, uint64(len(r.reads)))
	for _, id := range r.reads {
		b = appendText(appendText(b, id.kind), id.key)
	}
	b = binary.AppendUvarint(b, uint64(len(r.changes)))
	for _, ch := range r.changes {
		b = append(b, flag(ch.value != nil))
		b = appendText(appendText(b, ch.kind), ch.key)
		if ch.value != nil {
			b = appendText(b, ch.value)
		}
	}
	return b
}

func parseRequest(b []byte) (*request, error) {
	d := reader{b: b}
	if d.byte() != messageVersion {
		return nil, errMessage
	}
	r := &request{op: d.byte()}
	switch r.op {
	case opUpdate:
		d.update(r)
	case opReserve:
		r.ids = d.number()
		d.bad = d.bad || r.ids == 0 || r.ids > maxReserved
	case opReach:
		r.at = d.number()
	case opBarrier:
	default:
		d.bad = true
	}
	if d.bad || len(d.b) > 0 {
		return nil, errMessage
	}
	return r, nil
}

func (d *reader) update(r *request) {
	r.at = d.number()
	for n := d.count(2); n > 0 && !d.bad; n-- {
		r.reads = append(r.reads, d.record())
	}
	for n := d.count(3); n > 0 && !d.bad; n-- {
		put := d.flag()
		id := d.record()
		ch := change{kind: id.kind, key: id.key}
		if put {
			ch.value = append([]byte{}, d.text()...)
		}
		r.changes = append(r.changes, ch)
	}
}

// answer is the owner's, to any request.
type answer struct {
	made    bool
	version uint64 // what to wait for, made or not
	firstID uint64 // of a reservation
}

func (a *answer) encode() []byte {
	b := []byte{messageVersion, flag(a.made)}
	return binary.AppendUvarint(binary.AppendUvarint(b, a.version), a.firstID)
}

func parseAnswer(b []byte) (answer, error) {
	d := reader{b: b}
	known := d.byte() == messageVersion
	a := answer{made: d.flag(), version: d.number(), firstID: d.number()}
	if !known || d.bad || len(d.b) > 0 {
		return answer{}, errMessage
	}
	return a, nil
}

func flag(set bool) byte {
	if set {
		return 1
	}
	return 0
}

func appendText[T string | []byte](b []byte, s T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// reader takes a message apart. After the first mistake it returns zeros.
type reader struct {
	b   []byte
	bad bool
}

func (d *reader) byte() byte {
	if len(d.b) == 0 {
		d.bad = true
		return 0
	}
	v := d.b[0]
	d.b = d.b[1:]
	return v
}

func (d *reader) number() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.bad, d.b = true, nil
		return 0
	}
	d.b = d.b[n:]
	return v
}

// count is a number of things that take at least size bytes each.
func (d *reader) count(size int) int {
	n := d.number()
	if n > uint64(len(d.b)/size) {
		d.bad, d.b = true, nil
		return 0
	}
	return int(n)
}

// text is part of the message, not a copy.
func (d *reader) text() []byte {
	n := d.count(1)
	s := d.b[:n]
	d.b = d.b[n:]
	return s
}

func (d *reader) flag() bool {
	v := d.byte()
	d.bad = d.bad || v > 1
	return v == 1
}

// record is a kind and a key as Put allows them.
func (d *reader) record() recordID {
	id := recordID{string(d.text()), string(d.text())}
	d.bad = d.bad || !validKey(id.kind, id.key)
	return id
}
