package sqs

import (
	"context"
	"crypto"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/queue"
	"github.com/spillway/spillway/internal/service"
)

// Limits are the quotas of SQS that self-hosters may raise (facts-sqs.md section
// 11). Zero values mean AWS's.
type Limits struct {
	MaxMessageBytes int // largest MaximumMessageSize, and of a batch: 1,048,576
	MaxInFlight     int // of a queue: 120,000
	MaxReceive      int // messages of one ReceiveMessage: 10
}

func (l Limits) withDefaults() Limits {
	if l.MaxMessageBytes == 0 {
		l.MaxMessageBytes = 1 << 20
	}
	if l.MaxInFlight == 0 {
		l.MaxInFlight = 120_000
	}
	if l.MaxReceive == 0 {
		l.MaxReceive = 10
	}
	return l
}

// Config of a Service.
type Config struct {
	Limits Limits
	// DeleteCooldown is how long a deleted queue's name cannot be used again, and
	// PurgeCooldown the pause between two purges of a queue. AWS: 60 s each.
	DeleteCooldown, PurgeCooldown time.Duration
	// Account owns queues that are declared without one.
	Account string
	// Sign makes the signature of a message that was stored without: needed if other
	// services send any. A second time it costs nothing for a while.
	Sign   func(ctx context.Context, hash crypto.Hash, sum []byte) (string, error)
	Logger *slog.Logger
}

// Service is SQS.
type Service struct {
	engine   *queue.Engine
	catalog  *catalog.Catalog
	limits   Limits
	config   Config
	logger   *slog.Logger
	receipts receipts

	mu     sync.RWMutex // guards the rest
	queues map[name]*Queue
	byID   map[uint64]*Queue
	// sources are the queues whose redrive policy names a dead-letter queue.
	sources map[name]map[name]struct{}
	tasks   map[string]*moveTask // by task id
	leading *leading             // nil while another node runs the move tasks
	closed  bool
}

var errSealed = errors.New("sqs: nobody signs the message")

// New returns the service. It must be made before the partitions start, so that
// it hears of the queues that the catalog loads; Start makes it ready.
func New(engine *queue.Engine, cat *catalog.Catalog, c Config) *Service {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Sign == nil {
		c.Sign = func(context.Context, crypto.Hash, []byte) (string, error) { return "", errSealed }
	}
	s := &Service{
		engine: engine, catalog: cat, config: c, limits: c.Limits.withDefaults(), logger: c.Logger,
		queues: make(map[name]*Queue), byID: make(map[uint64]*Queue),
		sources: make(map[name]map[name]struct{}), tasks: make(map[string]*moveTask),
	}
	cat.Watch(kindQueue, s.queueChanged)
	cat.Watch(kindMoveTask, s.moveTaskChanged)
	return s
}

// Start makes the service ready once the partitions run: it makes or reads the
// key of receipt handles.
func (s *Service) Start(ctx context.Context) error { return s.loadReceiptKey(ctx) }

// Close ends background work. Move tasks go on at the next start.
func (s *Service) Close() {
	s.mu.Lock()
	s.closed = true // the catalog may come to this node once more
	s.mu.Unlock()
	s.Lead(false)
}

// current makes sure that what other nodes changed before is known here, for
// operations that show what exists.
func (s *Service) current(ctx context.Context) error { return engineError(s.catalog.Refresh(ctx)) }

// findLimit bounds how long a call waits to find out whether a queue exists.
const findLimit = 5 * time.Second

// find returns a queue by name, nil if there is none: not known here may mean that
// another node made it a moment ago.
func (s *Service) find(n name) (*Queue, error) { return s.findWithin(context.Background(), n) }

func (s *Service) findWithin(ctx context.Context, n name) (*Queue, error) {
	if q := s.lookup(n); q != nil {
		return q, nil
	}
	ctx, cancel := context.WithTimeout(ctx, findLimit)
	defer cancel()
	if err := s.current(ctx); err != nil {
		return nil, err
	}
	return s.lookup(n), nil
}

var operations service.Table[*Service]

// Operations returns the service's operations for the gateway.
func (s *Service) Operations() *service.Service { return operations.Bind(sqsapi.Service, s) }
