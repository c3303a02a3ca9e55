package queue

import (
	"bytes"
	"context"
	"errors"
	"math"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/queue/core"
)

// kinds are the things that messages are made of, each with how it is taken apart and
// put together again.
var kinds = []struct {
	name string
	copy func(d *decoder, e *encoder)
}{
	{"enqueue", func(d *decoder, e *encoder) { v := d.enqueue(); e.enqueue(&v) }},
	{"enqueued", func(d *decoder, e *encoder) { v := d.enqueued(); e.enqueued(&v) }},
	{"settlement", func(d *decoder, e *encoder) { v := d.settlement(); e.settlement(&v) }},
	{"lease", func(d *decoder, e *encoder) { v, token := d.lease(); e.lease(&v, token) }},
	{"delivery", func(d *decoder, e *encoder) { v := d.delivery(); e.delivery(&v) }},
	{"peek", func(d *decoder, e *encoder) { v := d.peek(); e.peek(&v) }},
	{"counters", func(d *decoder, e *encoder) { v := d.counters(); e.counters(&v) }},
	{"error", func(d *decoder, e *encoder) { e.error(d.error()) }},
	{"ticket", func(d *decoder, e *encoder) { e.ticket(d.ticket()) }},
}

// samples are well formed things, in the order of kinds.
func samples() [][]byte {
	m := Message{ID: NewID(), SentAt: 1, Group: "g", Dedup: "d", Header: []byte("h"), Body: []byte("body"), Prior: 3, FirstAcquired: 4, Origin: 5}
	encode := func(f func(e *encoder)) []byte {
		var e encoder
		f(&e)
		return e.Writer
	}
	return [][]byte{
		encode(func(e *encoder) {
			e.enqueue(&Enqueue{Message: m, Delay: -1, HasDedup: true, DedupKey: DedupKey{1}, From: core.TransferID{Source: 1, Seq: 2}})
		}),
		encode(func(e *encoder) { e.enqueued(&Enqueued{Seq: 9, ID: m.ID, Duplicate: true}) }),
		encode(func(e *encoder) { e.settlement(&Settlement{Seq: 1, Generation: 2, Extend: true, Time: 3}) }),
		encode(func(e *encoder) { e.lease(&LeaseRequest{Max: 10, Time: -1, Wait: time.Second, Attempt: "a"}, 77) }),
		encode(func(e *encoder) {
			e.delivery(&Delivery{Message: m, Seq: 1, Generation: 2, Acquired: 3, FirstAcquired: 4})
		}),
		encode(func(e *encoder) { e.peek(&Peek{Message: m, Seq: 1, Acquired: 3, Hidden: true}) }),
		encode(func(e *encoder) { e.counters(&Counters{Visible: 1, InFlight: 2, Delayed: 3, Oldest: -4}) }),
		encode(func(e *encoder) { e.error(ErrGone) }),
		encode(func(e *encoder) { e.ticket(ticket{1, 2, 3}) }),
	}
}

// FuzzCodec: what can be taken apart gives the same bytes when put together again,
// the records of messages aside, which are package core's; and nothing panics.
func FuzzCodec(f *testing.F) {
	for i, s := range samples() {
		f.Add(byte(i), s)
	}
	f.Fuzz(func(t *testing.T, kind byte, in []byte) {
		k := kinds[int(kind)%len(kinds)]
		d := newDecoder(in)
		var out encoder
		k.copy(&d, &out)
		if d.end() != nil {
			return
		}
		if k.name != "enqueue" && k.name != "delivery" && k.name != "peek" && !bytes.Equal(out.Writer, in) {
			t.Fatalf("%s: %x became %x", k.name, in, []byte(out.Writer))
		}
		again := newDecoder(out.Writer)
		var third encoder
		k.copy(&again, &third)
		if again.end() != nil || !bytes.Equal(third.Writer, out.Writer) {
			t.Fatalf("%s: %x became %x", k.name, []byte(out.Writer), []byte(third.Writer))
		}
	})
}

// FuzzEngineServe: no request does harm.
func FuzzEngineServe(f *testing.F) {
	items := samples()
	for op, item := range map[byte][]byte{opEnqueue: items[0], opLease: items[3], opSettle: items[2], opArrive: items[8]} {
		e := request(op, 7)
		if op != opLease && op != opArrive {
			e.Number(1)
		}
		f.Add([]byte(append(e.Writer, item...)))
	}
	for _, op := range []byte{opPurge, opCounters, opLeave, opBrowse, opMove, opForget, opResolve} {
		e := request(op, 7)
		for range op % 4 {
			e.Number(1)
		}
		f.Add([]byte(e.Writer))
	}
	engine := open(f, memory, func(e *Engine) { e.Declare(7, standardSpec) })
	id := engine.Queue(7).m.p.ID()
	f.Fuzz(func(t *testing.T, in []byte) {
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond) // polls wait
		defer cancel()
		reply, err := engine.Serve(ctx, id, in)
		if (err == nil) == (len(reply) < 2) || err != nil && !partitionError(err) {
			t.Fatalf("%x: %x %v", in, reply, err)
		}
	})
}

