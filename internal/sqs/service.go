package sqs

import (
	"context"
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
	Logger  *slog.Logger
}

// Service is SQS.
type Service struct {
	engine   *queue.Engine
	catalog  *catalog.Catalog
	limits   Limits
	config   Config
	logger   *slog.Logger
	receipts receipts

	mu     sync.RWMutex // guards the four below
	queues map[name]*Queue
	byID   map[uint64]*Queue
	// sources are the queues whose redrive policy names a dead-letter queue.
	sources map[name]map[name]struct{}
	tasks   map[string]*moveTask // by task id

	movers  sync.WaitGroup
	running context.Context // of background work
	stop    context.CancelFunc
}

// New returns the service. It must be made before the partitions start, so that
// it hears of the queues that the catalog loads; Start makes it ready.
func New(engine *queue.Engine, cat *catalog.Catalog, c Config) *Service {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Service{
		engine: engine, catalog: cat, config: c, limits: c.Limits.withDefaults(), logger: c.Logger,
		queues: make(map[name]*Queue), byID: make(map[uint64]*Queue),
		sources: make(map[name]map[name]struct{}), tasks: make(map[string]*moveTask),
	}
	s.running, s.stop = context.WithCancel(context.Background())
	cat.Watch(kindQueue, s.queueChanged)
	cat.Watch(kindMoveTask, s.moveTaskChanged)
	return s
}

// Start makes the service ready once the partitions run: it makes or reads the
// key of receipt handles and resumes message move tasks.
func (s *Service) Start(ctx context.Context) error {
	if err := s.loadReceiptKey(ctx); err != nil {
		return err
	}
	s.resumeMoveTasks()
	return nil
}

// Close ends background work. Move tasks go on at the next start.
func (s *Service) Close() {
	s.stop()
	s.movers.Wait()
}

var operations service.Table[*Service]

// Operations returns the service's operations for the gateway.
func (s *Service) Operations() *service.Service { return operations.Bind(sqsapi.Service, s) }
