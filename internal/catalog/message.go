package catalog

import "encoding/binary"

// Messages between nodes. A request:
//
//	version 1 | op 1 | catalog version | last id | flags 1 (1: ids were taken) | new last id |
//	number of reads | { kind | key }... | number of changes | { flags 1 (1: put) | kind | key | value }...
//
// Numbers are uvarints, texts have their length before them. A reply: version 1 |
// 1 if made | catalog version.
const (
	messageVersion = 1

	opUpdate  byte = 1
	opBarrier byte = 2
)

type request struct {
	op      byte
	at      counters // what the update saw
	ids     bool
	lastID  uint64
	reads   []recordID
	changes []change
}

func (r *request) encode() []byte {
	b := []byte{messageVersion, r.op}
	b = binary.AppendUvarint(b, r.at.version)
	b = binary.AppendUvarint(b, r.at.lastID)
	b = append(b, flag(r.ids))
	b = binary.AppendUvarint(b, r.lastID)
	b = binary.AppendUvarint(b, uint64(len(r.reads)))
	for _, id := range r.reads {
		b = appendText(appendText(b, id.kind), id.key)
	}
	b = binary.AppendUvarint(b, uint64(len(r.changes)))
	for _, ch := range r.changes {
		b = append(b, flag(ch.value != nil))
		b = appendText(appendText(b, ch.kind), ch.key)
		if ch.value != nil {
			b = appendText(b, string(ch.value))
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
	r.at.version, r.at.lastID = d.number(), d.number()
	r.ids = d.byte() == 1
	r.lastID = d.number()
	for n := d.count(2); n > 0; n-- {
		r.reads = append(r.reads, recordID{d.text(), d.text()})
	}
	for n := d.count(3); n > 0; n-- {
		put := d.byte() == 1
		ch := change{kind: d.text(), key: d.text()}
		if put {
			ch.value = append([]byte{}, d.text()...)
		}
		if ch.kind == "" || len(ch.kind) > maxKind || len(ch.key) > maxKey {
			return nil, errMessage
		}
		r.changes = append(r.changes, ch)
	}
	if d.bad || len(d.b) > 0 || r.op != opUpdate && r.op != opBarrier {
		return nil, errMessage
	}
	return r, nil
}

func appendReply(b []byte, made bool, version uint64) []byte {
	return binary.AppendUvarint(append(b, messageVersion, flag(made)), version)
}

func parseReply(b []byte) (made bool, version uint64, err error) {
	d := reader{b: b}
	known := d.byte() == messageVersion
	made, version = d.byte() == 1, d.number()
	if !known || d.bad || len(d.b) > 0 {
		return false, 0, errMessage
	}
	return made, version, nil
}

func flag(set bool) byte {
	if set {
		return 1
	}
	return 0
}

func appendText(b []byte, s string) []byte {
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

func (d *reader) text() string {
	n := d.count(1)
	s := string(d.b[:n])
	d.b = d.b[n:]
	return s
}
