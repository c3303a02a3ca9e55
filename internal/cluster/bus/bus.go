package bus

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/spillway/spillway/internal/pause"
)

// Config of a Bus.
type Config struct {
	Cluster string   // name of the cluster
	Node    string   // this node's id, unique in the cluster
	Listen  string   // HOST:PORT for the other nodes
	Peers   []string // HOST:PORT of all nodes; may include this one
	// ClientListen is HOST:PORT where the `nats` CLI may connect; "" for none.
	ClientListen string
	Secret       string // shared by all nodes; never empty
	Dir          string // folder of JetStream's files
	Logger       *slog.Logger
}

const (
	pollEvery = 50 * time.Millisecond
	apiTime   = 3 * time.Second // for one answer of JetStream's API
	flushTime = time.Second     // for what was sent last to leave
	drainPoll = 2 * time.Millisecond
	ackTime   = 30 * time.Second
	maxAcks   = 1 << 16 // appends that may be on their way
)

// Bus is one node's end. Its methods may be called from any goroutine.
type Bus struct {
	config Config
	logger *slog.Logger
	log    *serverLog
	server *server.Server
	conn   *nats.Conn // of the logs' account
	admin  *nats.Conn // of the system account
	js     jetstream.JetStream

	asks    *asker
	answers *answerer

	ctx     context.Context // ends with Close
	stop    context.CancelFunc
	running atomic.Int64 // requests in work
	most    int64        // of them; maxCalls but in tests
	once    sync.Once

	mu     sync.Mutex           // guards closed, subs, and that nothing is added to work after closed
	closed bool                 // Close was called
	subs   []*nats.Subscription // for calls and broadcasts
	work   sync.WaitGroup       // functions that messages started
}

// Start starts the embedded server and connects to it. It does not wait for other
// nodes.
func Start(ctx context.Context, c Config) (_ *Bus, err error) {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	fastElections(c.Logger)
	b := &Bus{config: c, logger: c.Logger, log: newServerLog(c.Logger), most: maxCalls, asks: newAsker(c.Logger)}
	b.answers = &answerer{b: b, boxes: map[string]*replyBox{}}
	b.ctx, b.stop = context.WithCancel(context.Background())
	defer func() {
		if err != nil {
			b.Close()
		}
	}()
	secrets, err := derive(c.Secret, c.Cluster)
	if err != nil {
		return nil, err
	}
	secrets.clients = c.clientPassword()
	options, err := c.options(secrets)
	if err != nil {
		return nil, err
	}
	if b.server, err = server.NewServer(options); err != nil {
		return nil, fmt.Errorf("cluster: %w", err)
	}
	b.server.SetLoggerV2(b.log, false, false, false)
	b.server.Start()
	if err := b.started(ctx); err != nil {
		return nil, err
	}
	broken := nats.DisconnectErrHandler(func(*nats.Conn, error) { b.asks.cut(nats.ErrDisconnected, false) })
	if b.conn, err = b.connect(userLogs, secrets.clients, broken); err != nil {
		return nil, err
	}
	if err = b.asks.start(b.conn); err != nil {
		return nil, err
	}
	if b.admin, err = b.connect(userAdmin, secrets.clients); err != nil {
		return nil, err
	}
	b.js, err = jetstream.New(b.conn, jetstream.WithPublishAsyncMaxPending(maxAcks), jetstream.WithPublishAsyncTimeout(ackTime))
	return b, err
}

// connect is in process: no port is involved.
func (b *Bus) connect(user, password string, more ...nats.Option) (*nats.Conn, error) {
	conn, err := nats.Connect("", append(more, nats.InProcessServer(b.server), nats.UserInfo(user, password), nats.Name("spillway "+b.config.Node),
		nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond), nats.ReconnectBufSize(-1),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			b.logger.Warn("cluster connection", "error", err)
		}))...)
	if err != nil {
		return nil, fmt.Errorf("cluster: connect to the embedded server: %w", err)
	}
	return conn, nil
}

// Node is this node's id.
func (b *Bus) Node() string { return b.config.Node }

// Ready returns when JetStream has a leader and this node has caught up with it.
func (b *Bus) Ready(ctx context.Context) error {
	for {
		if b.server.JetStreamIsCurrent() {
			asking, cancel := context.WithTimeout(ctx, apiTime)
			_, err := b.js.AccountInfo(asking)
			cancel()
			if err == nil {
				return nil
			}
		}
		if !pause.For(ctx, pollEvery) {
			return ctx.Err()
		}
	}
}

// Close leaves: it ends requests in work, gives up the lead of logs and stops the
// server. Nothing that a message started runs afterwards.
func (b *Bus) Close() {
	b.once.Do(func() {
		b.mu.Lock()
		b.closed = true
		b.mu.Unlock()
		b.stop()
		b.work.Wait()
		b.unsubscribe()
		for _, conn := range []*nats.Conn{b.conn, b.admin} {
			if conn != nil {
				_ = conn.FlushTimeout(flushTime) // the last answers, if they can leave
				conn.Close()
			}
		}
		b.asks.close()
		if b.server != nil {
			b.server.Shutdown()
			b.server.WaitForShutdown()
		}
	})
}

// unsubscribe has callers refused who called before they could know: otherwise they
// would wait for an answer until their deadline.
func (b *Bus) unsubscribe() {
	b.mu.Lock()
	subs := b.subs
	b.mu.Unlock()
	for _, sub := range subs {
		_ = sub.Drain() // it is not valid then, as it should be
	}
	waiting, cancel := context.WithTimeout(context.Background(), flushTime)
	defer cancel()
	for _, sub := range subs {
		for sub.IsValid() && pause.For(waiting, drainPoll) {
		}
	}
}

// subscribe has f called for each message on a subject, in a goroutine of the
// connection. Others find it when it returns.
func (b *Bus) subscribe(subject string, f nats.MsgHandler) (*nats.Subscription, error) {
	sub, err := b.conn.Subscribe(subject, f)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	b.subs = append(b.subs, sub)
	b.mu.Unlock()
	return sub, b.conn.FlushTimeout(apiTime)
}

// enter counts a function that a message starts; the caller ends it with
// b.work.Done. It is false if the bus is closing: then nothing may be started.
func (b *Bus) enter() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false
	}
	b.work.Add(1)
	return true
}
