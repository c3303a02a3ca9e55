package e2e

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"
)

var killRounds = flag.Int("kill-rounds", 2, "how often TestKill kills the server")

// TestKill: nothing that was acknowledged is lost, nothing that was deleted comes
// back, FIFO stays in order and free of duplicates, however often the server is
// killed under load. The power cuts of internal/partition and internal/queue test
// what a lost page cache adds.
func TestKill(t *testing.T) {
	needsBinary(t)
	k := &killing{
		standard: newLedger(t, false), fifo: newLedger(t, true),
		pending: map[string]string{}, data: t.TempDir(), seed: rand.Uint64(),
	}
	t.Logf("seed %d", k.seed)
	p := launch(t, k.data)
	p.create("standard", `{"VisibilityTimeout":"2"}`)
	p.create("f.fifo", `{"VisibilityTimeout":"2","FifoQueue":"true"}`)
	for round := range *killRounds {
		if round > 0 {
			p = launch(t, k.data)
		}
		k.round(p, round)
		if t.Failed() {
			return
		}
	}
	p = launch(t, k.data)
	k.drain(p, "standard", k.standard)
	k.drain(p, "f.fifo", k.fifo)
	k.standard.finish("standard")
	k.fifo.finish("f.fifo")
	p.stop()
	p.check()
}

// killing is what lasts over the rounds.
type killing struct {
	standard, fifo *ledger
	data           string
	seed           uint64
	// sendOne sends a message to a group, if it is not SendMessage that does, and returns
	// the id that receivers will see, if that is known.
	sendOne func(c *client, body, group string) (id string, ok bool)

	mu      sync.Mutex
	pending map[string]string // group: the message whose send was not answered
	last    sync.Map          // group: the message acknowledged last
}

// round loads the server, kills it, and returns when all clients noticed.
func (k *killing) round(p *process, round int) {
	random := rand.New(rand.NewPCG(k.seed, uint64(round)))
	ctx, cancel := context.WithCancel(p.Context())
	defer cancel()
	var wg sync.WaitGroup
	worker := func(f func(*client)) {
		c := &client{process: p, ctx: ctx, random: rand.New(rand.NewPCG(k.seed, random.Uint64()))}
		wg.Go(func() { f(c) })
	}
	for i := range 4 {
		worker(func(c *client) { k.send(c, fmt.Sprintf("r%d-w%d", round, i)) })
		worker(func(c *client) { k.sendFIFO(c, fmt.Sprintf("g%d", i), round) })
		worker(func(c *client) { k.receive(c, "standard", k.standard) })
		worker(func(c *client) { k.receive(c, "f.fifo", k.fifo) })
	}
	time.Sleep(time.Duration(100+random.IntN(1200)) * time.Millisecond) // the moment of the kill is the test's input
	p.kill()
	cancel()
	wg.Wait()
}

// client is one goroutine's.
type client struct {
	*process
	ctx     context.Context
	random  *rand.Rand
	cluster *nodes // nil for a server of its own
}

// call is try for a client whose server is about to be killed: any other end than
// that of the connection is an error.
func (c *client) call(operation, body string) (string, bool) {
	ctx, p := c.ctx, c.process
	if c.cluster != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(c.ctx, 12*time.Second)
		defer cancel()
		p = c.cluster.any(c.random)
	}
	status, text := p.try(ctx, operation, body)
	unavailable := c.cluster != nil && status == 503
	if status != 0 && status != 200 && !unavailable && !strings.Contains(text, "The receipt handle has expired") {
		c.Errorf("%s: %d %s", operation, status, text)
	}
	return text, status == 200
}

// alive reports whether a call that failed may be followed by another.
func (c *client) alive(ok bool) bool { return ok && c.ctx.Err() == nil }

// send sends alone and in batches until the server dies.
func (k *killing) send(c *client, prefix string) {
	for i := 0; ; i++ {
		n := 1 + c.random.IntN(4)*c.random.IntN(3)
		var bodies, entries []string
		for j := range n {
			body := fmt.Sprintf("%s-%d-%d", prefix, i, j)
			k.standard.sending("", body)
			bodies = append(bodies, body)
			entries = append(entries, fmt.Sprintf(`{"Id":"%d","MessageBody":%q}`, j, body))
		}
		if n == 1 {
			text, ok := c.call("SendMessage", fmt.Sprintf(`{"QueueUrl":"standard","MessageBody":%q}`, bodies[0]))
			if !c.alive(ok) {
				return
			}
			k.standard.sent(bodies[0], parse[struct{ MessageId string }](c, text).MessageId)
			continue
		}
		text, ok := c.call("SendMessageBatch", `{"QueueUrl":"standard","Entries":[`+strings.Join(entries, ",")+`]}`)
		if !c.alive(ok) {
			return
		}
		for _, s := range parse[batch](c, text).Successful {
			k.standard.sent(bodies[s.Id], s.MessageId)
		}
	}
}

