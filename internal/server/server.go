package server

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/config"
	"github.com/spillway/spillway/internal/gateway"
	"github.com/spillway/spillway/internal/hook"
	"github.com/spillway/spillway/internal/iam"
	"github.com/spillway/spillway/internal/kinesis"
	"github.com/spillway/spillway/internal/lambda"
	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/queue"
	"github.com/spillway/spillway/internal/service"
	"github.com/spillway/spillway/internal/signing"
	"github.com/spillway/spillway/internal/sns"
	"github.com/spillway/spillway/internal/sqs"
	"github.com/spillway/spillway/internal/store"
	"github.com/spillway/spillway/internal/stream"
	"github.com/spillway/spillway/internal/sts"
)

// Options of a Server that are not configuration.
type Options struct {
	Logger *slog.Logger // nil discards
	// Listener serves instead of one made for Config.Listen. The server owns it.
	Listener net.Listener
	// Hooks are the init hooks whose state /_localstack/init shows; nil for none.
	Hooks *hook.Runner
}

// Server is a running Spillway.
type Server struct {
	config  *config.Config
	logger  *slog.Logger
	hooks   *hook.Runner
	meters  *meters
	started time.Time

	store   *store.Store
	node    *clusterNode // nil on a machine of its own
	set     *partition.Set
	catalog *catalog.Catalog
	engine  *queue.Engine
	signer  *signing.Signer
	sqs     *sqs.Service
	sns     *sns.Service
	streams *stream.Engine
	kinesis *kinesis.Service
	gateway *gateway.Gateway

	out senders

	listener net.Listener
	admin    *admin
	serving  sync.WaitGroup
	failed   chan error // 1 slot

	mu       sync.Mutex // guards the two below
	draining bool
	ready    bool
}

