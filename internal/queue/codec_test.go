package queue

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/spillway/spillway/internal/queue/core"
)

func drawMessage(t *rapid.T) (m Message) {
	copy(m.ID[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
	m.SentAt = rapid.Int64Range(1, 1<<50).Draw(t, "sent")
	m.Prior = rapid.Uint32().Draw(t, "prior")
	m.FirstAcquired = rapid.Int64Range(0, 1<<50).Draw(t, "first")
	m.Origin = rapid.Uint64().Draw(t, "origin")
	m.Group, m.Dedup = rapid.String().Draw(t, "group"), rapid.String().Draw(t, "dedup")
	m.Header = rapid.SliceOf(rapid.Byte()).Draw(t, "header")
	m.Body = rapid.SliceOf(rapid.Byte()).Draw(t, "body")
	return m
}

// TestCodecRoundTrip: what engines send each other arrives as it was.
func TestCodecRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := Enqueue{Message: drawMessage(t), Delay: rapid.Int64().Draw(t, "delay"), HasDedup: rapid.Bool().Draw(t, "has")}
		if in.HasDedup {
			in.DedupKey = DedupKey{1, 2, 3}
		}
		in.From = core.TransferID{Source: rapid.Uint64().Draw(t, "source"), Seq: rapid.Uint64().Draw(t, "seq")}
		delivery := Delivery{Message: in.Message, Seq: 1, Generation: rapid.Uint32().Draw(t, "generation"), Acquired: 3, FirstAcquired: -4}
		peek := Peek{Message: in.Message, Seq: 5, Acquired: 6, FirstAcquired: 7, Hidden: true, Delayed: rapid.Bool().Draw(t, "delayed")}
		lease := LeaseRequest{Max: 10, Time: -1, Wait: 20 * time.Second, Attempt: "again"}
		settlement := Settlement{Seq: 8, Generation: 9, Extend: true, Time: 10}
		enqueued := Enqueued{Seq: 11, ID: in.ID, Duplicate: true}

		var e encoder
		e.enqueue(&in)
		e.delivery(&delivery)
		e.peek(&peek)
		e.lease(&lease, 12)
		e.settlement(&settlement)
		e.enqueued(&enqueued)
		for _, err := range remoteErrors {
			e.error(err)
		}
		d := newDecoder(e.Writer)
		same := func(what string, got, want any) {
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("%s: %+v is not %+v", what, got, want)
			}
		}
		same("enqueue", d.enqueue(), in)
		same("delivery", d.delivery(), delivery)
		same("peek", d.peek(), peek)
		got, token := d.lease()
		same("lease", got, lease)
		same("token", token, uint64(12))
		same("settlement", d.settlement(), settlement)
		same("enqueued", d.enqueued(), enqueued)
		for _, want := range remoteErrors {
			if err := d.error(); !errors.Is(err, want) {
				t.Fatalf("%v is not %v", err, want)
			}
		}
		if err := d.end(); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzServe: whatever a node is sent, it answers, and does not panic.
func FuzzServe(f *testing.F) {
	var e encoder
	e.enqueue(&Enqueue{Message: Message{SentAt: 1, Body: []byte("body")}})
	for op := opEnqueue; op <= opResolve; op++ {
		f.Add(append([]byte{codecVersion, op, 7, 1}, e.Writer...))
		f.Add([]byte{codecVersion, op, 7})
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		// Every reader, on whatever is left by the one before.
		d := newDecoder(b)
		d.enqueue()
		d.delivery()
		d.peek()
		d.lease()
		d.settlement()
		d.enqueued()
		_ = d.error()
		for n := d.Count(1, maxCount); n > 0; n-- {
			d.Byte()
		}
		if d.end() == nil && len(b) == 0 {
			t.Error("nothing is read as something")
		}
	})
}
