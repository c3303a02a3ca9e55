package core

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// disk is a journal and a source in memory.
type disk struct {
	chunks map[uint64][]byte
	state  []byte
}

func (d *disk) PutChunk(last uint64, c Chunk) { d.chunks[last] = bytes.Clone(c.Value) }
func (d *disk) PutState(s *State)             { d.state = s.AppendState(nil) }

func (d *disk) DropChunks(from, to uint64) {
	maps.DeleteFunc(d.chunks, func(last uint64, _ []byte) bool { return last >= from && last < to })
}

func (d *disk) Chunk(from, below uint64) (Part, bool, error) {
	for _, last := range slices.Sorted(maps.Keys(d.chunks)) {
		if last >= from && last < below {
			p, err := ParseChunk(last, d.chunks[last])
			return p, err == nil, err
		}
	}
	return Part{}, false, nil
}

// world is a shard, what it stored, and a naive model of it.
type world struct {
	*rapid.T
	disk      disk
	shard     Shard
	now       int64
	retention int64

	all    []Record // that were ever appended
	closed bool
	gone   int // records, from the first, that do not come back
}

func (w *world) tx() *Tx { return &Tx{Now: w.now, Journal: &w.disk} }

func (w *world) append() {
	in := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Record {
		r := Record{Key: rapid.StringN(0, 20, 40).Draw(t, "key")}
		r.Data = make([]byte, rapid.SampledFrom([]int{0, 1, 100, 127, 128, 20_000, 70_000}).Draw(t, "data"))
		for i := range r.Data {
			r.Data[i] = byte(len(r.Key) + i)
		}
		r.Header = make([]byte, rapid.IntRange(0, 3).Draw(t, "header"))
		return r
	}), 1, 8).Draw(w.T, "records")
	// Several appends may share a batch.
	n := rapid.IntRange(0, len(in)-1).Draw(w.T, "before")
	first, time, err := w.shard.Append(w.tx(), Pack(in[n:], nil))
	if n > 0 && err == nil {
		_, time, err = w.shard.Append(w.tx(), Pack(in[:n], nil))
		in = append(in[n:len(in):len(in)], in[:n]...)
	}
	if w.closed {
		if !errors.Is(err, ErrClosed) {
			w.Fatalf("append to a closed shard: %v", err)
		}
		return
	}
	if err != nil || first != uint64(len(w.all)+1) || len(w.all) > 0 && time < w.all[len(w.all)-1].Time {
		w.Fatalf("appended at %d, time %d: %v", first, time, err)
	}
	for i, r := range in {
		r.Seq, r.Time = first+uint64(i), time
		w.all = append(w.all, r)
	}
}

// hide makes what has expired stay away.
func (w *world) hide() {
	for w.gone < len(w.all) && w.all[w.gone].Time < w.now-w.retention {
		w.gone++
	}
}

func (w *world) seen(r Record) bool { return r.Seq > uint64(w.gone) && r.Time >= w.now-w.retention }

// visible is the naive answer.
func (w *world) visible(from uint64) []Record {
	i := slices.IndexFunc(w.all, func(r Record) bool { return r.Seq >= from && w.seen(r) })
	if i < 0 {
		return nil
	}
	return w.all[i:]
}

// read is what the shell does, without its cache.
func (w *world) read() {
	from := uint64(rapid.IntRange(0, len(w.all)+3).Draw(w.T, "from"))
	b := Budget{Records: rapid.IntRange(1, 20).Draw(w.T, "most"), Bytes: rapid.SampledFrom([]int{1, 300, 50_000, 1 << 20}).Draw(w.T, "bytes")}
	cutoff := w.shard.Cutoff(w.now, w.retention)
	want := w.visible(from)
	got, at := []Record(nil), max(from, w.shard.First)
	limits := b
	var block []byte
	for at < w.shard.Next && !b.Spent {
		p, ok, err := w.disk.Chunk(at, w.shard.Next)
		if err != nil {
			w.Fatal(err)
		}
		if !ok {
			break
		}
		if p.Time < cutoff {
			if at, _, err = Search(&w.disk, at, w.shard.Next, cutoff); err != nil {
				w.Fatal(err)
			}
			continue
		}
		part, err := p.Cut(at, &b)
		if err != nil {
			w.Fatal(err)
		}
		part, block = part.Clone(block)
		got = part.Append(got)
		at = p.Last() + 1
	}
	size := 0
	for i, r := range got {
		if i >= len(want) || !same(r, want[i]) {
			w.Fatalf("from %d: record %d is %d at %d", from, i, r.Seq, r.Time)
		}
		size += r.Size()
	}
	switch {
	case len(got) == 0 && len(want) > 0:
		w.Fatalf("from %d: nothing, want %d", from, want[0].Seq)
	case len(got) > limits.Records || len(got) > 1 && size > limits.Bytes:
		w.Fatalf("%d records of %d bytes, more than %+v", len(got), size, limits)
	case len(got) < len(want) && len(got) < limits.Records && size < limits.Bytes && size+want[len(got)].Size() <= limits.Bytes:
		w.Fatalf("%d records of %d bytes: there was room for more", len(got), size)
	}
}

