package sns

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/iam"
	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/queue"
	"github.com/spillway/spillway/internal/service"
	"github.com/spillway/spillway/internal/signing"
	"github.com/spillway/spillway/internal/smithy"
	"github.com/spillway/spillway/internal/sqs"
	"github.com/spillway/spillway/internal/store"
)

func TestMain(m *testing.M) {
	var err error
	if testKey, err = signing.NewRecord(time.Now()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// testKey signs what tests publish: making a key takes long.
var testKey []byte

const (
	account = "000000000000"
	other   = "111111111111"
	region  = "us-east-1"
	baseURL = "http://localhost:4566"
)

// fixture is the service on a store, with the real SQS below it and endpoints that only
// write down what they get. Its methods call operations as the gateway would, without
// HTTP, and fail the test on errors unless their name says otherwise.
type fixture struct {
	*testing.T
	*Service
	sqs     *sqs.Service
	keys    *signing.Signer
	catalog *catalog.Catalog
	call    service.Call
	out     *endpoints
	gate    *gate
	ahead   time.Duration // of the clock, what calls are told: for days, in which much would happen
	store   *store.Store
	change  func(*Config)
	close   func()
}

// virtually runs a test in virtual time with a fresh service.
func virtually(t *testing.T, f func(f *fixture), change ...func(*Config)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		st, err := store.Open(store.Options{Memory: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := st.Close(); err != nil {
				t.Error(err)
			}
		})
		f(newFixture(t, st, change...))
	})
}

func newFixture(t *testing.T, st *store.Store, change ...func(*Config)) *fixture {
	t.Helper()
	return newFixtureOf(t, st, newEndpoints(), change...)
}

// newFixtureOf is newFixture with endpoints that are there already.
func newFixtureOf(t *testing.T, st *store.Store, out *endpoints, change ...func(*Config)) *fixture {
	t.Helper()
	f := &fixture{T: t, out: out, gate: &gate{lost: map[string]bool{}}, call: service.Call{
		Principal: &iam.Principal{Account: account, ARN: "arn:aws:iam::" + account + ":root", UserID: account, Root: true},
		Region:    region, BaseURL: baseURL, Path: "/",
	}, change: func(c *Config) {
		for _, f := range change {
			f(c)
		}
	}}
	f.start(st)
	t.Cleanup(func() { f.close() })
	return f
}

// restart stops the service as package server does, and starts it again.
func (f *fixture) restart() {
	f.Helper()
	f.close()
	f.start(f.store)
}

// forgetKey has the next signature make a key.
func (f *fixture) forgetKey() {
	f.Helper()
	err := f.catalog.Update(context.Background(), func(tx *catalog.Tx) error {
		tx.Delete(signing.Kind, signing.Record)
		return nil
	})
	if err != nil {
		f.Fatal(err)
	}
	f.signWith(1)
}

// signWith has a new signer sign, so many at a time before a message is stored.
func (f *fixture) signWith(early int) {
	f.Helper()
	f.keys = signing.New(f.catalog, early)
	f.signer = f.keys
	if err := f.keys.Start(context.Background()); err != nil {
		f.Fatal(err)
	}
}