// sendFIFO sends to one group, each message until it is acknowledged, over kills
// too: with its deduplication id it must be stored once.
func (k *killing) sendFIFO(c *client, group string, round int) {
	once := func(body string) bool {
		send := k.sendOne
		if send == nil {
			send = sendToFIFO
		}
		id, ok := send(c, body, group)
		if ok {
			k.fifo.sent(body, id)
			k.last.Store(group, body)
		}
		return c.alive(ok)
	}
	if last, ok := k.last.Load(group); ok && !once(last.(string)) { // a duplicate of what was acknowledged
		return
	}
	for i := 0; ; i++ {
		k.mu.Lock()
		body := k.pending[group]
		if body == "" {
			body = fmt.Sprintf("%s-r%d-%d", group, round, i)
			k.pending[group] = body
			k.fifo.sending(group, body)
		}
		k.mu.Unlock()
		if !once(body) {
			return
		}
		k.mu.Lock()
		delete(k.pending, group)
		k.mu.Unlock()
	}
}

func sendToFIFO(c *client, body, group string) (id string, ok bool) {
	text, ok := c.call("SendMessage", fmt.Sprintf(`{"QueueUrl":"f.fifo","MessageBody":%q,"MessageGroupId":%q,"MessageDeduplicationId":%q}`, body, group, body))
	if ok {
		id = parse[struct{ MessageId string }](c, text).MessageId
	}
	return id, ok
}

// receive receives and deletes most of it, until the server dies.
func (k *killing) receive(c *client, queue string, l *ledger) {
	for {
		_, ok := k.receiveOnce(c, queue, l, false)
		if !c.alive(ok) {
			return
		}
	}
}

// receiveOnce receives up to ten messages and deletes them in order, alone or in
// a batch; unless all are wanted it leaves some, from one on, to be seen again.
func (k *killing) receiveOnce(c *client, queue string, l *ledger, all bool) (n int, ok bool) {
	began := time.Now()
	text, ok := c.call("ReceiveMessage", fmt.Sprintf(`{"QueueUrl":%q,"MaxNumberOfMessages":10,"WaitTimeSeconds":1,"AttributeNames":["MessageGroupId"]}`, queue))
	if !ok {
		return 0, false
	}
	messages := parse[struct{ Messages []message }](c, text).Messages
	l.got(began, messages)
	n = len(messages)
	if !all && c.random.IntN(3) == 0 {
		messages = messages[:c.random.IntN(n+1)]
	}
	if len(messages) > 1 && c.random.IntN(2) == 0 {
		var entries []string
		for i, m := range messages {
			l.deleting(m.Body)
			entries = append(entries, fmt.Sprintf(`{"Id":"%d","ReceiptHandle":%q}`, i, m.ReceiptHandle))
		}
		text, ok := c.call("DeleteMessageBatch", fmt.Sprintf(`{"QueueUrl":%q,"Entries":[%s]}`, queue, strings.Join(entries, ",")))
		if !ok {
			return n, false
		}
		for _, s := range parse[batch](c, text).Successful {
			l.deleted(messages[s.Id])
		}
		return n, true
	}
	for _, m := range messages {
		l.deleting(m.Body)
		if _, ok := c.call("DeleteMessage", fmt.Sprintf(`{"QueueUrl":%q,"ReceiptHandle":%q}`, queue, m.ReceiptHandle)); !ok {
			return n, false
		}
		l.deleted(m)
	}
	return n, true
}

// drain receives a queue until its counters say that it is empty.
func (k *killing) drain(p *process, queue string, l *ledger) {
	c := &client{process: p, ctx: p.Context(), random: rand.New(rand.NewPCG(k.seed, 0))}
	for deadline := time.Now().Add(time.Minute); ; {
		n, ok := k.receiveOnce(c, queue, l, true)
		if !ok {
			p.Errorf("%s: the drain failed", queue)
			return
		}
		if n > 0 {
			continue
		}
		text, _ := c.call("GetQueueAttributes", fmt.Sprintf(`{"QueueUrl":%q,"AttributeNames":["ApproximateNumberOfMessages","ApproximateNumberOfMessagesNotVisible","ApproximateNumberOfMessagesDelayed"]}`, queue))
		left := 0
		for _, v := range parse[struct{ Attributes map[string]string }](c, text).Attributes {
			if v != "0" {
				left++
			}
		}
		if left == 0 {
			return
		}
		if time.Now().After(deadline) {
			p.Errorf("%s: cannot be emptied: %s", queue, text)
			return
		}
	}
}

// batch is the answer of a batch call; ids are the places of the entries.
type batch struct {
	Successful []struct {
		Id        int `json:",string"`
		MessageId string
	}
}

// parse reads an answer.
func parse[Out any](c *client, text string) (out Out) {
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		c.Errorf("%v: %s", err, text)
	}
	return out
}
