package bus

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
)

// asker is the side of a node that calls others.
//
// Subjects: requests to a node go to spillway.calls.NODE. Their reply subject is
// spillway.replies.ID.NODE.FIRST.COUNT, where nothing arrives but nats-server's word
// that nobody got the message; it names all calls in it, so that nothing has to be
// remembered for that. Replies come to spillway.replies.ID.NODE. ID is another in each
// process: none gets the replies of one before it.
type asker struct {
	conn   *nats.Conn
	logger *slog.Logger
	prefix string         // of reply subjects: up to NODE
	work   sync.WaitGroup // senders

	mu      sync.RWMutex // guards what follows; taken before a target's
	targets map[string]*target
	closed  bool
}

const (
	callsPrefix   = "spillway.calls."
	repliesPrefix = "spillway.replies."
)

func newAsker(logger *slog.Logger) *asker {
	return &asker{logger: logger, prefix: repliesPrefix + rand.Text() + ".", targets: map[string]*target{}}
}

// start begins to hear replies.
func (a *asker) start(conn *nats.Conn) error {
	a.conn = conn
	var replies []reply // of one message
	sub, err := conn.Subscribe(a.prefix+">", func(m *nats.Msg) {
		replies = a.hear(m, replies[:0])
		clear(replies)
	})
	if err != nil {
		return fmt.Errorf("cluster: hear replies: %w", err)
	}
	// Each is for somebody who waits, or dropped.
	return sub.SetPendingLimits(-1, -1)
}

// to returns the target for a node; nil if no node can have the name.
func (a *asker) to(node string) *target {
	a.mu.RLock()
	t := a.targets[node]
	a.mu.RUnlock()
	if t != nil || !validName(node) {
		return t
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if t = a.targets[node]; t == nil {
		t = &target{asker: a, node: node, pending: map[uint64]chan result{}, closed: a.closed}
		t.send, t.work = t.sendBatch, &a.work
		a.targets[node] = t
	}
	return t
}

// hear ends the calls that a message is about. It uses the room of replies and
// returns it.
func (a *asker) hear(m *nats.Msg, replies []reply) []reply {
	node, calls, refused := strings.Cut(m.Subject[len(a.prefix):], ".")
	a.mu.RLock()
	t := a.targets[node]
	a.mu.RUnlock()
	if t == nil {
		return replies
	}
	if refused {
		t.refused(m, calls)
		return replies
	}
	replies, err := parseReplies(replies, m.Data)
	if err != nil {
		a.logger.Warn("a message that is no reply", "node", node, "bytes", len(m.Data)) // as if it had been lost
		return replies
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range replies {
		t.end(r.number, t.result(r, len(replies) == 1))
	}
	return replies
}

// cut ends all calls, since the connection broke: those in the queues are surely not
// executed, of the others nobody knows. It may come late, when the connection is made
// anew, and then ends some that would have been answered.
func (a *asker) cut(err error, forGood bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = a.closed || forGood
	for _, t := range a.targets {
		t.cut(err, forGood)
	}
}

// close ends all calls, and what sends them.
func (a *asker) close() {
	a.cut(nats.ErrConnectionClosed, true)
	a.work.Wait()
}
