package stream

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/stream/core"
)

// kinds are the things that messages are made of, each with how it is taken apart and
// put together again.
var kinds = []struct {
	name string
	copy func(d *decoder, e *encoder)
}{
	{"target", func(d *decoder, e *encoder) {
		v := d.target()
		v.Shard = &Shard{id: v.shard}
		e.target(&v.Target)
	}},
	{"outcome", func(d *decoder, e *encoder) { var v Target; d.outcome(&v); e.outcome(&v) }},
	{"closed", func(d *decoder, e *encoder) { e.closed(d.closed()) }},
	{"bounds", func(d *decoder, e *encoder) { v := d.bounds(); e.bounds(&v) }},
	{"page", func(d *decoder, e *encoder) { v := d.page(nil); e.page(&v) }},
	{"error", func(d *decoder, e *encoder) { e.error(d.error()) }},
	{"flag", func(d *decoder, e *encoder) { e.Flag(d.Flag()) }},
}

// samples are well formed things, in the order of kinds.
func samples() [][]byte {
	encode := func(f func(e *encoder)) []byte {
		var e encoder
		f(&e)
		return e.Writer
	}
	records := []Record{{Key: "k", Data: []byte("data"), Seq: 7, Time: 100}, {Header: []byte("h"), Seq: 8, Time: 105}}
	b := Bounds{First: 1, Next: 9, Newest: 105, ClosedAt: 106}
	return [][]byte{
		encode(func(e *encoder) { e.target(&Target{Shard: &Shard{id: 7}, Records: records}) }),
		encode(func(e *encoder) { e.outcome(&Target{Appended: Appended{First: 7, Time: 100}}) }),
		encode(func(e *encoder) { e.closed(Closed{Last: 8, Time: 106}) }),
		encode(func(e *encoder) { e.bounds(&b) }),
		encode(func(e *encoder) { e.page(&Page{Records: records, Next: 9, Bounds: b}) }),
		encode(func(e *encoder) { e.error(ErrClosed) }),
		encode(func(e *encoder) { e.Flag(true) }),
	}
}

// FuzzCodec: what can be taken apart gives the same bytes when put together again, and
// nothing panics.
func FuzzCodec(f *testing.F) {
	for i, s := range samples() {
		f.Add(byte(i), s)
	}
	f.Fuzz(func(t *testing.T, kind byte, in []byte) {
		k := kinds[int(kind)%len(kinds)]
		d := newDecoder(in)
		var out encoder
		k.copy(&d, &out)
		if d.end() == nil && !bytes.Equal(out.Writer, in) {
			t.Fatalf("%s: %x became %x", k.name, in, []byte(out.Writer))
		}
	})
}

// FuzzServe: no request does harm.
func FuzzServe(f *testing.F) {
	e := request(opAppend, 0)
	e.Number(1)
	f.Add([]byte(append(e.Writer, samples()[0]...)))
	for op := opClose; op <= opWait; op++ {
		e := request(op, 7)
		for range []int{opClose: 0, opRead: 3, opSeek: 1, opBounds: 0, opWait: 2}[op] {
			e.Number(1)
		}
		f.Add([]byte(e.Writer))
	}
	engine := open(f, memory, Options{}, func(e *Engine) { e.Declare(7, daySpec) })
	id := engine.Shard(7).m.p.ID()
	f.Fuzz(func(t *testing.T, in []byte) {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond) // waits wait
		defer cancel()
		reply, err := engine.Serve(ctx, id, in)
		if (err == nil) == (len(reply) < 2) || err != nil && !partitionError(err) {
			t.Fatalf("%x: %x %v", in, reply, err)
		}
	})
}

// TestRoundTrip: what the methods of Shard take and return survives the way.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		record := rapid.Custom(func(t *rapid.T) Record {
			return Record{
				Key: rapid.StringN(0, 40, 200).Draw(t, "key"), Data: rapid.SliceOfN(rapid.Byte(), 0, 4096).Draw(t, "data"),
				Header: rapid.SliceOfN(rapid.Byte(), 0, 9).Draw(t, "header"),
			}
		})
		b := Bounds{
			First: rapid.Uint64().Draw(t, "first"), Next: rapid.Uint64().Draw(t, "next"),
			Newest: rapid.Int64().Draw(t, "newest"), ClosedAt: rapid.Int64().Draw(t, "closed"),
		}
		p := Page{Next: rapid.Uint64().Draw(t, "next"), Bounds: b, Records: rapid.SliceOf(record).Draw(t, "records")}
		for i := range p.Records {
			p.Records[i].Seq, p.Records[i].Time = rapid.Uint64().Draw(t, "seq"), rapid.Int64().Draw(t, "time")
		}
		var e encoder
		e.page(&p)
		d := newDecoder(e.Writer)
		before := []Record{{Key: "before"}}
		got := d.page(before)
		if d.end() != nil || got.Next != p.Next || got.Bounds != b || len(got.Records) != 1+len(p.Records) {
			t.Fatalf("%+v became %+v", p, got)
		}
		for i, r := range got.Records[1:] {
			if want := p.Records[i]; r.Seq != want.Seq || r.Time != want.Time || r.Key != want.Key ||
				!bytes.Equal(r.Data, want.Data) || !bytes.Equal(r.Header, want.Header) {
				t.Fatalf("%+v became %+v", want, r)
			}
		}
		c := Closed{Last: b.Next, Time: b.ClosedAt}
		e = encoder{}
		e.closed(c)
		d = newDecoder(e.Writer)
		if got := d.closed(); d.end() != nil || !reflect.DeepEqual(got, c) {
			t.Fatalf("%+v became %+v", c, got)
		}
	})
}

// TestErrorsTravel: every error that a caller may look at is the same after the way.
func TestErrorsTravel(t *testing.T) {
	t.Parallel()
	for _, want := range []error{nil, ErrNoShard, ErrClosed, ErrTooLarge, core.ErrRecord} {
		var e encoder
		e.error(want)
		d := newDecoder(e.Writer)
		if got := d.error(); !errors.Is(got, want) || d.end() != nil {
			t.Errorf("%v became %v", want, got)
		}
	}
	var e encoder
	e.error(errors.New("another"))
	d := newDecoder(e.Writer)
	if d.error(); !errors.Is(d.end(), partition.ErrStopped) {
		t.Error("an unknown error passes for none")
	}
}
