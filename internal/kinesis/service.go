package kinesis

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/service"
	"github.com/spillway/spillway/internal/smithy"
	engine "github.com/spillway/spillway/internal/stream"
)

// Config of a Service.
type Config struct {
	Account string // of streams that the configuration declares
	// Transition is how long streams stay in CREATING, UPDATING and DELETING, and
	// consumers in CREATING; 0 for not at all.
	Transition time.Duration
	// ShardLimit bounds the open shards of an account in a region.
	ShardLimit int
	// Throttle has shards refuse what is above AWS's rates.
	Throttle bool
	Logger   *slog.Logger
}

// Service is Amazon Kinesis Data Streams.
type Service struct {
	engine  *engine.Engine
	catalog *catalog.Catalog
	config  Config
	logger  *slog.Logger
	seal    sealer
	rates   rates
	fanOut  fanOut

	mu        sync.RWMutex // guards the rest
	streams   map[name]*stream
	consumers map[name]map[string]*consumer
}

// New returns the service. It must be made before the partitions start, so that it
// hears of the streams that the catalog loads; Start makes it ready.
func New(e *engine.Engine, cat *catalog.Catalog, c Config) *Service {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Service{
		engine: e, catalog: cat, config: c, logger: c.Logger,
		streams: make(map[name]*stream), consumers: make(map[name]map[string]*consumer),
	}
	s.rates.byShard = make(map[uint64]*rate)
	s.fanOut.active = make(map[subscriptionKey]*subscription)
	cat.Watch(kindStream, s.streamChanged)
	cat.Watch(kindConsumer, s.consumerChanged)
	return s
}

// Start makes the service ready once the partitions run.
func (s *Service) Start(ctx context.Context) error {
	secret, err := s.catalog.Secret(ctx, kindKey, "iterator")
	if err != nil {
		return err
	}
	return s.seal.init(secret)
}

// current makes sure that what other nodes changed before is known here.
func (s *Service) current(ctx context.Context) error { return engineError(s.catalog.Refresh(ctx)) }

// findLimit bounds how long a call waits to find out whether something exists.
const findLimit = 5 * time.Second

// find returns a stream: not known here may mean that another node made it a moment ago.
// A resharding that was interrupted is completed first.
func (s *Service) find(n name) (*stream, error) {
	x, err := s.known(n)
	if err != nil || x.Reshard == nil {
		return x, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), findLimit)
	defer cancel()
	if err := s.finishReshard(ctx, n); err != nil {
		s.logger.Warn("resharding could not be completed", "stream", n.arn(), "error", err)
	}
	return s.known(n)
}

// shown is find for the operations that show what there is, or change what they were
// shown: with all that other nodes changed before.
func (s *Service) shown(ctx context.Context, n name) (*stream, error) {
	if err := s.current(ctx); err != nil {
		return nil, err
	}
	return s.find(n)
}

func (s *Service) known(n name) (*stream, error) {
	look := func() *stream {
		if x := s.lookup(n); x != nil && !x.deleted(time.Now().UnixMilli()) {
			return x
		}
		return nil
	}
	if x := look(); x != nil {
		return x, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), findLimit)
	defer cancel()
	if err := s.current(ctx); err != nil {
		return nil, err
	}
	if x := look(); x != nil {
		return x, nil
	}
	return nil, n.missing()
}

// shared are the operations that policies of streams and consumers can open to other
// accounts: those that AWS's examples of cross-account access name.
var shared = map[string]bool{
	"DescribeStream": true, "DescribeStreamSummary": true, "GetShardIterator": true, "PutRecord": true, "PutRecords": true,
	"DescribeStreamConsumer": true, "SubscribeToShard": true, // and ListShards, GetRecords
}

// on returns the authorization of an operation on the stream that its input names.
func on[In any](action string, named func(*In) (streamName, streamARN *string)) func(*Service, *service.Call, *In) (service.Access, error) {
	return func(s *Service, c *service.Call, in *In) (service.Access, error) {
		if err := validate(in); err != nil {
			return service.Access{}, err
		}
		byName, byARN := named(in)
		n, err := streamName(c, byName, byARN)
		if err != nil {
			return service.Access{}, err
		}
		a := service.Access{Action: "kinesis:" + action, Resource: n.arn(), Owner: n.account, OwnerOnly: !shared[action]}
		if x := s.lookup(n); x != nil {
			a.Policy = x.policy
		}
		return a, nil
	}
}

// inAccount returns the authorization of an operation on the account.
func inAccount[In any](action string) func(*Service, *service.Call, *In) (service.Access, error) {
	return func(_ *Service, _ *service.Call, in *In) (service.Access, error) {
		return service.Access{Action: "kinesis:" + action, Resource: "*", OwnerOnly: true}, validate(in)
	}
}

func validate(in any) error {
	if v, ok := in.(smithy.Shape); ok {
		return smithy.Validate(v)
	}
	return nil
}

// engineError maps errors of what is below.
func engineError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, partition.ErrDiskFull):
		e := kinesisapi.InternalFailureException.New("The server is short of disk space. Try again later.")
		e.Hint = "free disk space, or raise min-free-bytes"
		return e
	case errors.Is(err, partition.ErrBusy), errors.Is(err, partition.ErrStopped), errors.Is(err, partition.ErrNotOwner):
		return smithy.ServiceUnavailable.New("The request has failed due to a temporary failure of the server.")
	}
	return err
}

// errDone is returned by a change that finds itself made already.
var errDone = errors.New("done")

// change changes the record of a stream that exists. The change is durable and in force
// when it returns; an error from change leaves everything as it was.
func (s *Service) change(ctx context.Context, x *stream, change func(tx *catalog.Tx, r *streamRecord) error) error {
	return engineError(s.catalog.Update(ctx, func(tx *catalog.Tx) error {
		r, ok, err := get[streamRecord](tx, kindStream, x.key())
		if err != nil {
			return err
		}
		if !ok || r.ID != x.ID {
			return x.missing()
		}
		if err := change(tx, &r); err != nil {
			return err
		}
		return put(tx, kindStream, x.key(), &r)
	}))
}

// update sets the state of a stream's record that is being changed, unless it is in
// another one.
func (s *Service) update(n name, r *streamRecord, now time.Time) error {
	if err := n.needActive(r, now); err != nil {
		return err
	}
	r.State, r.Until = s.transition(stateUpdating, now)
	return nil
}

// transition is a state and its end. Without transitions there is neither: the clocks of
// nodes differ.
func (s *Service) transition(to string, now time.Time) (state string, until int64) {
	if s.config.Transition == 0 {
		return "", 0
	}
	return to, now.Add(s.config.Transition).UnixMilli()
}

// needActive refuses what a stream that is not active does not take.
func (n name) needActive(r *streamRecord, now time.Time) error {
	if state := r.state(now.UnixMilli()); state != stateActive {
		return kinesisapi.ResourceInUseException.Newf("Stream %s under account %s not ACTIVE, instead in state %s", n.stream, n.account, state)
	}
	return nil
}

var operations service.Table[*Service]

// Operations returns the service's operations for the gateway.
func (s *Service) Operations() *service.Service { return operations.Bind(kinesisapi.Service, s) }

// Reset deletes everything that tx knows of, in development.
func (s *Service) Reset(tx *catalog.Tx) {
	for _, kind := range []string{kindStream, kindConsumer, kindAccount} {
		for _, key := range s.catalog.Keys(kind) {
			tx.Delete(kind, key)
		}
	}
}
