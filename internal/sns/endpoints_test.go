package sns

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/spillway/spillway/internal/deliver"
)

// post is what an endpoint got, and when.
type post struct {
	at time.Time
	deliver.Request
}

func (p post) kind() string { return p.Header.Get("X-Amz-Sns-Message-Type") }

// endpoints stand for everything outside. What they answer can be set.
type endpoints struct {
	mu      sync.Mutex // guards the rest
	posts   []post
	mails   []Mail
	sms     []SMS
	pushes  []Push
	events  map[string][]string // by function
	records map[string][]string // by stream: key and data
	answer  func(ctx context.Context, p post) deliver.Outcome
	run     func(function string, event []byte) Invocation
	put     func(stream string) error
	push    func(p Push) (deliver.Outcome, bool)
}

func newEndpoints() *endpoints {
	return &endpoints{events: map[string][]string{}, records: map[string][]string{}}
}

func (e *endpoints) outbound() Outbound {
	return Outbound{
		HTTP: func(ctx context.Context, r deliver.Request) deliver.Outcome {
			p := post{time.Now(), r}
			e.mu.Lock()
			e.posts = append(e.posts, p)
			answer := e.answer
			e.mu.Unlock()
			if answer == nil {
				return deliver.Outcome{Status: 200}
			}
			return answer(ctx, p)
		},
		Lambda: func(_ context.Context, function string, event []byte) Invocation {
			e.mu.Lock()
			e.events[function] = append(e.events[function], string(event))
			run := e.run
			e.mu.Unlock()
			if run == nil {
				return Invocation{}
			}
			return run(function, event)
		},
		Mail: func(_ context.Context, m Mail) deliver.Outcome {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.mails = append(e.mails, m)
			return deliver.Outcome{}
		},
		SMS: func(_ context.Context, m SMS) deliver.Outcome {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.sms = append(e.sms, m)
			return deliver.Outcome{}
		},
		Push: func(_ context.Context, p Push) (deliver.Outcome, bool) {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.pushes = append(e.pushes, p)
			if e.push == nil {
				return deliver.Outcome{}, false
			}
			return e.push(p)
		},
	}
}

type fakeStream struct {
	e    *endpoints
	name string
}

func (e *endpoints) stream(name string) Streams { return fakeStream{e, name} }

// Put implements Streams.
func (s fakeStream) Put(_ context.Context, arn, key string, data []byte) error {
	s.e.mu.Lock()
	defer s.e.mu.Unlock()
	if s.e.put != nil {
		if err := s.e.put(arn); err != nil {
			return err
		}
	}
	s.e.records[arn] = append(s.e.records[arn], key+"|"+string(data))
	return nil
}

// took returns the posts since the last call, to one URL or, for "", to all.
func (e *endpoints) took(url string) (out []post) {
	e.mu.Lock()
	defer e.mu.Unlock()
	kept := e.posts[:0:0]
	for _, p := range e.posts {
		if url == "" || p.URL == url {
			out = append(out, p)
		} else {
			kept = append(kept, p)
		}
	}
	e.posts = kept
	return out
}

// answers has every post from now on answered so.
func (e *endpoints) answers(f func(ctx context.Context, p post) deliver.Outcome) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.answer = f
}

// status is an answer with an HTTP status.
func status(code int) deliver.Outcome {
	if code < 300 {
		return deliver.Outcome{Status: code}
	}
	return deliver.Outcome{Status: code, Err: fmt.Errorf("status %d", code), Permanent: code < 500 && code != 429}
}