func same(a, b Record) bool {
	return a.Seq == b.Seq && a.Time == b.Time && a.Key == b.Key && bytes.Equal(a.Data, b.Data) && bytes.Equal(a.Header, b.Header)
}

func (w *world) seek() {
	time := rapid.Int64Range(0, w.now+10).Draw(w.T, "time")
	want := uint64(len(w.all) + 1)
	for _, r := range w.all {
		if r.Time >= time && w.seen(r) {
			want = r.Seq
			break
		}
	}
	got, at, err := Search(&w.disk, w.shard.First, w.shard.Next, max(time, w.shard.Cutoff(w.now, w.retention)))
	if err != nil || got != want || (at != 0) != (want <= uint64(len(w.all))) {
		w.Fatalf("the first record from %d on is %d (%d, %v), want %d", time, got, at, err, want)
	}
}

// trim trims what had expired some time ago.
func (w *world) trim() {
	cutoff := w.shard.Cutoff(w.now, w.retention)
	below := uint64(rapid.IntRange(int(w.shard.First), int(w.shard.Next)).Draw(w.T, "committed"))
	to, at, err := Search(&w.disk, w.shard.First, below, cutoff)
	if err != nil {
		w.Fatal(err)
	}
	w.shard.Trim(w.tx(), to, at, cutoff)
	if w.shard.Horizon >= cutoff {
		w.hide()
	}
}

func (w *world) check() {
	if w.shard.Record(w.tx()); w.disk.state != nil {
		s, err := ParseState(w.disk.state)
		if err != nil || s != w.shard.State {
			w.Fatalf("stored %+v (%v), is %+v", s, err, w.shard.State)
		}
	}
	s := &w.shard
	if s.Next != uint64(len(w.all)+1) || s.ClosedAt != 0 != w.closed {
		w.Fatalf("%+v after %d records", s.State, len(w.all))
	}
	if due := s.Due(w.retention); (due == 0) != (s.First == s.Next) {
		w.Fatalf("%+v is due at %d", s.State, due)
	} else if due != 0 && due > w.all[s.First-1].Time+w.retention+1 {
		w.Fatalf("%+v is due at %d: the oldest record is of %d", s.State, due, w.all[s.First-1].Time)
	}
	next := s.First
	for _, last := range slices.Sorted(maps.Keys(w.disk.chunks)) {
		p, err := ParseChunk(last, w.disk.chunks[last])
		if err != nil || p.First != next {
			w.Fatalf("a chunk begins with %d, want %d (%v)", p.First, next, err)
		}
		next = last + 1
	}
	if next != s.Next {
		w.Fatalf("the chunks end before %d, want %d", next, s.Next)
	}
}

// TestModel drives a shard and the model through random operations and restarts.
func TestModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := &world{T: t, now: 1000, retention: 100, shard: Shard{State: NewState()}, disk: disk{chunks: map[uint64][]byte{}}}
		t.Repeat(map[string]func(*rapid.T){
			"":       func(*rapid.T) { w.check() },
			"append": func(*rapid.T) { w.append() },
			"read":   func(*rapid.T) { w.read() },
			"seek":   func(*rapid.T) { w.seek() },
			"trim":   func(*rapid.T) { w.trim() },
			"time":   func(t *rapid.T) { w.now += rapid.Int64Range(0, 60).Draw(t, "passes") },
			"retention": func(t *rapid.T) {
				was := w.retention
				changed := rapid.Int64Range(0, 200).Draw(t, "retention")
				w.retention = min(was, changed)
				w.shard.Hide(w.now - w.retention)
				w.hide()
				w.retention = changed
			},
			"close": func(t *rapid.T) {
				if rapid.IntRange(0, 20).Draw(t, "really") == 0 {
					w.shard.Close(w.tx())
					w.closed = true
				}
			},
			"restart": func(t *rapid.T) {
				state := NewState()
				if w.disk.state != nil {
					var err error
					if state, err = ParseState(w.disk.state); err != nil {
						t.Fatal(err)
					}
				}
				w.shard = Shard{State: state}
				w.now -= rapid.Int64Range(0, 30).Draw(t, "the clock went back by")
			},
		})
	})
}

func TestFirstTimeIsABound(t *testing.T) {
	t.Parallel()
	d := disk{chunks: map[uint64][]byte{}}
	s := Shard{State: NewState()}
	put := func(now int64) {
		tx := &Tx{Now: now, Journal: &d}
		if _, _, err := s.Append(tx, Pack([]Record{{Key: "k"}}, nil)); err != nil {
			t.Fatal(err)
		}
		s.Record(tx)
	}
	put(100)
	put(200)
	put(300)
	s.Trim(&Tx{Now: 350, Journal: &d}, 3, 0, 250) // when searched, 3 was not there
	if s.First != 3 || s.FirstTime != 100 || len(d.chunks) != 1 {
		t.Errorf("%+v", s.State)
	}
	s.Trim(&Tx{Now: 350, Journal: &d}, 3, 300, 260)
	if s.First != 3 || s.FirstTime != 300 {
		t.Errorf("%+v", s.State)
	}
	s.Trim(&Tx{Now: 500, Journal: &d}, 4, 0, 400)
	if s.First != 4 || s.FirstTime != 0 || len(d.chunks) != 0 || s.Due(10) != 0 {
		t.Errorf("%+v", s.State)
	}
}

