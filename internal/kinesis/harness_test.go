package kinesis

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/iam"
	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/service"
	"github.com/spillway/spillway/internal/smithy"
	"github.com/spillway/spillway/internal/store"
	engine "github.com/spillway/spillway/internal/stream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	account = "000000000000"
	other   = "111111111111"
	region  = "us-east-1"
	arnOfS  = "arn:aws:kinesis:us-east-1:000000000000:stream/s"

	codeInvalid  = "InvalidArgumentException"
	codeMissing  = "ResourceNotFoundException"
	codeInUse    = "ResourceInUseException"
	codeLimit    = "LimitExceededException"
	codeRefused  = "ValidationException"
	codeDenied   = "AccessDeniedException"
	codeDryRun   = "DryRunOperationException"
	codeThrottle = "ProvisionedThroughputExceededException"
)

// fixture is the service on a store in memory. Its methods call operations as the
// gateway would, without HTTP, and fail the test on errors unless their name says
// otherwise.
type fixture struct {
	*testing.T
	*Service
	call   service.Call
	ahead  time.Duration // of the clock that calls are told
	store  *store.Store
	config Config
	close  func()
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
		fx := &fixture{T: t, store: st, call: rootCall(), config: Config{Account: account, ShardLimit: 20_000}}
		if testing.Verbose() {
			fx.config.Logger = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
		}
		for _, c := range change {
			c(&fx.config)
		}
		fx.start()
		defer func() {
			fx.close()
			if err := st.Close(); err != nil {
				t.Error(err)
			}
		}()
		f(fx)
	})
}

func rootCall() service.Call {
	return service.Call{
		Principal: &iam.Principal{Account: account, ARN: "arn:aws:iam::" + account + ":root", UserID: account, Root: true},
		Region:    region, BaseURL: "http://localhost:4566", Path: "/",
	}
}

// slowly has streams and consumers take a second to settle.
func slowly(c *Config) { c.Transition = time.Second }

func throttled(c *Config) { c.Throttle = true }

// start builds the service on the store, as package server does.
func (f *fixture) start() {
	f.Helper()
	set, err := partition.OpenSet(f.store, partition.Options{})
	if err != nil {
		f.Fatal(err)
	}
	cat := catalog.New(set.Catalog(), nil)
	e := engine.New(set, f.store, engine.Options{})
	f.Service = New(e, cat, f.config)
	if err := set.Start(); err != nil {
		f.Fatal(err)
	}
	if err := f.Start(context.Background()); err != nil {
		f.Fatal(err)
	}
	f.close = sync.OnceFunc(func() {
		e.Close()
		if err := set.Close(context.Background()); err != nil {
			f.Error(err)
		}
	})
}

// restart stops the service as package server does, and starts it again.
func (f *fixture) restart() {
	f.Helper()
	f.close()
	f.start()
}

// by is the fixture for the root of another account.
func (f *fixture) by(id string) *fixture {
	out := *f
	out.call.Principal = &iam.Principal{Account: id, ARN: "arn:aws:iam::" + id + ":root", UserID: id, Root: true}
	return &out
}

// in is the fixture for another region.
func (f *fixture) in(region string) *fixture {
	out := *f
	out.call.Region = region
	return &out
}

// admit does what the gateway does before an operation.
func (f *fixture) admit(op *smithy.Operation, in smithy.Shape) (*service.Operation, *service.Call, error) {
	f.Helper()
	of := f.Operations()
	o := of.Operations[op.Name]
	if o == nil || o.Shape != op {
		f.Fatalf("%s is not registered", op.Name)
	}
	c := f.call
	c.Now = time.Now().Add(f.ahead)
	c.Conditions = iam.Context{Now: c.Now, Region: c.Region}
	access, err := o.Access(&c, in)
	if err != nil {
		return nil, nil, err
	}
	if err := iam.Authorize(c.Principal, iam.Access(access), &c.Conditions); err != nil {
		return nil, nil, kinesisapi.AccessDeniedException.New(err.Error())
	}
	return o, &c, nil
}

