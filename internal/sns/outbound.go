package sns

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/spillway/spillway/internal/deliver"
)

// Outbound is how messages leave for what is not a queue here. Each makes one attempt
// and may be called by several goroutines. Those for mail, SMS and push may be nil: such
// messages go to the outbox.
type Outbound struct {
	HTTP    func(ctx context.Context, r deliver.Request) deliver.Outcome
	Allowed func(url string) error // nil if every URL may be subscribed
	Mail    func(ctx context.Context, m Mail) deliver.Outcome
	SMS     func(ctx context.Context, m SMS) deliver.Outcome
	Push    func(ctx context.Context, p Push) (out deliver.Outcome, gone bool)
	// Lambda runs a function.
	Lambda func(ctx context.Context, functionARN string, event []byte) Invocation
	// LambdaTimeout is the longest that Lambda takes.
	LambdaTimeout time.Duration
	// Destinations says what becomes of a function's events.
	Destinations func(functionARN string) Destinations
}

// Mail is an e-mail.
type Mail struct{ FromName, To, Subject, Body string }

// SMS is a text message.
type SMS struct{ PhoneNumber, Text, SenderID, Type, MaxPrice string }

// Push is a notification to a mobile app.
type Push struct {
	Platform, Token string
	Credentials     map[string]string // attributes of the platform application
	Payload         string
	Attributes      map[string]string // AWS.SNS.MOBILE.*
}

// Invocation is how a function's run ended.
type Invocation struct {
	deliver.Outcome
	FunctionError bool // it ran, and failed
	Payload       []byte
	RequestID     string
}

// Destinations are where the records of asynchronous invocations go.
//
// AWS: Lambda, "Capturing records of asynchronous invocations".
type Destinations struct {
	Retries              int    // of a function that fails, 0 to 2
	OnSuccess, OnFailure string // ARN of a queue or topic, "" for nowhere
}

// Stats counts what happened since the start of the process, on this node.
type Stats struct {
	Published    atomic.Uint64 // messages
	Delivered    atomic.Uint64 // copies that arrived
	FilteredOut  atomic.Uint64 // copies that a filter policy kept back
	Attempts     atomic.Uint64 // that failed
	Failed       atomic.Uint64 // copies given up
	DeadLettered atomic.Uint64 // of those, that are in a dead-letter queue
}

// Stats are the service's counters.
func (s *Service) Stats() *Stats { return &s.stats }
