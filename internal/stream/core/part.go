package core

import "encoding/binary"

// Part is consecutive records of a stored chunk.
type Part struct {
	First uint64 // sequence of the first
	Count int
	Time  int64 // of each, unix ms
	body  []byte
}

// ParseChunk reads what is stored at the sequence of its last record. The part
// aliases value. The records themselves are looked at by Cut.
func ParseChunk(last uint64, value []byte) (Part, error) {
	if len(value) < chunkHeader || value[0] != chunkVersion {
		return Part{}, ErrRecord
	}
	count := binary.BigEndian.Uint32(value[9:])
	// A record has at least three bytes, of lengths.
	if count == 0 || uint64(count) > last || int(count) > (len(value)-chunkHeader)/3 {
		return Part{}, ErrRecord
	}
	return Part{
		First: last - uint64(count) + 1, Count: int(count), Time: int64(binary.BigEndian.Uint64(value[1:])),
		body: value[chunkHeader:],
	}, nil
}

// Last is the sequence of the last record.
func (p *Part) Last() uint64 { return p.First + uint64(p.Count) - 1 }

// Budget bounds what a read returns: so many records, and so many bytes as their
// Size counts them, but one record whatever its size.
type Budget struct {
	Records, Bytes int
	// Spent is set when the next record did not fit.
	Spent bool
	begun bool
}

// take tells whether a record of so many bytes fits.
func (b *Budget) take(size int) bool {
	if b.Spent || b.Records <= 0 || b.begun && size > b.Bytes {
		b.Spent = true
		return false
	}
	b.begun = true
	b.Records--
	b.Bytes -= size
	if b.Records == 0 || b.Bytes <= 0 {
		b.Spent = true
	}
	return true
}

// Cut returns the records from a sequence on that the budget has room for, possibly
// none. It fails if one of those, or one before them, is malformed.
func (p *Part) Cut(from uint64, b *Budget) (Part, error) {
	r := reader{b: p.body}
	out := Part{First: p.First, Time: p.Time}
	for ; out.First < from && out.First <= p.Last(); out.First++ {
		r.record()
	}
	start := len(p.body) - len(r.b)
	end := start
	for out.First+uint64(out.Count) <= p.Last() && !r.bad {
		key, _, data := r.record()
		if r.bad || !b.take(len(key)+len(data)) {
			break
		}
		out.Count++
		end = len(p.body) - len(r.b)
	}
	if r.bad || out.Count > 0 && out.Last() == p.Last() && len(r.b) > 0 {
		return Part{}, ErrRecord
	}
	out.body = p.body[start:end]
	return out, nil
}

// Clone returns the part with bytes of its own, which it takes from what a block has
// left, or from a new one; each is twice as large as the one before. It returns the block
// for the next call.
func (p *Part) Clone(block []byte) (Part, []byte) {
	n := len(p.body)
	if n > cap(block)-len(block) {
		block = make([]byte, 0, max(n, min(2*cap(block), chunkBytes)))
	}
	start := len(block)
	block = append(block, p.body...)
	out := *p
	out.body = block[start:len(block):len(block)]
	return out, block
}

// Append appends the records of a part that Cut returned. Data and Header alias it.
func (p *Part) Append(out []Record) []Record {
	r := reader{b: p.body}
	for i := range p.Count {
		key, header, data := r.record()
		out = append(out, Record{
			Key: string(key), Data: data, Header: header, Seq: p.First + uint64(i), Time: p.Time,
		})
	}
	return out
}

// reader takes a body apart; the first mistake makes it bad for good.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) record() (key, header, data []byte) { return r.bytes(), r.bytes(), r.bytes() }

func (r *reader) number() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) bytes() []byte {
	n := r.number()
	if n > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return nil
	}
	v := r.b[:n:n]
	r.b = r.b[n:]
	return v
}