// Start builds a server from its configuration and returns when it serves. The
// configuration must have been validated. Ctx bounds the start only.
func Start(ctx context.Context, c *config.Config, o Options) (_ *Server, err error) {
	s := &Server{config: c, logger: o.Logger, hooks: o.Hooks, started: time.Now(), failed: make(chan error, 1)}
	if s.logger == nil {
		s.logger = slog.New(slog.DiscardHandler)
	}
	defer func() {
		if err != nil {
			s.abort()
		}
	}()
	// The port first: it is what most often is in the way, and nothing is touched
	// before it is known to be free.
	if s.listener = o.Listener; s.listener == nil {
		if s.listener, err = net.Listen("tcp", c.Listen); err != nil {
			return nil, fmt.Errorf("listen on %s: %w", c.Listen, err)
		}
	}
	if err := s.openData(ctx); err != nil {
		return nil, err
	}
	if err := s.startServices(ctx); err != nil {
		return nil, err
	}
	if err := s.serve(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// openData opens the data folder and builds what rests on it.
func (s *Server) openData(ctx context.Context) (err error) {
	c := s.config
	s.store, err = store.Open(store.Options{
		Dir: c.DataDir, Memory: c.Storage == config.StorageMemory, Replicated: c.Cluster.On(),
		CacheBytes: c.CacheBytes, MinFreeBytes: c.MinFreeBytes, Logger: s.logger,
	})
	if err != nil {
		return err
	}
	s.meters = newMeters(s.healthy)
	partitions := partition.Options{Partitions: c.Partitions, Observer: s.meters, Logger: s.logger}
	var catalogPeers catalog.Peers // stay nil on a machine of its own
	var queuePeers, streamPeers partition.Peers
	if err := s.checkFolder(); err != nil {
		return err
	}
	if c.Cluster.On() {
		if s.node, err = s.joinCluster(ctx); err != nil {
			return err
		}
		partitions.Partitions, partitions.Replicated, partitions.ClockSkew = s.node.Partitions(), true, c.Cluster.ClockSkew
		catalogPeers, queuePeers, streamPeers = s.node.Peers("catalog", s.serveCatalog), s.node.Peers("queue", s.serveQueue), s.node.Peers("stream", s.serveStream)
	}
	s.set, err = partition.OpenSet(s.store, partitions)
	if err != nil {
		return err
	}
	s.catalog = catalog.New(s.set.Catalog(), catalogPeers)
	s.engine = queue.New(s.set, s.store, queue.Options{Peers: queuePeers, Refresh: s.catalog.Refresh, Logger: s.logger})
	s.signer = signing.New(s.catalog, max(1, runtime.GOMAXPROCS(0)/2))
	s.sqs = sqs.New(s.engine, s.catalog, sqs.Config{
		Limits: sqs.Limits{
			MaxMessageBytes: c.SQS.MaxMessageBytes, MaxInFlight: c.SQS.MaxInFlight, MaxReceive: c.SQS.MaxReceive,
		},
		DeleteCooldown: c.SQS.DeleteCooldown, PurgeCooldown: c.SQS.PurgeCooldown,
		Account: c.AccountID, Sign: s.signer.Sign, Logger: s.logger,
	})
	s.streams = stream.New(s.set, s.store, stream.Options{Peers: streamPeers, Refresh: s.catalog.Refresh, Logger: s.logger})
	s.kinesis = kinesis.New(s.streams, s.catalog, kinesis.Config{
		Account: c.AccountID, Transition: c.Kinesis.Transition, ShardLimit: c.Kinesis.ShardLimit, Throttle: c.Kinesis.Throttle, Logger: s.logger,
	})
	return s.newSNS()
}

// startServices loads the data and starts the engines and services, bottom up.
func (s *Server) startServices(ctx context.Context) error {
	if err := s.set.Start(); err != nil {
		return err
	}
	s.engine.Start()
	if s.node != nil {
		if err := s.node.start(s); err != nil {
			return err
		}
	}
	if err := s.sqs.Start(ctx); err != nil {
		return err
	}
	if s.node == nil {
		s.sqs.Lead(true) // else the owner of the catalog does
	}
	if err := s.kinesis.Start(ctx); err != nil {
		return err
	}
	if err := s.signer.Start(ctx); err != nil {
		return err
	}
	if err := s.sns.Start(ctx); err != nil {
		return err
	}
	return s.declare(ctx)
}

// serve starts the gateway.
func (s *Server) serve(ctx context.Context) error {
	auth, issuer, err := s.auth(ctx)
	if err != nil {
		return err
	}
	tls, err := s.tlsConfig()
	if err != nil {
		return err
	}
	s.gateway = gateway.New(gateway.Config{
		Services:       []*service.Service{s.sqs.Operations(), s.sns.Operations(), s.kinesis.Operations(), sts.New(issuer).Operations()},
		Auth:           auth,
		DefaultRegion:  s.config.Region,
		ExternalURL:    s.config.ExternalURL,
		AllowedOrigins: s.config.AllowedOrigins,
		AllowedHosts:   s.config.AllowedHosts,
		Limits: gateway.Limits{
			MaxBody: s.config.Limits.MaxBody, MaxConnections: s.config.Limits.MaxConnections,
			MaxConcurrent: s.config.Limits.MaxConcurrentRequests, MaxLongPolls: s.config.Limits.MaxLongPolls,
		},
		Extra:    s.mounts(),
		Own:      map[string]http.Handler{lambda.Prefix: s.out.functions},
		Observer: s,
		Logger:   s.logger,
		TLS:      tls,
	})
	s.meters.watch(s.gateway)
	s.meters.watchStore(s.store)
	if s.config.Storage != config.StorageMemory {
		if s.admin, err = openAdmin(s); err != nil {
			return err
		}
	}
	s.serving.Go(func() {
		if err := s.gateway.Serve(s.listener); err != nil {
			s.fail(fmt.Errorf("serve: %w", err))
		}
	})
	s.mu.Lock()
	s.ready = true
	s.mu.Unlock()
	return nil
}

// kindIAMKey is the catalog's kind of the key that seals session tokens.
const kindIAMKey = "iam.key"

// auth decides how callers are known: by signature when there are credentials,
// else (development) by whatever access key they name.
func (s *Server) auth(ctx context.Context) (gateway.Auth, sts.Issuer, error) {
	key, err := s.catalog.Secret(ctx, kindIAMKey, "session")
	if err != nil {
		return nil, nil, err
	}
	accounts, err := s.config.IAM()
	if err != nil {
		return nil, nil, err
	}
	directory, err := iam.NewDirectory(accounts, key, rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	if s.config.Verify() {
		return gateway.NewVerify(directory), directory, nil
	}
	return gateway.NewDev(iam.NewDev(s.config.AccountID)), sts.DevIssuer{}, nil
}

// Addr is the address the server listens on.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Endpoint is the URL for clients on this machine.
func (s *Server) Endpoint() string {
	scheme := "http"
	if s.config.TLS.Cert != "" {
		scheme = "https"
	}
	host, port, err := net.SplitHostPort(s.Addr().String())
	if err != nil {
		return scheme + "://" + s.Addr().String()
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// Err receives an error that ends service for good.
func (s *Server) Err() <-chan error { return s.failed }

func (s *Server) fail(err error) {
	select {
	case s.failed <- err:
	default: // the first says it
	}
}

// healthy reports whether everything can be written.
func (s *Server) healthy() bool {
	return s.set != nil && s.set.Err() == nil && s.store.Err() == nil && (s.node == nil || s.node.whole())
}

// Shutdown drains: health says so first, a node of a cluster hands over what it owns
// (and forwards requests from then on), then the gateway takes no new requests
// and finishes the others (long polls end empty), then what rests on the data
// stops, services before engines before partitions, and the store last, since
// each still writes through the next. It returns ctx's error if that ends first.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	if s.draining {
		s.mu.Unlock()
		return nil
	}
	s.draining = true
	s.mu.Unlock()
	if s.node != nil {
		handing, cancel := context.WithTimeout(ctx, handOverTime)
		s.node.Drain(handing)
		cancel()
	}
	s.out.functions.Close() // its polls would last
	errs := []error{s.gateway.Shutdown(ctx)}
	s.serving.Wait()
	if s.admin != nil {
		errs = append(errs, s.admin.close())
	}
	s.closeSNS()
	s.sqs.Close()
	s.streams.Close()
	s.engine.Close()
	if s.node != nil {
		s.node.close()
	}
	errs = append(errs, s.set.Close(ctx), s.store.Close())
	return errors.Join(errs...)
}

// abort undoes a start that failed.
func (s *Server) abort() {
	if s.listener != nil {
		s.listener.Close()
	}
	if s.admin != nil {
		s.admin.close()
	}
	s.closeSNS()
	if s.sqs != nil {
		s.sqs.Close()
		s.engine.Close()
	}
	if s.streams != nil {
		s.streams.Close()
	}
	if s.node != nil {
		s.node.close()
	}
	if s.set != nil {
		s.set.Close(context.Background())
	}
	if s.store != nil {
		s.store.Close()
	}
}
