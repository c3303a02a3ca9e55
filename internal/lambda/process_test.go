package lambda_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	awslambda "github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"go.uber.org/goleak"

	"github.com/spillway/spillway/internal/lambda"
)

// TestMain is also the function: the test starts itself as a process that
// aws-lambda-go runs, as anyone's function would.
func TestMain(m *testing.M) {
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") != "" {
		awslambda.Start(handle)
	}
	goleak.VerifyTestMain(m)
}

// order is what the function is to do.
type order struct {
	Fail, Panic, Exit bool
	Sleep             time.Duration
	Size              int
}

// report is what it answers.
type report struct {
	PID             int
	RequestID, ARN  string
	Trace           string
	DeadlineSeconds float64
	Padding         string
}

func handle(ctx context.Context, o order) (*report, error) {
	deadline, _ := ctx.Deadline()
	left := time.Until(deadline).Seconds()
	time.Sleep(o.Sleep)
	switch {
	case o.Fail:
		return nil, errors.New("told to fail")
	case o.Panic:
		panic("told to panic")
	case o.Exit:
		os.Exit(1)
	}
	lc, _ := lambdacontext.FromContext(ctx)
	return &report{
		PID: os.Getpid(), RequestID: lc.AwsRequestID, ARN: lc.InvokedFunctionArn,
		Trace: os.Getenv("_X_AMZN_TRACE_ID"), DeadlineSeconds: left, Padding: strings.Repeat("x", o.Size),
	}, nil
}

const testARN = "arn:aws:lambda:eu-west-1:111122223333:function:greet:live"

// serve serves the Runtime API at the address that it returns.
func serve(t *testing.T, o lambda.Options) (*lambda.Functions, string) {
	f := lambda.New(o)
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	t.Cleanup(f.Close)
	return f, s.Listener.Addr().String()
}

// start starts a process that attaches as the function greet.
func start(t *testing.T, f *lambda.Functions, address string) {
	ctx, cancel := context.WithCancel(context.Background())
	c := exec.CommandContext(ctx, os.Args[0])
	c.Env = append(os.Environ(), "AWS_LAMBDA_RUNTIME_API="+address+lambda.Prefix+"greet")
	if err := c.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = c.Wait() })
	waitAttached(t, f, "greet")
}

func waitAttached(t *testing.T, f *lambda.Functions, name string) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !f.Attached(name); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nothing attaches")
		}
	}
}

func invoke(t *testing.T, f *lambda.Functions, o order) lambda.Invocation {
	t.Helper()
	payload, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return f.Invoke(t.Context(), testARN, payload)
}

func answered(t *testing.T, inv lambda.Invocation) (r report) {
	t.Helper()
	if inv.Outcome.Err != nil || inv.FunctionError {
		t.Fatalf("%+v", inv)
	}
	if err := json.Unmarshal(inv.Payload, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

type failure struct{ ErrorType, ErrorMessage string }

func failed(t *testing.T, inv lambda.Invocation) (e failure) {
	t.Helper()
	if !inv.FunctionError || inv.Outcome.Err == nil || inv.Outcome.Permanent || inv.Outcome.Status != 200 {
		t.Fatalf("%+v", inv)
	}
	if err := json.Unmarshal(inv.Payload, &e); err != nil {
		t.Fatalf("%s: %v", inv.Payload, err)
	}
	return e
}

func TestFunction(t *testing.T) {
	t.Parallel()
	f, address := serve(t, lambda.Options{Timeout: time.Minute})
	start(t, f, address)
	inv := invoke(t, f, order{})
	r := answered(t, inv)
	if r.ARN != testARN || r.RequestID != inv.RequestID || len(inv.RequestID) != 36 ||
		r.DeadlineSeconds < 50 || r.DeadlineSeconds > 60 || !strings.HasPrefix(r.Trace, "Root=1-") {
		t.Errorf("%+v", r)
	}
	if e := failed(t, invoke(t, f, order{Fail: true})); e.ErrorMessage != "told to fail" || e.ErrorType != "errorString" {
		t.Errorf("%+v", e)
	}
	big := answered(t, invoke(t, f, order{Size: 5 << 20}))
	if len(big.Padding) != 5<<20 || big.PID != r.PID {
		t.Errorf("%d bytes from %d", len(big.Padding), big.PID)
	}
}

func TestFunctionPanics(t *testing.T) {
	t.Parallel()
	f, address := serve(t, lambda.Options{Timeout: time.Minute})
	start(t, f, address)
	if e := failed(t, invoke(t, f, order{Panic: true})); e.ErrorMessage != "told to panic" {
		t.Errorf("%+v", e)
	}
}

func TestFunctionAnswersTooMuch(t *testing.T) {
	t.Parallel()
	f, address := serve(t, lambda.Options{Timeout: time.Minute})
	start(t, f, address)
	if e := failed(t, invoke(t, f, order{Size: 7 << 20})); e.ErrorType != "Function.ResponseSizeTooLarge" {
		t.Errorf("%+v", e)
	}
}

// TestFunctionIsLate: its process survives, and its late answer is not taken for
// that of the next invocation.
func TestFunctionIsLate(t *testing.T) {
	t.Parallel()
	f, address := serve(t, lambda.Options{Timeout: 2 * time.Second})
	start(t, f, address)
	first := answered(t, invoke(t, f, order{}))
	inv := invoke(t, f, order{Sleep: 2300 * time.Millisecond})
	want := fmt.Sprintf("RequestId: %s Error: Task timed out after 2.00 seconds", inv.RequestID)
	if e := failed(t, inv); e.ErrorType != "Sandbox.Timedout" || e.ErrorMessage != want {
		t.Errorf("%+v", e)
	}
	next := invoke(t, f, order{})
	if r := answered(t, next); r.PID != first.PID || r.RequestID != next.RequestID {
		t.Errorf("%+v, first was %d", r, first.PID)
	}
}

func TestFunctionCrashes(t *testing.T) {
	t.Parallel()
	f, address := serve(t, lambda.Options{Timeout: time.Second})
	start(t, f, address)
	if e := failed(t, invoke(t, f, order{Exit: true})); e.ErrorType != "Sandbox.Timedout" {
		t.Errorf("%+v", e)
	}
}

// TestSeveralProcesses: each takes one at a time, and who finds all busy waits.
func TestSeveralProcesses(t *testing.T) {
	t.Parallel()
	f, address := serve(t, lambda.Options{Timeout: 30 * time.Second})
	start(t, f, address)
	start(t, f, address)
	var mu sync.Mutex
	pids := map[int]int{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			inv := invoke(t, f, order{Sleep: 100 * time.Millisecond})
			var r report
			if inv.Outcome.Err != nil || json.Unmarshal(inv.Payload, &r) != nil || r.RequestID != inv.RequestID {
				t.Errorf("%+v", inv)
			}
			mu.Lock()
			defer mu.Unlock()
			pids[r.PID]++
		})
	}
	wg.Wait()
	if len(pids) != 2 {
		t.Errorf("processes and their invocations: %v", pids)
	}
}
