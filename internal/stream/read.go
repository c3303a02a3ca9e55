package stream

import (
	"context"

	"github.com/spillway/spillway/internal/stream/core"
)

// Page is what a Read returns.
type Page struct {
	// Records are the records, in order. Their data and headers are shared, and must
	// not be changed.
	Records []Record
	// Next is where to go on: after the last record, or where there is none.
	Next uint64
	// Bounds are those of the shard when it was read. The reader is at the tip when
	// Next is not below Bounds.Next; if the shard is closed, too, it has all.
	Bounds Bounds
}

// Tip tells whether there was nothing more to read.
func (p *Page) Tip() bool { return p.Next >= p.Bounds.Next }

// Read reads records in order, from the first one at or after a sequence that has not
// expired: at most so many records and bytes (Record.Size), but always one if there is
// any. They are appended to out. It does not wait: an empty page is no error.
func (s *Shard) Read(ctx context.Context, from uint64, records, bytes int, out []Record) (Page, error) {
	p, err := s.readHere(from, records, bytes, out)
	if s.elsewhere(err) {
		return s.readElsewhere(ctx, from, records, bytes, out)
	}
	return p, err
}

func (s *Shard) readHere(from uint64, records, bytes int, out []Record) (Page, error) {
	g, err := s.glance()
	if err != nil {
		return Page{Records: out}, err
	}
	p := Page{Records: out, Bounds: g.bounds()}
	if p.Next = max(from, p.Bounds.First); p.Tip() {
		return p, nil
	}
	r := reading{s: s, g: g, from: p.Next, out: out, Budget: core.Budget{
		Records: min(max(records, 1), maxRecords), Bytes: min(max(bytes, 1), MaxRead),
	}}
	if err := r.run(); err != nil {
		return Page{Records: out}, err
	}
	p.Records, p.Next = r.out, r.from
	return p, s.still(g.epoch)
}

// reading is a read under way.
type reading struct {
	s    *Shard
	g    glance
	from uint64
	core.Budget
	expired bool // what is at from may be, so that it has to be searched
	out     []Record
	chunks  []cached
	block   []byte // where copies of what is stored go
}

func (r *reading) run() (err error) {
	for r.from < r.g.Next && !r.Spent {
		if r.expired {
			// Times never decrease: this is needed once.
			if r.from, _, err = core.Search(r.s.source(), r.from, r.g.Next, r.g.cutoff); err != nil {
				return err
			}
			r.expired = false
			continue
		}
		var to uint64
		r.chunks, to = r.s.cachedFrom(r.from, r.g.Next, r.Records, r.Bytes, r.chunks[:0])
		if len(r.chunks) > 0 {
			if err := r.cached(); err != nil {
				return err
			}
			continue
		}
		if err := r.stored(to); err != nil {
			return err
		}
	}
	return nil
}

// cached takes chunks from memory.
func (r *reading) cached() error {
	for i := range r.chunks {
		if r.Spent || r.expired {
			break
		}
		if err := r.chunk(r.chunks[i].last, r.chunks[i].value, false); err != nil {
			return err
		}
	}
	return nil
}

// stored takes chunks from the store, below a sequence.
func (r *reading) stored(to uint64) error {
	id, shard := r.s.m.p.ID(), r.s.id
	var failed error
	err := r.s.m.engine.store.Scan(recordKey(id, shard, r.from), recordKey(id, shard, to), func(key, value []byte) bool {
		failed = r.chunk(last(key), value, true)
		return failed == nil && !r.Spent && !r.expired
	})
	if failed != nil {
		return failed
	}
	if err == nil && !r.Spent && !r.expired {
		r.from = max(r.from, to) // there is no more before it
	}
	return err
}

// chunk takes what is wanted of a chunk. Value is valid during the call only, if it is
// borrowed.
func (r *reading) chunk(at uint64, value []byte, borrowed bool) error {
	p, err := core.ParseChunk(at, value)
	if err != nil {
		return err
	}
	if p.Time < r.g.cutoff {
		r.expired, r.from = true, p.Last()+1
		return nil
	}
	part, err := p.Cut(r.from, &r.Budget)
	if err != nil || part.Count == 0 {
		return err
	}
	if borrowed {
		part, r.block = part.Clone(r.block)
	}
	r.out = part.Append(r.out)
	r.from = part.Last() + 1
	return nil
}

func (s *Shard) source() source {
	return source{s.m.engine.store, s.m.p.ID(), s.id}
}

// Seek returns the first record at or after a time (unix ms) that has not expired, or,
// if there is none, the sequence of the next one to come.
func (s *Shard) Seek(ctx context.Context, time int64) (uint64, error) {
	seq, err := s.seekHere(time)
	if s.elsewhere(err) {
		return s.seekElsewhere(ctx, time)
	}
	return seq, err
}

func (s *Shard) seekHere(time int64) (uint64, error) {
	g, err := s.glance()
	if err != nil {
		return 0, err
	}
	time = max(time, g.cutoff)
	if g.Newest < time {
		return g.Next, nil
	}
	seq, _, err := core.Search(s.source(), g.First, g.Next, time)
	if err != nil {
		return 0, err
	}
	return seq, s.still(g.epoch)
}

// Bounds returns what the shard holds.
func (s *Shard) Bounds(ctx context.Context) (Bounds, error) {
	b, err := s.LocalBounds()
	if s.elsewhere(err) {
		return s.boundsElsewhere(ctx)
	}
	return b, err
}

// LocalBounds is Bounds where the shard is local, and an error elsewhere. It costs
// nothing.
func (s *Shard) LocalBounds() (Bounds, error) {
	g, err := s.glance()
	if err != nil {
		return Bounds{}, err
	}
	return g.bounds(), nil
}
