package e2e

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestSNSKill: what was acknowledged while the server was killed is in each queue, and
// in order in FIFO queues.
func TestSNSKill(t *testing.T) {
	needsBinary(t)
	t.Parallel()
	p := launch(t, t.TempDir())
	topic, ordered := p.topic("t", nil), p.topic("t.fifo", map[string]string{"FifoTopic": "true"})
	for _, name := range []string{"1", "2"} {
		p.create(name, fromSNS(name, ""))
		p.subscribe(topic, "sqs", queueARN(name), map[string]string{"RawMessageDelivery": "true"})
	}
	p.create("3.fifo", fromSNS("3.fifo", `,"FifoQueue":"true"`))
	p.subscribe(ordered, "sqs", queueARN("3.fifo"), nil)

	var mu sync.Mutex
	sent := map[string][]string{} // acknowledged, by publisher
	var publishing sync.WaitGroup
	for n := range 8 {
		publishing.Go(func() {
			who := fmt.Sprintf("s%d", n)
			form := "Version=2010-03-31&Action=Publish&TopicArn=" + *topic
			if n >= 4 {
				who = fmt.Sprintf("f%d", n)
				form = "Version=2010-03-31&Action=Publish&MessageGroupId=" + who + "&TopicArn=" + *ordered
			}
			for i := 0; ; i++ {
				text := fmt.Sprintf("%s-%06d", who, i)
				more := ""
				if n >= 4 {
					more = "&MessageDeduplicationId=" + text
				}
				res, err := p.client.PostForm(p.url+"/", values(form+more+"&Message="+text))
				if err != nil {
					return
				}
				res.Body.Close()
				if res.StatusCode != 200 {
					t.Errorf("%s: %d", text, res.StatusCode)
					return
				}
				mu.Lock()
				sent[who] = append(sent[who], text)
				mu.Unlock()
			}
		})
	}
	time.Sleep(300 * time.Millisecond) // the moment of the kill is the test's input
	p.kill()
	publishing.Wait()

	p = launch(t, p.data)
	var draining sync.WaitGroup
	for _, name := range []string{"1", "2", "3.fifo"} {
		want := map[string]bool{}
		for who, texts := range sent {
			for _, text := range texts {
				if strings.HasPrefix(who, "f") == strings.HasSuffix(name, ".fifo") {
					want[text] = true
				}
			}
		}
		t.Logf("%s: %d acknowledged", name, len(want))
		draining.Go(func() { p.drainTexts(name, want) })
	}
	draining.Wait()
	p.stop()
	p.check()
}

// values parses a form that a test wrote.
func values(form string) url.Values {
	v, _ := url.ParseQuery(form)
	return v
}

// drainTexts receives until all that is wanted was there; FIFO queues must be in order.
// A message that was being fanned out when the server was killed takes some seconds.
func (p *process) drainTexts(name string, want map[string]bool) {
	p.Helper()
	have, last := map[string]bool{}, map[string]string{}
	queue := p.url + "/" + account + "/" + name
	for deadline := time.Now().Add(20 * time.Second); len(want) > 0; {
		if time.Now().After(deadline) {
			p.Errorf("%s: %d messages were acknowledged and are lost: %v", name, len(want), want)
			return
		}
		var entries []string
		for i, m := range p.receive(queue, `"MaxNumberOfMessages":10,"WaitTimeSeconds":1`) {
			text := m.Body
			var e posted
			if json.Unmarshal([]byte(m.Body), &e) == nil && e.Message != "" {
				text = e.Message
			}
			if who, _, _ := strings.Cut(text, "-"); strings.HasSuffix(name, ".fifo") {
				if have[text] || last[who] >= text {
					p.Errorf("%s: %s after %s", name, text, last[who])
				}
				last[who] = text
			}
			have[text] = true
			delete(want, text)
			entries = append(entries, fmt.Sprintf(`{"Id":"%d","ReceiptHandle":%q}`, i, m.ReceiptHandle))
		}
		if len(entries) > 0 {
			p.json("DeleteMessageBatch", fmt.Sprintf(`{"QueueUrl":%q,"Entries":[%s]}`, queue, strings.Join(entries, ",")))
		}
	}
}
