package queue

import (
	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/queue/core"
)

// Peek is a message that was looked at, unchanged.
type Peek struct {
	Message
	Seq           uint64
	Acquired      uint32 // deliveries in all
	FirstAcquired int64  // unix ms, 0 if never delivered
	Hidden        bool   // leased, or on its way to another queue
	Delayed       bool   // not due yet
}

// maxBrowse bounds the messages that one Browse reads.
const maxBrowse = 1000

// Browse appends up to n messages from sequence on, of any state, in sequence
// order. It changes nothing, receive counts included. To go on, call it with the
// last sequence plus one.
func (q *Queue) Browse(from uint64, n int, out []Peek) ([]Peek, error) {
	out, err := q.browseHere(from, n, out)
	if q.elsewhere(err) {
		return q.browseElsewhere(from, n, out)
	}
	return out, err
}

func (q *Queue) browseHere(from uint64, n int, out []Peek) ([]Peek, error) {
	c := &browseCommand{Call: partition.NewCall(), q: q, from: from, n: min(n, maxBrowse), out: out}
	q.m.p.Submit(c)
	err := c.Wait()
	return c.out, err
}

type browseCommand struct {
	partition.Call
	q    *Queue
	from uint64
	n    int
	out  []Peek
}

// Run implements partition.Command.
func (c *browseCommand) Run(tx *partition.Tx) {
	l := c.q.m.local(c.q)
	if l == nil {
		c.Err = ErrNoQueue
		return
	}
	ctx := c.q.m.begin(tx, l)
	records, _ := ctx.Messages(max(c.from, l.core.Low()), c.n, 16<<20)
	for _, r := range records {
		m, err := core.ParseRecord(r.Record)
		if err != nil {
			c.Err = err
			return
		}
		p := Peek{Message: m, Seq: r.Seq, Acquired: m.Prior, FirstAcquired: m.FirstAcquired}
		if s, hidden, ok := l.core.State(r.Seq); ok {
			p.Acquired += s.Acquired
			p.Hidden = hidden
			if p.FirstAcquired == 0 {
				p.FirstAcquired = s.FirstAcquired
			}
		} else {
			p.Delayed = l.core.NotDue(&m, ctx.Now)
		}
		c.out = append(c.out, p)
	}
}
