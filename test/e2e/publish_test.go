package e2e

import (
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// published are what is published while nodes are disturbed, and what comes of it in the
// queues "events" and "events.fifo".
type published struct {
	killing
	topic, ordered string // ARNs
}

// newPublished makes the topics and the queues.
func newPublished(p *process, k *killing) *published {
	x := &published{killing: killing{standard: newLedger(k.standard.t, false), fifo: newLedger(k.standard.t, true), pending: map[string]string{}, seed: k.seed}}
	raw := map[string]string{"RawMessageDelivery": "true"}
	x.topic, x.ordered = *p.fixture.topic("events", nil), *p.fixture.topic("events.fifo", map[string]string{"FifoTopic": "true"})
	p.create("events", fromSNS("events", `,"VisibilityTimeout":"2"`))
	p.create("events.fifo", fromSNS("events.fifo", `,"VisibilityTimeout":"2","FifoQueue":"true"`))
	p.subscribe(&x.topic, "sqs", queueARN("events"), raw)
	p.subscribe(&x.ordered, "sqs", queueARN("events.fifo"), raw)
	x.sendOne = func(c *client, body, group string) (string, bool) {
		form := "Action=Publish&Version=2010-03-31&TopicArn=" + x.topic
		if group != "" {
			form = "Action=Publish&Version=2010-03-31&TopicArn=" + x.ordered + "&MessageGroupId=" + group + "&MessageDeduplicationId=" + body
		}
		return "", c.publish(form + "&Message=" + body) // SQS gives the message an id of its own
	}
	return x
}

// send publishes to the standard topic, until a call fails.
func (x *published) send(c *client, prefix string) {
	for i := 0; ; i++ {
		body := prefix + "-" + strings.Repeat("i", i%3) + time.Now().Format("150405.000000000")
		x.standard.sending("", body)
		_, ok := x.sendOne(c, body, "")
		if !c.alive(ok) {
			return
		}
		x.standard.sent(body, "")
	}
}

var published200 = regexp.MustCompile(`<MessageId>[0-9a-f-]{36}</MessageId>`)

// publish is call for SNS.
func (c *client) publish(form string) bool {
	ctx, cancel := context.WithTimeout(c.ctx, 12*time.Second)
	defer cancel()
	p := c.process
	if c.cluster != nil {
		p = c.cluster.any(c.random)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url+"/", strings.NewReader(form))
	if err != nil {
		c.Error(err)
		return false
	}
	req.GetBody = nil // what was sent once is not sent again behind our back
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := p.client.Do(req)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	switch {
	case err != nil || res.StatusCode == http.StatusServiceUnavailable:
		return false
	case res.StatusCode != http.StatusOK || !published200.Match(text):
		c.Errorf("Publish: %d %s", res.StatusCode, text)
		return false
	}
	return true
}
