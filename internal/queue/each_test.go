package queue

import (
	"fmt"
	"testing"

	"github.com/spillway/spillway/internal/store"
)

// TestEnqueueEach: messages for many queues at once arrive in the order of each queue,
// and a queue that is gone is the only one to fail.
func TestEnqueueEach(t *testing.T) {
	t.Parallel()
	const queues, each = 20, 5
	var all []*Queue
	fifo := standardSpec
	fifo.FIFO = true
	e := open(t, store.Options{Memory: true}, func(e *Engine) {
		for i := range queues {
			all = append(all, e.Declare(uint64(i+1), fifo))
		}
	})
	gone := e.Declare(queues+1, standardSpec)
	e.Delete(queues + 1)
	var targets []*Target
	for n := range each {
		for _, q := range all {
			m := text(fmt.Sprint(n))
			m.Group = "g"
			targets = append(targets, &Target{Queue: q, Message: m})
		}
		targets = append(targets, &Target{Queue: gone, Message: text("x")})
	}
	EnqueueEach(targets)
	for _, x := range targets {
		if (x.Err != nil) != (x.Queue == gone) || x.Err == nil && x.Result.ID != x.Message.ID {
			t.Errorf("%v %+v", x.Err, x.Result)
		}
	}
	for _, q := range all {
		got := lease(t, q, LeaseRequest{Max: 10, Time: -1})
		if len(got) != each {
			t.Fatalf("%d messages", len(got))
		}
		for i, d := range got {
			if string(d.Body) != fmt.Sprint(i) {
				t.Errorf("message %d is %s", i, d.Body)
			}
		}
	}
}
