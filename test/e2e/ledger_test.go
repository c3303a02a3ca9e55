package e2e

import (
	"sync"
	"testing"
	"time"
)

// lease is the visibility time-out of the killed queues.
const lease = 2 * time.Second

// ledger is what clients know of a queue's messages, by body. Its methods are
// called around calls to the server, so that what they demand holds whatever the
// server did with calls that were not answered.
type ledger struct {
	t    *testing.T
	fifo bool

	mu       sync.Mutex
	entries  map[string]*entry
	groups   map[string][]*entry // of FIFO, in the order of sending
	received int
	again    int // received more than once
}

type entry struct {
	body     string
	place    int                  // in its group
	id       string               // of the acknowledged send, "" when unknown
	acked    bool                 // the send was acknowledged
	deleting bool                 // a delete was sent
	leased   time.Time            // FIFO: when the last receive that returned it began
	seen     map[string]bool      // by message id: a topic may store a body more than once
	deleted  map[string]time.Time // by message id: when a delete was acknowledged
}

func newLedger(t *testing.T, fifo bool) *ledger {
	return &ledger{t: t, fifo: fifo, entries: map[string]*entry{}, groups: map[string][]*entry{}}
}

// sending is called before a message is sent for the first time.
func (l *ledger) sending(group, body string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := &entry{body: body, place: len(l.groups[group]), seen: map[string]bool{}, deleted: map[string]time.Time{}}
	l.entries[body] = e
	l.groups[group] = append(l.groups[group], e)
}

// sent is called for each acknowledgement. A message that was sent again under
// its deduplication id must be acknowledged with the same id.
func (l *ledger) sent(body, id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.entries[body]
	if e.id != "" && e.id != id {
		l.t.Errorf("%s: acknowledged as %s and as %s", body, e.id, id)
	}
	e.id, e.acked = id, true
}

// got is called for the messages of one receive that began at that time.
func (l *ledger) got(began time.Time, messages []message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	for _, m := range messages {
		e := l.entries[m.Body]
		if e == nil {
			l.t.Errorf("received %q, which nobody sent", m.Body)
			continue
		}
		l.received++
		if len(e.seen) > 0 {
			l.again++
		}
		e.seen[m.MessageId] = true
		if deleted := e.deleted[m.MessageId]; !deleted.IsZero() && began.After(deleted) {
			l.t.Errorf("%s: deleted, and back %v later", m.Body, began.Sub(deleted))
		}
		if e.id != "" && e.id != m.MessageId {
			l.t.Errorf("%s: sent as %s, received as %s", m.Body, e.id, m.MessageId)
		}
		if l.fifo {
			l.inOrder(e, m, began, now, messages)
		}
		e.leased = began
	}
}

// inOrder: whatever was sent to the group before is deleted, or comes before it
// in the same answer; it is the one message that was sent; and its earlier lease
// is over, which a crash must not shorten on FIFO. l.mu is held.
func (l *ledger) inOrder(e *entry, m message, began, now time.Time, messages []message) {
	group := l.groups[m.Attributes["MessageGroupId"]]
	if e.place >= len(group) || group[e.place] != e {
		l.t.Errorf("%s: in group %q", m.Body, m.Attributes["MessageGroupId"])
		return
	}
	together := map[string]bool{}
	for _, before := range messages {
		if before.Body == m.Body {
			break
		}
		together[before.Body] = true
	}
	for _, before := range group[:e.place] {
		if !before.deleting && !together[before.body] {
			l.t.Errorf("%s: received before %s", m.Body, before.body)
		}
	}
	if len(e.seen) > 1 {
		l.t.Errorf("%s: stored %d times: %v", m.Body, len(e.seen), e.seen)
	}
	if hidden := now.Sub(e.leased); !e.leased.IsZero() && hidden < lease-5*time.Millisecond {
		l.t.Errorf("%s: received again after %v, inside its visibility time-out", m.Body, hidden)
	}
}

// deleting is called before a delete is sent, deleted when it is acknowledged.
func (l *ledger) deleting(body string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.entries[body]; e != nil {
		e.deleting = true
	}
}

func (l *ledger) deleted(m message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.entries[m.Body]; e != nil {
		e.deleted[m.MessageId] = time.Now()
	}
}

// finish is called when the queue has been received empty: what was acknowledged
// has all come.
func (l *ledger) finish(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	acked, lost := 0, 0
	for body, e := range l.entries {
		if !e.acked {
			continue
		}
		acked++
		if len(e.seen) == 0 && !e.deleting {
			if lost++; lost <= 5 {
				l.t.Errorf("%s: acknowledged and lost", body)
			}
		}
	}
	if lost > 0 {
		l.t.Errorf("%s: %d messages lost", name, lost)
	}
	l.t.Logf("%s: %d sent, %d acknowledged, %d received, %d of them again", name, len(l.entries), acked, l.received, l.again)
}
