package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Config of a Bus.
type Config struct {
	Cluster string   // name of the cluster
	Node    string   // this node's id, unique in the cluster
	Listen  string   // HOST:PORT for the other nodes
	Peers   []string // HOST:PORT of all nodes; may include this one
	// ClientListen is HOST:PORT where the `nats` CLI may connect; "" for any free
	// port on loopback.
	ClientListen string
	Secret       string // shared by all nodes; never empty
	Dir          string // folder of JetStream's files
	Logger       *slog.Logger
}

const (
	maxPayload = 32 << 20  // bytes of a message: the largest answer of a Receive, and room
	maxPending = 256 << 20 // bytes that may wait for a connection
	userLogs   = "spillway"
	userAdmin  = "admin"
	account    = "$G" // of the logs: nats-server's only one besides the system's
	systemName = "$SYS"

	routePing = 2 * time.Second // a route that does not answer two is closed
	pollEvery = 50 * time.Millisecond
	apiTime   = 3 * time.Second // for one answer of JetStream's API
)

// Bus is one node's end. Its methods may be called from any goroutine.
type Bus struct {
	config Config
	logger *slog.Logger
	server *server.Server
	conn   *nats.Conn // of the logs' account
	admin  *nats.Conn // of the system account
	js     jetstream.JetStream

	ctx     context.Context // ends with Close
	stop    context.CancelFunc
	calls   sync.WaitGroup // requests in work
	running atomic.Int64   // of them
	once    sync.Once
}

// Start starts the embedded server and connects to it. It does not wait for other
// nodes.
func Start(ctx context.Context, c Config) (_ *Bus, err error) {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	fastElections(c.Logger)
	b := &Bus{config: c, logger: c.Logger}
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
	options, err := b.options(secrets)
	if err != nil {
		return nil, err
	}
	if b.server, err = server.NewServer(options); err != nil {
		return nil, fmt.Errorf("cluster: %w", err)
	}
	b.server.SetLoggerV2(&serverLog{logger: c.Logger}, false, false, false)
	b.server.Start()
	if err := b.started(ctx); err != nil {
		return nil, err
	}
	if b.conn, err = b.connect(userLogs, secrets.clients); err != nil {
		return nil, err
	}
	if b.admin, err = b.connect(userAdmin, secrets.clients); err != nil {
		return nil, err
	}
	b.js, err = jetstream.New(b.conn, jetstream.WithPublishAsyncMaxPending(1<<16), jetstream.WithPublishAsyncTimeout(30*time.Second))
	return b, err
}

// options are those of the embedded server.
func (b *Bus) options(secrets *credentials) (*server.Options, error) {
	c := b.config
	host, port, err := splitAddress(c.Listen)
	if err != nil {
		return nil, err
	}
	routeTLS, err := secrets.routeTLS(c.Node)
	if err != nil {
		return nil, err
	}
	system := server.NewAccount(systemName)
	o := &server.Options{
		ServerName: c.Node, NoSigs: true, NoLog: true,
		// Without a port for clients nats-server does not open the one for routes.
		Host: "127.0.0.1", Port: server.RANDOM_PORT,
		MaxPayload: maxPayload, MaxPending: maxPending,
		JetStream: true, StoreDir: c.Dir, SyncAlways: true,
		JetStreamMaxMemory: 64 << 20, JetStreamMaxStore: 1 << 50, // the disk is the limit, and package store watches it
		Accounts: []*server.Account{system}, SystemAccount: systemName,
		Users: []*server.User{
			{Username: userLogs, Password: secrets.clients},
			{Username: userAdmin, Password: secrets.clients, Account: system},
		},
		Cluster: server.ClusterOpts{
			Name: c.Cluster, Host: host, Port: port, PoolSize: 3, Username: "route", Password: secrets.routes,
			AuthTimeout: 5, TLSConfig: routeTLS, TLSTimeout: 5, PingInterval: routePing, MaxPingsOut: 2,
			NoAdvertise: true,
		},
	}
	for _, peer := range c.Peers {
		if _, _, err := splitAddress(peer); err != nil {
			return nil, err
		}
		o.Routes = append(o.Routes, &url.URL{Scheme: "nats", User: url.UserPassword("route", secrets.routes), Host: peer})
	}
	if c.ClientListen != "" {
		if o.Host, o.Port, err = splitAddress(c.ClientListen); err != nil {
			return nil, err
		}
		if o.TLSConfig, err = secrets.clientTLS(c.Node, o.Host); err != nil {
			return nil, err
		}
	}
	return o, nil
}

func splitAddress(address string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(address)
	if err == nil {
		port, err = strconv.Atoi(text)
	}
	if err != nil {
		return "", 0, fmt.Errorf("cluster address %q is not HOST:PORT: %w", address, err)
	}
	return host, port, nil
}

// started waits for the server to run, and makes sure that JetStream syncs.
func (b *Bus) started(ctx context.Context) error {
	for !b.server.ReadyForConnections(pollEvery) {
		if ctx.Err() != nil {
			return fmt.Errorf("cluster: the embedded server did not start: %w", ctx.Err())
		}
		if !b.server.Running() {
			return errors.New("cluster: the embedded server stopped at once: see the log (is the port taken?)")
		}
	}
	if c := b.server.JetStreamConfig(); c == nil || !c.SyncAlways {
		return errors.New("cluster: JetStream does not run, or does not sync every write: refusing to go on")
	}
	return nil
}

// connect is in process: no port is involved.
func (b *Bus) connect(user, password string) (*nats.Conn, error) {
	conn, err := nats.Connect("", nats.InProcessServer(b.server), nats.UserInfo(user, password), nats.Name("spillway "+b.config.Node),
		nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond), nats.ReconnectBufSize(-1),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			b.logger.Warn("cluster connection", "error", err)
		}))
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
		if !pause(ctx, pollEvery) {
			return ctx.Err()
		}
	}
}

// Close leaves: it ends requests in work, and stops the server.
func (b *Bus) Close() {
	b.once.Do(func() {
		b.stop()
		if b.conn != nil {
			b.conn.Close()
		}
		if b.admin != nil {
			b.admin.Close()
		}
		b.calls.Wait()
		if b.server != nil {
			b.server.Shutdown()
			b.server.WaitForShutdown()
		}
	})
}

// pause waits, and reports whether ctx goes on.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// serverLog is nats-server's log in ours.
type serverLog struct{ logger *slog.Logger }

// Noticef implements server.Logger, as do the methods below.
func (l *serverLog) Noticef(format string, v ...any) { l.logger.Debug(l.line(format, v)) }
func (l *serverLog) Warnf(format string, v ...any) {
	l.logger.Debug(l.line(format, v), "level", "warn")
}
func (l *serverLog) Errorf(format string, v ...any) { l.logger.Warn(l.line(format, v)) }
func (l *serverLog) Fatalf(format string, v ...any) { l.logger.Error(l.line(format, v)) }
func (l *serverLog) Debugf(format string, v ...any) {}
func (l *serverLog) Tracef(format string, v ...any) {}

func (l *serverLog) line(format string, v []any) string { return "nats: " + fmt.Sprintf(format, v...) }