// try calls an operation as the gateway does: authorization first, then the method.
func try[Out any](f *fixture, op *smithy.Operation, in smithy.Shape) (*Out, error) {
	f.Helper()
	o, c, err := f.admit(op, in)
	if err != nil {
		return nil, err
	}
	if o.Open != nil {
		events, err := o.Open(context.Background(), c, in)
		if err == nil {
			events.Close()
		}
		return nil, err
	}
	out, err := o.Invoke(context.Background(), c, in)
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

// refused calls an operation that must fail with a code and a text: the exact one, or
// its beginning if that ends with "...".
func (f *fixture) refused(op *smithy.Operation, in smithy.Shape, code, text string) {
	f.Helper()
	_, err := try[service.None](f, op, in)
	f.isError(err, code, text)
}

func (f *fixture) isError(err error, code, text string) {
	f.Helper()
	var e *smithy.APIError
	if !errors.As(err, &e) {
		f.Fatalf("got %v, want %s %q", err, code, text)
	}
	begin, short := strings.CutSuffix(text, "...")
	if e.Shape != code || e.Message != text && (!short || !strings.HasPrefix(e.Message, begin)) {
		f.Errorf("\n got %s %q,\nwant %s %q", e.Shape, e.Message, code, text)
	}
}

// wait lets virtual time pass.
func (f *fixture) wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// create makes a provisioned stream.
func (f *fixture) create(name string, shards int) {
	f.Helper()
	f.does(kinesisapi.CreateStream, &kinesisapi.CreateStreamInput{StreamName: &name, ShardCount: new(int32(shards))})
}

func (f *fixture) onDemand(name string) {
	f.Helper()
	f.does(kinesisapi.CreateStream, &kinesisapi.CreateStreamInput{
		StreamName: &name, StreamModeDetails: &kinesisapi.StreamModeDetails{StreamMode: new("ON_DEMAND")},
	})
}

func (f *fixture) summary(name string) *kinesisapi.StreamDescriptionSummary {
	f.Helper()
	return must[kinesisapi.DescribeStreamSummaryOutput](f, kinesisapi.DescribeStreamSummary, &kinesisapi.DescribeStreamSummaryInput{StreamName: &name}).StreamDescriptionSummary
}

func (f *fixture) status(name string) string { f.Helper(); return *f.summary(name).StreamStatus }

// shards lists all shards, or those of a filter.
func (f *fixture) shards(name string, filter ...*kinesisapi.ShardFilter) []kinesisapi.Shard {
	f.Helper()
	in := &kinesisapi.ListShardsInput{StreamName: &name}
	if len(filter) > 0 {
		in.ShardFilter = filter[0]
	}
	return must[kinesisapi.ListShardsOutput](f, kinesisapi.ListShards, in).Shards
}

// ids are the indexes of shards: "0 2 3".
func ids(shards []kinesisapi.Shard) string {
	var out []string
	for _, sh := range shards {
		index, _ := parseShardID(*sh.ShardId)
		out = append(out, strconv.Itoa(index))
	}
	return strings.Join(out, " ")
}

// record is a PutRecord, which tests change.
func record(stream, key, data string, change ...func(*kinesisapi.PutRecordInput)) *kinesisapi.PutRecordInput {
	in := &kinesisapi.PutRecordInput{StreamName: &stream, PartitionKey: &key, Data: []byte(data)}
	for _, c := range change {
		c(in)
	}
	return in
}

func (f *fixture) put(stream, key, data string, change ...func(*kinesisapi.PutRecordInput)) *kinesisapi.PutRecordOutput {
	f.Helper()
	return must[kinesisapi.PutRecordOutput](f, kinesisapi.PutRecord, record(stream, key, data, change...))
}

// hashed has a put say the hash key.
func hashed(key string) func(*kinesisapi.PutRecordInput) {
	return func(in *kinesisapi.PutRecordInput) { in.ExplicitHashKey = &key }
}

// from is a GetShardIterator, which tests change.
func from(stream, shard, kind string, change ...func(*kinesisapi.GetShardIteratorInput)) *kinesisapi.GetShardIteratorInput {
	in := &kinesisapi.GetShardIteratorInput{StreamName: &stream, ShardId: &shard, ShardIteratorType: &kind}
	for _, c := range change {
		c(in)
	}
	return in
}

func number(n string) func(*kinesisapi.GetShardIteratorInput) {
	return func(in *kinesisapi.GetShardIteratorInput) { in.StartingSequenceNumber = &n }
}

func timestamp(at time.Time) func(*kinesisapi.GetShardIteratorInput) {
	return func(in *kinesisapi.GetShardIteratorInput) { in.Timestamp = &at }
}

func (f *fixture) iterator(stream, shard, kind string, change ...func(*kinesisapi.GetShardIteratorInput)) string {
	f.Helper()
	return *must[kinesisapi.GetShardIteratorOutput](f, kinesisapi.GetShardIterator, from(stream, shard, kind, change...)).ShardIterator
}

func (f *fixture) get(iterator string) *kinesisapi.GetRecordsOutput {
	f.Helper()
	return must[kinesisapi.GetRecordsOutput](f, kinesisapi.GetRecords, &kinesisapi.GetRecordsInput{ShardIterator: &iterator})
}

// data are the records' data: "[a b]".
func data(records []kinesisapi.Record) string {
	out := []string{}
	for _, r := range records {
		out = append(out, string(r.Data))
	}
	return fmt.Sprint(out)
}

// reads wants the data of a shard from a place on, up to its tip.
func (f *fixture) reads(want, stream, shard, kind string, change ...func(*kinesisapi.GetShardIteratorInput)) []kinesisapi.Record {
	f.Helper()
	out := f.get(f.iterator(stream, shard, kind, change...))
	if got := data(out.Records); got != want {
		f.Errorf("%s %s %s: %s, want %s", stream, shard, kind, got, want)
	}
	return out.Records
}

func (f *fixture) split(stream, shard, at string) {
	f.Helper()
	f.does(kinesisapi.SplitShard, &kinesisapi.SplitShardInput{StreamName: &stream, ShardToSplit: &shard, NewStartingHashKey: &at})
}

func (f *fixture) merge(stream, a, b string) {
	f.Helper()
	f.does(kinesisapi.MergeShards, &kinesisapi.MergeShardsInput{StreamName: &stream, ShardToMerge: &a, AdjacentShardToMerge: &b})
}

func (f *fixture) resize(stream string, n int) *kinesisapi.UpdateShardCountOutput {
	f.Helper()
	return must[kinesisapi.UpdateShardCountOutput](f, kinesisapi.UpdateShardCount, count(stream, n))
}

func count(stream string, n int) *kinesisapi.UpdateShardCountInput {
	return &kinesisapi.UpdateShardCountInput{StreamName: &stream, TargetShardCount: new(int32(n)), ScalingType: new("UNIFORM_SCALING")}
}

func (f *fixture) retain(stream string, from, to int) {
	f.Helper()
	if to > from {
		f.does(kinesisapi.IncreaseStreamRetentionPeriod, &kinesisapi.IncreaseStreamRetentionPeriodInput{StreamName: &stream, RetentionPeriodHours: new(int32(to))})
		return
	}
	f.does(kinesisapi.DecreaseStreamRetentionPeriod, &kinesisapi.DecreaseStreamRetentionPeriodInput{StreamName: &stream, RetentionPeriodHours: new(int32(to))})
}

// half is the middle of all hash keys: where the second of two shards begins.
const half = "170141183460469231731687303715884105728"