// TestRoundTrip: what the methods of Queue take and return survives the way.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(0, 40, 200)
		number := rapid.Uint64()
		short := rapid.Uint32()
		m := Message{
			SentAt: rapid.Int64().Draw(t, "sent"), Group: text.Draw(t, "group"), Dedup: text.Draw(t, "dedup"),
			Header: []byte(text.Draw(t, "header")), Body: rapid.SliceOfN(rapid.Byte(), 1, 4096).Draw(t, "body"),
		}
		copy(m.ID[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
		if rapid.Bool().Draw(t, "moved") {
			m.Prior, m.FirstAcquired = 1+short.Draw(t, "prior")/2, rapid.Int64Range(1, math.MaxInt64).Draw(t, "first")
			m.Origin, m.RetainFrom = number.Draw(t, "origin"), rapid.Int64Range(0, math.MaxInt64).Draw(t, "retain")
		}
		in := Enqueue{Message: m, Delay: rapid.Int64().Draw(t, "delay"), From: core.TransferID{Source: number.Draw(t, "source"), Seq: number.Draw(t, "seq")}}
		if in.HasDedup = rapid.Bool().Draw(t, "has key"); in.HasDedup {
			in.DedupKey[3] = 7
		}
		same(t, in, func(e *encoder) { e.enqueue(&in) }, (*decoder).enqueue)
		out := Enqueued{Seq: number.Draw(t, "seq"), ID: m.ID, Duplicate: rapid.Bool().Draw(t, "duplicate")}
		same(t, out, func(e *encoder) { e.enqueued(&out) }, (*decoder).enqueued)
		d := Delivery{Message: m, Seq: number.Draw(t, "seq"), Generation: short.Draw(t, "generation"), Acquired: short.Draw(t, "acquired"), FirstAcquired: rapid.Int64().Draw(t, "first")}
		same(t, d, func(e *encoder) { e.delivery(&d) }, (*decoder).delivery)
		p := Peek{Message: m, Seq: number.Draw(t, "seq"), Acquired: short.Draw(t, "acquired"), Hidden: rapid.Bool().Draw(t, "hidden"), Delayed: rapid.Bool().Draw(t, "delayed")}
		same(t, p, func(e *encoder) { e.peek(&p) }, (*decoder).peek)
		s := Settlement{Seq: number.Draw(t, "seq"), Generation: short.Draw(t, "generation")}
		switch rapid.IntRange(0, 2).Draw(t, "kind") {
		case 1:
			s.Extend, s.Time = true, rapid.Int64().Draw(t, "time")
		case 2:
			s.back = true
		}
		same(t, s, func(e *encoder) { e.settlement(&s) }, (*decoder).settlement)
		l := LeaseRequest{
			Max: rapid.IntRange(0, math.MaxInt32).Draw(t, "max"), Time: rapid.Int64().Draw(t, "time"), Attempt: text.Draw(t, "attempt"),
			Wait: time.Duration(rapid.IntRange(0, 3600_000).Draw(t, "wait")) * time.Millisecond,
		}
		same(t, l, func(e *encoder) { e.lease(&l, 5) }, func(d *decoder) LeaseRequest { l, _ := d.lease(); return l })
	})
}

func same[T any](t *rapid.T, v T, put func(e *encoder), take func(d *decoder) T) {
	var e encoder
	put(&e)
	d := newDecoder(e.Writer)
	if got := take(&d); d.end() != nil || !reflect.DeepEqual(got, v) {
		t.Fatalf("%+v became %+v (%v)", v, got, d.end())
	}
	for n := range e.Writer {
		d := newDecoder(e.Writer[:n])
		if take(&d); d.end() == nil && n < len(e.Writer)-4096 {
			t.Fatalf("%d of %d bytes are enough", n, len(e.Writer))
		}
	}
}

// TestErrorsTravel: every error that a caller may look at is the same after the way.
func TestErrorsTravel(t *testing.T) {
	t.Parallel()
	for _, want := range []error{nil, ErrNoQueue, ErrInFlight, ErrLapsed, ErrGone, ErrTooLong, core.ErrRecord} {
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
