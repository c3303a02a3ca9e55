package catalog

import (
	"errors"
	"math"

	"github.com/spillway/spillway/internal/partition/message"
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
// Numbers and texts are as package message writes them.
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
	w := message.Writer{messageVersion, r.op}
	switch r.op {
	case opReserve:
		w.Number(r.ids)
	case opReach:
		w.Number(r.at)
	case opUpdate:
		w.Number(r.at)
		w.Number(uint64(len(r.reads)))
		for _, id := range r.reads {
			w.Text(id.kind)
			w.Text(id.key)
		}
		w.Number(uint64(len(r.changes)))
		for _, ch := range r.changes {
			w.Flag(ch.value != nil)
			w.Text(ch.kind)
			w.Text(ch.key)
			if ch.value != nil {
				w.Bytes(ch.value)
			}
		}
	}
	return w
}

func parseRequest(b []byte) (*request, error) {
	d := reader{message.NewReader(b)}
	if d.Byte() != messageVersion {
		return nil, errMessage
	}
	r := &request{op: d.Byte()}
	switch r.op {
	case opUpdate:
		d.update(r)
	case opReserve:
		if r.ids = d.UpTo(maxReserved); r.ids == 0 {
			d.Fail()
		}
	case opReach:
		r.at = d.Number()
	case opBarrier:
	default:
		d.Fail()
	}
	if !d.Whole() {
		return nil, errMessage
	}
	return r, nil
}

// reader takes a message apart.
type reader struct{ message.Reader }

func (d *reader) update(r *request) {
	r.at = d.Number()
	r.reads = message.Several(d, 2, math.MaxInt32, (*reader).record)
	r.changes = message.Several(d, 3, math.MaxInt32, (*reader).change)
}

// record is a kind and a key as Put allows them.
func (d *reader) record() recordID {
	id := recordID{string(d.Bytes()), string(d.Bytes())}
	if !validKey(id.kind, id.key) {
		d.Fail()
	}
	return id
}

func (d *reader) change() change {
	put, id := d.Flag(), d.record()
	ch := change{kind: id.kind, key: id.key}
	if put {
		ch.value = append([]byte{}, d.Bytes()...)
	}
	return ch
}

// answer is the owner's, to any request.
type answer struct {
	made    bool
	version uint64 // what to wait for, made or not
	firstID uint64 // of a reservation
}

func (a *answer) encode() []byte {
	w := message.Writer{messageVersion}
	w.Flag(a.made)
	w.Number(a.version)
	w.Number(a.firstID)
	return w
}

func parseAnswer(b []byte) (answer, error) {
	d := message.NewReader(b)
	known := d.Byte() == messageVersion
	a := answer{made: d.Flag(), version: d.Number(), firstID: d.Number()}
	if !known || !d.Whole() {
		return answer{}, errMessage
	}
	return a, nil
}
