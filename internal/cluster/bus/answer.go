package bus

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats.go"
)

// answerer is the side of a node that is called. Its messages and boxes belong to the
// goroutine of one subscription.
type answerer struct {
	b        *Bus
	handlers atomic.Pointer[map[string]Handler] // never changed, but replaced
	handling sync.Mutex                         // held to replace it

	requests []request // of one message
	boxes    map[string]*replyBox
}

// handle adds a handler; with the first, others can call this node.
func (a *answerer) handle(name string, h Handler) error {
	a.handling.Lock()
	defer a.handling.Unlock()
	handlers := map[string]Handler{name: h}
	if others := a.handlers.Load(); others != nil {
		maps.Copy(handlers, *others)
	}
	a.handlers.Store(&handlers)
	if len(handlers) > 1 {
		return nil
	}
	sub, err := a.b.subscribe(callsPrefix+a.b.Node(), a.take)
	if err != nil {
		return err
	}
	return sub.SetPendingLimits(-1, -1) // take does not let them wait
}

// take starts the requests of a message. They do not wait here: each is started, or
// refused.
func (a *answerer) take(m *nats.Msg) {
	subject, ok := replySubject(m.Reply)
	first, requests, err := parseRequests(a.requests[:0], m.Data)
	a.requests = requests
	defer clear(requests)
	if !ok || err != nil {
		a.b.logger.Warn("a message that is no call", "subject", m.Subject, "reply", m.Reply, "bytes", len(m.Data))
		return
	}
	if len(requests) > 1 {
		for i, r := range requests {
			requests[i].payload = slices.Clone(r.payload) // or each would keep all in memory
		}
	}
	box := a.box(subject)
	var refusals []byte
	if a.b.enter() {
		refusals = a.start(box, first, requests)
		a.b.work.Done()
	} else {
		for i := range requests {
			refusals = appendReply(refusals, reply{number: first + uint64(i), status: statusBusy})
		}
	}
	if len(refusals) == 0 {
		return
	}
	if err := box.publish(refusals); err != nil {
		a.b.logger.Debug("refuse calls", "error", err)
	}
}

// start starts requests and returns the message that refuses the others.
func (a *answerer) start(box *replyBox, first uint64, requests []request) (refusals []byte) {
	var t *term
	handlers := *a.handlers.Load()
	for i, r := range requests {
		number := first + uint64(i)
		h := handlers[string(r.name)]
		if h == nil {
			refusals = appendReply(refusals, reply{number: number, status: statusUnknown})
			continue
		}
		if a.b.running.Load() >= a.b.most { // nobody else adds
			refusals = appendReply(refusals, reply{number: number, status: statusBusy})
			continue
		}
		if !t.fits(r.wait) {
			t.leave()
			t = newTerm(a.b.ctx, r.wait)
		}
		t.users.Add(1)
		a.b.running.Add(1)
		box.owed.Add(1)
		a.b.work.Add(1)
		go box.answer(t, number, r.payload, h)
	}
	t.leave()
	return refusals
}

// replySubject is where replies go to requests with this reply subject.
func replySubject(inbox string) (subject string, ok bool) {
	parts := strings.Split(inbox, ".")
	if len(parts) != 6 || !strings.HasPrefix(inbox, repliesPrefix) {
		return "", false
	}
	return strings.Join(parts[:4], "."), true
}

// replyBox sends replies to one process.
type replyBox struct {
	outbox
	b       *Bus
	subject string
	owed    atomic.Int64 // replies to requests that were started and not answered yet
}

// box returns the box of a subject. When a new one is made those go that nobody
// needs: a process that was started again has another subject.
func (a *answerer) box(subject string) *replyBox {
	if box := a.boxes[subject]; box != nil {
		return box
	}
	for other, box := range a.boxes {
		if box.owed.Load() == 0 {
			delete(a.boxes, other)
		}
	}
	box := &replyBox{b: a.b, subject: subject}
	box.send, box.work = box.sendBatch, &a.b.work
	a.boxes[subject] = box
	return box
}

// answer runs a handler. A request counts until its reply was sent, which bounds the
// box.
func (o *replyBox) answer(t *term, number uint64, payload []byte, h Handler) {
	defer o.b.work.Done()
	r := reply{number: number, payload: h(t.ctx, payload)}
	t.leave()
	size := entryRoom + len(r.payload)
	if size > aloneBytes {
		o.answerAlone(size, r)
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	b := o.open(size)
	before := len(b.data)
	b.data = appendReply(b.data, r)
	o.added(b, len(b.data)-before)
}

func (o *replyBox) answerAlone(size int, r reply) {
	defer o.sent(1)
	err := nats.ErrMaxPayload
	if int64(size) <= o.b.conn.MaxPayload() {
		err = o.publish(appendReply(make([]byte, 0, size), r))
	}
	if err != nil {
		o.b.logger.Warn("the reply to a call could not be sent", "bytes", len(r.payload), "error", err)
		_ = o.publish(appendReply(nil, reply{number: r.number, status: statusLost}))
	}
}

// sendBatch is the outbox's.
func (o *replyBox) sendBatch(b *batch) {
	defer o.sent(b.count)
	if err := o.publish(b.data); err != nil {
		o.b.logger.Warn("replies to calls could not be sent", "calls", b.count, "error", err)
	}
}

func (o *replyBox) publish(data []byte) error { return o.b.conn.Publish(o.subject, data) }

// sent counts requests that are done with.
func (o *replyBox) sent(n int) {
	o.b.running.Add(-int64(n))
	o.owed.Add(-int64(n))
}
