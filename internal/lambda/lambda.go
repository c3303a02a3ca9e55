// Package lambda runs functions: processes that attach through the Lambda Runtime
// API, as anything built with aws-lambda-go or awslambdaric does when it is started
// with
//
//	AWS_LAMBDA_RUNTIME_API=HOST:PORT/_spillway/lambda/FUNCTION-NAME
//
// and, for functions that nobody attaches, an endpoint of the Lambda Invoke API:
// AWS's, or that of another emulator. Runtimes put "http://" before the variable's
// value and "/2018-06-01/runtime/..." behind it, so the path says which function
// it is, whatever account and region it is invoked in.
//
// One client looks into the value: awslambdaric cannot report a failed start
// (init/error), because it takes all behind the last colon for the port.
//
// Lambda ends a process whose invocation takes too long. Here the process is
// someone else's: it goes on, and its late answer is dropped. Nor can a process
// be seen to crash in the middle of an invocation, which then takes too long.
package lambda

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/spillway/spillway/internal/arn"
	"github.com/spillway/spillway/internal/deliver"
)

const (
	// MaxPayload is the most that a function takes or answers, in bytes (Lambda's
	// quota of 6 MB, as the Runtime API counts it).
	MaxPayload = 6<<20 + 100

	defaultTimeout = 3 * time.Second // Lambda's
	maxFunctions   = 1000            // attached under one Functions
	maxPolls       = 1000            // of one function; Lambda's default concurrency
	maxName        = 140             // CreateFunction's FunctionName, an ARN; a name itself has 64
)

// Options configure Functions.
type Options struct {
	// Timeout of one invocation, and of waiting for a process that is busy: 3 s if
	// it is 0. Functions behind InvokeURL have their own.
	Timeout time.Duration
	// Password, unless empty, must come with every request of a process, as
	// that of basic authentication with any user name. Go and Python send it
	// if the variable's value is USER:PASSWORD@HOST:PORT/...
	Password string
	// InvokeURL is the endpoint of a Lambda Invoke API for functions that are not
	// attached, such as https://lambda.us-east-1.amazonaws.com; "" is none.
	InvokeURL string
	// AccessKeyID and SecretAccessKey sign the calls to InvokeURL; without, they
	// are not signed. Region is what they are signed for: "" is the function's.
	AccessKeyID, SecretAccessKey, Region string
	// Account and Region complete a bare function name to its ARN.
	Account string
	// Now tells the time; nil is time.Now.
	Now func() time.Time
	// Logger hears of functions that failed to start, and of late answers; may be nil.
	Logger *slog.Logger
}

// Functions are the functions of a server.
type Functions struct {
	options   Options
	transport *http.Transport // to InvokeURL

	life   context.Context // until Close
	end    context.CancelFunc
	mu     sync.Mutex // guards byName; orders work.Add, and so the end of life, before work.Wait
	byName map[string]*function
	work   sync.WaitGroup // polls and invocations
}

// Invocation is how one invocation ended.
type Invocation struct {
	// Outcome has an Err whenever the function did not answer, for whatever
	// reason: also with FunctionError. Its Status is the Invoke API's: 200 with
	// FunctionError too.
	Outcome       deliver.Outcome
	FunctionError bool   // the function ran, or may have, and failed: it posted an error, crashed or took too long
	Payload       []byte // its answer or error document, at most MaxPayload
	RequestID     string
}

// New returns Functions to be closed.
func New(o Options) *Functions {
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	f := &Functions{options: o, transport: newTransport(), byName: map[string]*function{}}
	f.life, f.end = context.WithCancel(context.Background())
	return f
}

// Attached reports whether a process waits for, or works on, invocations of the
// function with this name.
func (f *Functions) Attached(name string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	fn := f.byName[name]
	return fn != nil && fn.attached(f.options.Now())
}

// Close ends polls, which ends most runtimes, and invocations, which fail as
// worth another attempt; and it waits for them.
func (f *Functions) Close() {
	f.mu.Lock()
	f.end()
	f.mu.Unlock()
	f.work.Wait()
	f.transport.CloseIdleConnections()
}

// begin counts something that Close waits for; false after Close.
func (f *Functions) begin() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.life.Err() != nil {
		return false
	}
	f.work.Add(1)
	return true
}

// Longest is how long Invoke takes at most: waiting for a process that is busy, handing
// it the invocation, and running that; or the Invoke API's time.
func (f *Functions) Longest() time.Duration {
	most := 2*f.options.Timeout + handTime
	if f.options.InvokeURL != "" {
		most = max(most, remoteTimeout)
	}
	return most
}

// Invoke runs a function once, and waits for it: a function's ARN, with a version or
// alias or not, or its bare name. An attached process takes it, the one that has
// waited longest; if all are busy, it waits for one as long as one may run.
// Otherwise the Invoke API has it. An error of a function that is neither there nor
// here is not permanent: it may attach later. The payload must not be changed
// afterwards: a process may still be reading it.
func (f *Functions) Invoke(ctx context.Context, functionARN string, payload []byte) Invocation {
	if !f.begin() {
		return Invocation{Outcome: deliver.Fail(errClosed, false)}
	}
	defer f.work.Done()
	name, full := f.identify(functionARN)
	switch {
	case name == "":
		return Invocation{Outcome: deliver.Fail(errName, true)}
	case len(payload) > MaxPayload:
		return Invocation{Outcome: deliver.Fail(errTooLarge, true)}
	}
	if fn := f.enter(name); fn != nil {
		defer f.leave(fn)
		return f.run(ctx, fn, full.String(), payload)
	}
	if f.options.InvokeURL != "" {
		return f.remote(ctx, full, payload)
	}
	return Invocation{Outcome: deliver.Fail(errNotAttached, false)}
}

// identify reads the name or ARN of a function; name is "" if it is neither.
func (f *Functions) identify(s string) (name string, full arn.ARN) {
	full, err := arn.Parse(s)
	if err != nil {
		full = arn.New("lambda", f.options.Region, f.options.Account, "function:"+s)
	}
	name, ok := nameOf(full)
	if !ok {
		return "", full
	}
	return name, full
}
