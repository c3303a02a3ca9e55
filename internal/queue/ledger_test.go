package queue

import (
	"fmt"
	"maps"
	"sync"

	"github.com/spillway/spillway/internal/store/storetest"
)

// ledger is what callers of an engine know: what they asked for and what was
// acknowledged. Messages are known by their bodies, as moved ones get new ids.
type ledger struct {
	mu sync.Mutex // guards the fields below
	books
	crashes []crashed
	fs      *storetest.FS
	crash   func() bool // whether to crash after the next acknowledgement
}

type books struct {
	sent    map[string]Enqueued // acknowledged
	asked   map[string]bool     // sending began
	removed map[string]bool     // deletion or purge was acknowledged
	maybe   map[string]bool     // deletion or purge began
	held    map[string]holding  // leased for long
	keys    map[string]DedupKey
}

// holding is a lease that does not end within the test.
type holding struct {
	queue uint64
	Settlement
}

// crashed is a disk after a crash, and what was known then.
type crashed struct {
	fs *storetest.FS
	books
}

func newLedger(fs *storetest.FS, crash func() bool) *ledger {
	return &ledger{fs: fs, crash: crash, books: books{
		sent: map[string]Enqueued{}, asked: map[string]bool{}, removed: map[string]bool{}, maybe: map[string]bool{},
		held: map[string]holding{}, keys: map[string]DedupKey{},
	}}
}

func (b *books) clone() books {
	return books{maps.Clone(b.sent), maps.Clone(b.asked), maps.Clone(b.removed), maps.Clone(b.maybe), maps.Clone(b.held), maps.Clone(b.keys)}
}

// note changes the books, and crashes the disk afterwards if it is time to.
func (l *ledger) note(change func(b *books)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(&l.books)
	if l.crash() {
		l.crashes = append(l.crashes, crashed{l.fs.Crash(), l.clone()})
	}
}

func (l *ledger) send(q *Queue, in ...Enqueue) error {
	l.note(func(b *books) {
		for _, m := range in {
			b.asked[string(m.Body)] = true
			if m.HasDedup {
				b.keys[string(m.Body)] = m.DedupKey
			}
		}
	})
	out, err := q.Enqueue(in, nil)
	if err != nil {
		return err
	}
	l.note(func(b *books) {
		for i, m := range in {
			b.sent[string(m.Body)] = out[i]
		}
	})
	return nil
}

// hold notes long leases.
func (l *ledger) hold(q *Queue, in []Delivery) {
	l.note(func(b *books) {
		for _, d := range in {
			b.held[string(d.Body)] = holding{q.id, Settlement{Seq: d.Seq, Generation: d.Generation}}
		}
	})
}

func (l *ledger) remove(q *Queue, in []Delivery) error {
	settle := make([]Settlement, len(in))
	l.note(func(b *books) {
		for i, d := range in {
			b.maybe[string(d.Body)] = true
			settle[i] = Settlement{Seq: d.Seq, Generation: d.Generation}
		}
	})
	errs, err := q.Settle(settle, nil)
	if err != nil {
		return err
	}
	for _, err := range errs {
		if err != nil {
			return fmt.Errorf("delete: %w", err)
		}
	}
	l.note(func(b *books) {
		for _, d := range in {
			b.removed[string(d.Body)] = true
		}
	})
	return nil
}

// purge purges a queue that has nothing but messages that have the prefix.
func (l *ledger) purge(q *Queue, prefix string) error {
	var sure []string
	suspect := func(b *books) {
		for body := range b.asked {
			if len(body) > len(prefix) && body[:len(prefix)] == prefix {
				b.maybe[body] = true
			}
		}
	}
	l.note(func(b *books) {
		suspect(b)
		for body := range b.sent {
			if b.maybe[body] && body[:len(prefix)] == prefix {
				sure = append(sure, body)
			}
		}
	})
	if err := q.Purge(); err != nil {
		return err
	}
	l.note(func(b *books) {
		suspect(b)
		for _, body := range sure {
			b.removed[body] = true
		}
	})
	return nil
}
