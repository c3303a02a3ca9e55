package bus

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

const (
	maxPayload = 32 << 20  // bytes of a message: the largest answer of a Receive, and room
	maxPending = 256 << 20 // bytes that may wait for a connection
	userLogs   = "spillway"
	userAdmin  = "admin"
	userRoute  = "route"
	account    = "SPILLWAY" // of the logs and messages; a part of the paths of files
	systemName = "$SYS"

	// The logs need an account of their own. In nats-server's default one everybody
	// who reaches a port is at home without a password, if there is no other besides
	// the system's. JetStream can be turned on for an account in no other way.
	accounts = "accounts { " + account + " { jetstream: enabled } }"

	routePing = 2 * time.Second // a route that does not answer two is closed
	// reportEvery is after how many attempts, one a second, it is logged again that a
	// node cannot be reached.
	reportEvery = 60
)

// options are those of the embedded server.
func (c *Config) options(secrets *credentials) (*server.Options, error) {
	host, port, err := splitAddress(c.Listen)
	if err != nil {
		return nil, err
	}
	routeTLS, err := secrets.routeTLS(c.Node)
	if err != nil {
		return nil, err
	}
	o := &server.Options{
		ServerName: c.Node, NoSigs: true, NoLog: true,
		// Without a port for clients nats-server does not open the one for routes.
		Host: "127.0.0.1", Port: server.RANDOM_PORT,
		MaxPayload: maxPayload, MaxPending: maxPending,
		JetStream: true, StoreDir: c.Dir, SyncAlways: true,
		ConnectErrorReports: reportEvery, ReconnectErrorReports: reportEvery,
		JetStreamMaxMemory: 64 << 20, JetStreamMaxStore: 1 << 50, // the disk is the limit, and package store watches it
	}
	if err := o.ProcessConfigString(accounts); err != nil {
		return nil, fmt.Errorf("cluster: %w", err)
	}
	logs, system := o.Accounts[0], server.NewAccount(systemName)
	o.Accounts, o.SystemAccount = append(o.Accounts, system), systemName
	o.Users = []*server.User{
		{Username: userLogs, Password: secrets.clients, Account: logs},
		{Username: userAdmin, Password: secrets.clients, Account: system},
	}
	if !c.alone() {
		o.Cluster = server.ClusterOpts{
			Name: c.Cluster, Host: host, Port: port, PoolSize: 3, Username: userRoute, Password: secrets.routes,
			AuthTimeout: 5, TLSConfig: routeTLS, TLSTimeout: 5, PingInterval: routePing, MaxPingsOut: 2,
			NoAdvertise: true,
		}
		for _, peer := range c.Peers {
			if _, _, err := splitAddress(peer); err != nil {
				return nil, err
			}
			o.Routes = append(o.Routes, &url.URL{Scheme: "nats", User: url.UserPassword(userRoute, secrets.routes), Host: peer})
		}
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

// alone tells whether there are no other nodes. JetStream then runs without Raft: a
// cluster of it has at least two nodes. That is for tests; Listen is not opened.
func (c *Config) alone() bool { return len(c.Peers) <= 1 }

// check refuses what nats-server would take for something else.
func (c *Config) check() error {
	switch {
	case c.Secret == "":
		return errors.New("cluster: no secret")
	case c.ClientListen != "" && strings.HasPrefix(c.Secret, "$2"):
		return errors.New(`cluster: a secret that begins with "$2" would be taken for the hash of a password`)
	case c.Cluster == "" || c.Node == "" || c.Dir == "":
		return errors.New("cluster: a name, a node and a folder are needed")
	case !validName(c.Node) || !validName(c.Cluster):
		return fmt.Errorf("cluster: names may not have spaces, dots, * or >: %q, %q", c.Cluster, c.Node)
	}
	return nil
}

// validName tells whether a node or cluster may have the name: it is a part of subjects.
func validName(s string) bool { return s != "" && !strings.ContainsAny(s, " \t\r\n.*>") }

// clientPassword is what the users of the port for clients need. Nobody is meant to
// use the port if none was asked for (it is open all the same, see options).
func (c *Config) clientPassword() string {
	if c.ClientListen == "" {
		return rand.Text()
	}
	return c.Secret
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
		select {
		case why := <-b.log.fatal:
			return fmt.Errorf("cluster: the embedded server did not start: %s", why)
		case <-ctx.Done():
			return fmt.Errorf("cluster: the embedded server did not start: %w", ctx.Err())
		default:
		}
	}
	return assertSync(b.server.JetStreamConfig())
}

// assertSync fails unless each write is synced before it is acknowledged.
func assertSync(c *server.JetStreamConfig) error {
	if c == nil || !c.SyncAlways {
		return errors.New("cluster: JetStream does not run, or does not sync every write: refusing to go on")
	}
	return nil
}

// routine are the warnings that come with every start, and are about what was chosen
// here with care.
func routine() []string {
	return []string{
		"Plaintext passwords detected",  // in memory only
		"Maximum payloads over",         // see maxPayload
		"TLS certificate chain and",     // credentials.routeTLS verifies the chain itself
		"TLS certificate chain or",      //
		"Waiting for routing",           //
		"JetStream has not established", // Ready waits for it
		"Metalayer blocking snapshot",   // the last thing before the end
	}
}

// serverLog is nats-server's log in ours. nats-server does not end the process after
// Fatalf: it leaves that to its own logger.
type serverLog struct {
	logger *slog.Logger
	fatal  chan string // 1 slot: why the server gave up
}

func newServerLog(logger *slog.Logger) *serverLog {
	return &serverLog{logger: logger, fatal: make(chan string, 1)}
}

// Noticef implements server.Logger, as do the methods below.
func (l *serverLog) Noticef(format string, v ...any) { l.logger.Debug(line(format, v)) }

// Warnf is where JetStream tells that it repairs or resets a log.
func (l *serverLog) Warnf(format string, v ...any) {
	level := slog.LevelWarn
	if slices.ContainsFunc(routine(), func(prefix string) bool { return strings.HasPrefix(format, prefix) }) {
		level = slog.LevelDebug
	}
	l.logger.Log(context.Background(), level, line(format, v))
}

// Errorf is mostly about connections to nodes that are down: they are tried again.
func (l *serverLog) Errorf(format string, v ...any) { l.logger.Warn(line(format, v)) }

func (l *serverLog) Fatalf(format string, v ...any) {
	text := line(format, v)
	l.logger.Error(text)
	select {
	case l.fatal <- text:
	default:
	}
}

func (l *serverLog) Debugf(string, ...any) {}
func (l *serverLog) Tracef(string, ...any) {}

func line(format string, v []any) string { return "nats: " + fmt.Sprintf(format, v...) }
