package sns

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/queue"
	"github.com/spillway/spillway/internal/service"
	"github.com/spillway/spillway/internal/signing"
)

// Queues is Amazon SQS, as far as SNS needs it.
type Queues interface {
	// Prepare checks that a message may go into the queue with an ARN, and makes it
	// ready for the engine. The errors of package service say that it never will.
	Prepare(ctx context.Context, queueARN string, m *service.QueueMessage) (*queue.Queue, queue.Enqueue, error)
}

// Streams is Kinesis or Firehose, as far as SNS needs it. It has the errors of Queues.
type Streams interface {
	Put(ctx context.Context, streamARN, partitionKey string, data []byte) error
}

// Config of a Service.
type Config struct {
	Account string // of topics that the configuration declares
	// URL is what subscribers reach this server by, without a slash at its end; ""
	// for the one that callers use.
	URL string
	// CertificateURL replaces the URL of the signing certificate; "" for ours.
	CertificateURL string
	// Strict refuses what AWS does not have: the protocol kinesis.
	Strict bool
	// Kinesis and Firehose are nil while there is none.
	Kinesis, Firehose Streams
	Outbound          Outbound
	Logger            *slog.Logger
}

// Service is Amazon SNS.
type Service struct {
	engine  *queue.Engine
	catalog *catalog.Catalog
	queues  Queues
	config  Config
	logger  *slog.Logger
	signer  *signing.Signer
	work    *work
	stats   Stats

	mu      sync.RWMutex // guards the rest
	topics  map[name]*topic
	subs    map[subscriptionName]*subscription
	members map[name]*subscribers
	push    pushRegistry
	sms     map[zone]*smsRecord
	outbox  *queue.Queue // what nobody delivers, for people to look at
	direct  *queue.Queue // messages to one endpoint or number
}

// New returns the service. It must be made before the partitions start, so that it
// hears of what the catalog loads; Start makes it ready, after the signer has started.
func New(engine *queue.Engine, cat *catalog.Catalog, queues Queues, signer *signing.Signer, c Config) *Service {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Service{
		engine: engine, catalog: cat, queues: queues, signer: signer, config: c, logger: c.Logger,
		topics: make(map[name]*topic), subs: make(map[subscriptionName]*subscription), members: make(map[name]*subscribers),
		push: newPushRegistry(), sms: make(map[zone]*smsRecord),
	}
	s.work = newWork(s)
	cat.Watch(kindTopic, s.topicChanged)
	cat.Watch(kindSubscription, s.subscriptionChanged)
	cat.Watch(kindApplication, s.applicationChanged)
	cat.Watch(kindEndpoint, s.endpointChanged)
	cat.Watch(kindSMS, s.smsChanged)
	cat.Watch(kindOutbox, s.outboxChanged)
	return s
}

// Start begins to deliver.
func (s *Service) Start(ctx context.Context) error {
	if err := s.makeQueues(ctx); err != nil {
		return err
	}
	s.work.start()
	return nil
}

// Close ends deliveries. What is not delivered yet is at the next start.
func (s *Service) Close() { s.work.close() }

// current makes sure that what other nodes changed before is known here.
func (s *Service) current(ctx context.Context) error { return engineError(s.catalog.Refresh(ctx)) }

// findLimit bounds how long a call waits to find out whether something exists.
const findLimit = 5 * time.Second

// find returns a topic, or errNoTopic: not known here may mean that another node made
// it a moment ago.
func (s *Service) find(n name) (*topic, error) {
	return lookUp(s, func() *topic { return s.lookup(n) }, errNoTopic)
}

// findSubscription is find for subscriptions. Those that ended are not there, but for
// a while those whose topic was deleted (recorded).
func (s *Service) findSubscription(n subscriptionName) (*subscription, error) {
	return lookUp(s, func() *subscription {
		sub := s.lookupSubscription(n)
		if sub == nil || sub.Ended != 0 && (!sub.Orphan || time.Since(time.UnixMilli(sub.Ended)) > lingers) {
			return nil
		}
		return sub
	}, errNoSubscription)
}

// lookUp looks twice, the second time after this node knows what all others know.
func lookUp[T any](s *Service, look func() *T, missing func() error) (*T, error) {
	if found := look(); found != nil {
		return found, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), findLimit)
	defer cancel()
	if err := s.current(ctx); err != nil {
		return nil, err
	}
	if found := look(); found != nil {
		return found, nil
	}
	return nil, missing()
}

var operations service.Table[*Service]

// Operations returns the service's operations for the gateway.
func (s *Service) Operations() *service.Service {
	o := operations.Bind(snsapi.Service, s)
	o.Denied = snsapi.AuthorizationErrorException
	return o
}

// Reset deletes everything that tx knows of, in development.
func (s *Service) Reset(tx *catalog.Tx) {
	for _, kind := range []string{kindTopic, kindSubscription, kindSubscribed, kindApplication, kindEndpoint, kindToken, kindSMS} {
		for _, key := range s.catalog.Keys(kind) {
			tx.Delete(kind, key)
		}
	}
}