// start builds the service on a store, as package server does.
func (f *fixture) start(st *store.Store) {
	f.Helper()
	f.store = st
	set, err := partition.OpenSet(st, partition.Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.catalog = catalog.New(set.Catalog(), nil)
	engine := queue.New(set, st, queue.Options{})
	f.keys = signing.New(f.catalog, 1)
	f.sqs = sqs.New(engine, f.catalog, sqs.Config{Account: account, Sign: func(ctx context.Context, hash crypto.Hash, sum []byte) (string, error) {
		return f.keys.Sign(ctx, hash, sum)
	}})
	config := Config{Account: account, Outbound: f.out.outbound(), Firehose: f.out.stream("firehose"), Kinesis: f.out.stream("kinesis")}
	if testing.Verbose() {
		config.Logger = slog.New(slog.NewTextHandler(f.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	f.change(&config)
	f.gate.Queues = f.sqs
	f.Service = New(engine, f.catalog, f.gate, f.keys, config)
	if err := set.Start(); err != nil {
		f.Fatal(err)
	}
	engine.Start()
	if err := f.sqs.Start(context.Background()); err != nil {
		f.Fatal(err)
	}
	f.sqs.Lead(true)
	err = f.catalog.Update(context.Background(), func(tx *catalog.Tx) error {
		if _, ok := tx.Get(signing.Kind, signing.Record); !ok {
			tx.Put(signing.Kind, signing.Record, testKey)
		}
		return nil
	})
	if err != nil {
		f.Fatal(err)
	}
	if err := f.keys.Start(context.Background()); err != nil {
		f.Fatal(err)
	}
	if err := f.Service.Start(context.Background()); err != nil {
		f.Fatal(err)
	}
	f.close = sync.OnceFunc(func() {
		f.Service.Close()
		f.sqs.Close()
		engine.Close()
		if err := set.Close(context.Background()); err != nil {
			f.Error(err)
		}
	})
}

// gate is between the service and SQS: some queues cannot be asked for a while, as when
// their owner is lost.
type gate struct {
	Queues

	mu     sync.Mutex // guards the rest
	lost   map[string]bool
	rng    *rand.Rand // if set, any queue now and then
	failed int
}

var errLost = errors.New("the queue cannot be asked now")

func (g *gate) set(arn string, lost bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lost[arn] = lost
}

// shake loses every queue now and then.
func (g *gate) shake() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.rng = rand.New(rand.NewPCG(1, 2))
}

// Prepare implements Queues.
func (g *gate) Prepare(ctx context.Context, arn string, m *service.QueueMessage) (*queue.Queue, queue.Enqueue, error) {
	g.mu.Lock()
	fail := g.lost[arn] || g.rng != nil && g.rng.IntN(5) == 0
	if fail {
		g.failed++
	}
	g.mu.Unlock()
	if fail {
		return nil, queue.Enqueue{}, errLost
	}
	return g.Queues.Prepare(ctx, arn, m)
}

// as is the fixture for another caller.
func (f *fixture) as(p *iam.Principal) *fixture {
	out := *f
	out.call.Principal = p
	return &out
}

// by is the fixture for the root of another account.
func (f *fixture) by(id string) *fixture {
	return f.as(&iam.Principal{Account: id, ARN: "arn:aws:iam::" + id + ":root", UserID: id, Root: true})
}

// in is the fixture for another region.
func (f *fixture) in(region string) *fixture {
	out := *f
	out.call.Region = region
	return &out
}

// try calls an operation as the gateway does: authorization first, then the method.
func try[Out any](f *fixture, op *smithy.Operation, in smithy.Shape) (*Out, error) {
	f.Helper()
	of := f.Operations()
	o := of.Operations[op.Name]
	if o == nil || o.Shape != op {
		of = f.sqs.Operations()
		o = of.Operations[op.Name]
	}
	if o == nil || o.Shape != op {
		f.Fatalf("%s is not registered", op.Name)
	}
	c := f.call
	c.Now = time.Now().Add(f.ahead)
	c.Conditions = iam.Context{Now: c.Now, Region: c.Region}
	access, err := o.Access(&c, in)
	if err != nil {
		return nil, err
	}
	if access != (service.Access{}) {
		if err := iam.Authorize(c.Principal, iam.Access(access), &c.Conditions); err != nil {
			var api *smithy.APIError
			if errors.As(err, &api) {
				return nil, of.Denied.New(api.Message)
			}
			return nil, err
		}
	}
	out, err := o.Invoke(context.Background(), &c, in)
	if err != nil || out == nil {
		return nil, err
	}
	typed, _ := any(out).(*Out) // refused does not say the type
	return typed, nil
}

func must[Out any](f *fixture, op *smithy.Operation, in smithy.Shape) *Out {
	f.Helper()
	out, err := try[Out](f, op, in)
	if err != nil {
		f.Fatalf("%s: %v", op.Name, err)
	}
	return out
}

// does is must for operations without an output.
func (f *fixture) does(op *smithy.Operation, in smithy.Shape) {
	f.Helper()
	must[service.None](f, op, in)
}

// refused calls an operation that must fail with a code and a text.
func (f *fixture) refused(op *smithy.Operation, in smithy.Shape, code, text string) {
	f.Helper()
	_, err := try[service.None](f, op, in)
	f.isError(err, code, text)
}

// isError wants the exact text, or its beginning if that ends with "...".
func (f *fixture) isError(err error, code, text string) {
	f.Helper()
	var e *smithy.APIError
	if !errors.As(err, &e) {
		f.Fatalf("got %v, want %s", err, code)
	}
	begin, short := strings.CutSuffix(text, "...")
	if e.Code != code || e.Message != text && (!short || !strings.HasPrefix(e.Message, begin)) {
		f.Errorf("\n got %s %q,\nwant %s %q", e.Code, e.Message, code, text)
	}
}

// invalid wants InvalidParameter.
func (f *fixture) invalid(op *smithy.Operation, in smithy.Shape, text string) {
	f.Helper()
	f.refused(op, in, "InvalidParameter", text)
}

// wait lets virtual time pass.
func (f *fixture) wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