func TestPackCutsChunks(t *testing.T) {
	t.Parallel()
	sizes := []int{10, chunkBytes, 10, chunkBytes - 13 - 7, 1, 5 * chunkBytes}
	var in []Record
	for _, n := range sizes {
		in = append(in, Record{Data: make([]byte, n)})
	}
	total := 0
	for _, c := range Pack(in, nil) {
		if len(c.Value) > chunkBytes && c.Count > 1 || len(c.Value) != cap(c.Value) {
			t.Errorf("a chunk of %d records and %d bytes (%d)", c.Count, len(c.Value), cap(c.Value))
		}
		total += c.Count
	}
	if total != len(sizes) {
		t.Errorf("%d records in chunks", total)
	}
}

// TestSearchOverAHole: what is trimmed during a search is not found.
func TestSearchOverAHole(t *testing.T) {
	t.Parallel()
	d := disk{chunks: map[uint64][]byte{}}
	s := Shard{State: NewState()}
	for i := range int64(100) {
		tx := &Tx{Now: 1000 + i, Journal: &d}
		if _, _, err := s.Append(tx, Pack([]Record{{Key: "k"}, {Key: "l"}}, nil)); err != nil {
			t.Fatal(err)
		}
		s.Record(tx)
	}
	d.DropChunks(1, 77)
	for from := range uint64(80) {
		want := max(77, from)
		if seq, at, err := Search(&d, from, s.Next, 1000); err != nil || seq != want || at != 1000+int64(want-1)/2 {
			t.Errorf("from %d: %d of %d (%v)", from, seq, at, err)
		}
	}
}

func TestAppendsOfABatchShareChunks(t *testing.T) {
	t.Parallel()
	d := disk{chunks: map[uint64][]byte{}}
	s := Shard{State: NewState()}
	tx := &Tx{Now: 100, Journal: &d}
	put := func(n, size int) {
		for range n {
			if _, _, err := s.Append(tx, Pack([]Record{{Data: make([]byte, size)}}, nil)); err != nil {
				t.Fatal(err)
			}
		}
	}
	put(50, 100)          // one
	put(1, 2*chunkBytes)  // one of its own
	put(10, chunkBytes/4) // three in each
	s.Record(tx)
	got := slices.Sorted(maps.Keys(d.chunks))
	if want := []uint64{50, 51, 54, 57, 60, 61}; !slices.Equal(got, want) {
		t.Errorf("chunks up to %d, want %d", got, want)
	}
	put(1, 1)
	s.Record(tx)
	if len(d.chunks) != 7 {
		t.Errorf("%d chunks: the next batch has its own", len(d.chunks))
	}
}

// FuzzChunk: no stored bytes do harm, and what can be read is what was written.
func FuzzChunk(f *testing.F) {
	for _, c := range Pack([]Record{{Key: "k", Data: []byte("data")}, {Header: []byte("h")}, {}}, nil) {
		f.Add(uint64(7), uint64(6), c.Value)
	}
	f.Fuzz(func(t *testing.T, last, from uint64, value []byte) {
		p, err := ParseChunk(last, value)
		if err != nil {
			return
		}
		part, err := p.Cut(max(from, p.First), &Budget{Records: 1 << 20, Bytes: 1 << 30})
		if err != nil || part.Count == 0 {
			return
		}
		records := part.Append(nil)
		if part.Last() != p.Last() || len(records) != part.Count {
			t.Fatalf("%d of %+v", len(records), part)
		}
		var again []Record
		for _, c := range Pack(records, nil) {
			at := records[len(again)].Seq + uint64(c.Count) - 1
			q, err := ParseChunk(at, c.Value)
			if err != nil {
				t.Fatal(err)
			}
			if q, err = q.Cut(q.First, &Budget{Records: 1 << 20, Bytes: 1 << 30}); err != nil {
				t.Fatal(err)
			}
			again = q.Append(again)
		}
		for i, r := range records {
			if r.Time = 0; !same(r, again[i]) {
				t.Fatalf("%+v became %+v", r, again[i])
			}
		}
	})
}

// FuzzState: what can be read is written the same way.
func FuzzState(f *testing.F) {
	f.Add((&State{First: 3, Next: 300, FirstTime: 5, Newest: 7, Horizon: 4, ClosedAt: 9}).AppendState(nil))
	f.Fuzz(func(t *testing.T, in []byte) {
		s, err := ParseState(in)
		if err != nil {
			return
		}
		if again, err := ParseState(s.AppendState(nil)); err != nil || again != s {
			t.Fatalf("%+v became %+v (%v)", s, again, err)
		}
	})
}
