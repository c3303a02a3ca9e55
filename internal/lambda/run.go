package lambda

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/spillway/spillway/internal/deliver"
)

// run is an invocation that an attached process is to do. The goroutine of Invoke
// owns it: it offers it until a poll could hand it over.
type run struct {
	id, arn string
	payload []byte
	handed  chan bool   // by the poll that took it, once: whether a process has it now
	answer  chan answer // by whoever posts it
	over    bool        // Invoke has returned, or is about to; guarded by Functions.mu
}

// answer is what a process posted.
type answer struct {
	payload []byte
	failed  bool
}

// run has an attached process run a function.
func (f *Functions) run(ctx context.Context, fn *function, arn string, payload []byte) Invocation {
	r := &run{
		id: newRequestID(), arn: arn, payload: payload,
		handed: make(chan bool, 1), answer: make(chan answer, 1),
	}
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		r.over = true
		fn.end(r.id)
	}()
	if err := f.offer(ctx, fn, r); err != nil {
		return Invocation{RequestID: r.id, Outcome: deliver.Fail(err, false)}
	}
	deadline := time.NewTimer(f.options.Timeout)
	defer deadline.Stop()
	select {
	case a := <-r.answer:
		return judge(r.id, a)
	case <-deadline.C:
		return judge(r.id, answer{failed: true, payload: document("Sandbox.Timedout",
			fmt.Sprintf("RequestId: %s Error: Task timed out after %.2f seconds", r.id, f.options.Timeout.Seconds()))})
	case <-ctx.Done():
		return Invocation{RequestID: r.id, Outcome: deliver.Fail(context.Cause(ctx), false)}
	case <-f.life.Done():
		return Invocation{RequestID: r.id, Outcome: deliver.Fail(errClosed, false)}
	}
}

// offer returns nil when a process has r. A poll whose process is gone gives it
// back, and the next one gets it.
func (f *Functions) offer(ctx context.Context, fn *function, r *run) error {
	busy := time.NewTimer(f.options.Timeout)
	defer busy.Stop()
	for {
		select {
		case fn.offers <- r:
		case <-busy.C:
			return errBusy
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-f.life.Done():
			return errClosed
		}
		select {
		case ok := <-r.handed:
			if ok {
				return nil
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-f.life.Done():
			return errClosed
		}
	}
}

// judge reads what a function answered, or the Invoke API in its name.
func judge(id string, a answer) Invocation {
	inv := Invocation{RequestID: id, Payload: a.payload, FunctionError: a.failed}
	inv.Outcome = deliver.Outcome{Status: http.StatusOK, Response: deliver.Excerpt(a.payload)}
	if a.failed {
		inv.Outcome.Err = fmt.Errorf("lambda: the function failed: %s", inv.Outcome.Response)
	}
	return inv
}

// document is an error in the form of Lambda's.
func document(kind, message string) []byte {
	// Two strings: this does not fail.
	b, _ := json.Marshal(map[string]string{"errorType": kind, "errorMessage": message})
	return b
}

// newRequestID is a random UUID (RFC 9562, version 4).
func newRequestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// newTraceID is an X-Ray header that asks for no sampling.
func newTraceID(now time.Time) string {
	var b [20]byte
	_, _ = rand.Read(b[:])
	return fmt.Sprintf("Root=1-%08x-%x;Parent=%x;Sampled=0", uint32(now.Unix()), b[:12], b[12:])
}
