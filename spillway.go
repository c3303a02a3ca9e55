package spillway

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/spillway/spillway/internal/config"
	"github.com/spillway/spillway/internal/server"
)

// Config says how to run a server. The zero value is a server for tests: a free
// port on loopback, nothing kept, any credentials accepted.
type Config struct {
	// Listen is the address. Default "127.0.0.1:0", a free port.
	Listen string
	// DataDir is where data is kept, durably. Default "": in memory only.
	DataDir string
	// File is a configuration file as `spillway serve --config` reads it. The other
	// fields go before it.
	File string
	// AccessKeyID and SecretAccessKey are the root key of account 000000000000. With
	// them, every request must be signed.
	AccessKeyID, SecretAccessKey string
	// Logger takes the server's log. Default: none.
	Logger *slog.Logger
}

// Server is a running server.
type Server struct {
	server *server.Server
	close  sync.Once
	err    error
}

// closeLimit bounds how long Close waits for requests to end.
const closeLimit = 10 * time.Second

// Start starts a server and returns when it serves. Ctx bounds the start only;
// Close ends the server.
func Start(ctx context.Context, c Config) (*Server, error) {
	noEnvironment := func(string) (string, bool) { return "", false }
	full, err := config.Load(c.File, noEnvironment)
	if err != nil {
		return nil, err
	}
	if c.Listen != "" {
		full.Listen = c.Listen
	} else if c.File == "" {
		full.Listen = "127.0.0.1:0"
	}
	if c.DataDir != "" {
		full.DataDir = c.DataDir
	} else if c.File == "" {
		full.Storage = config.StorageMemory
	}
	if c.AccessKeyID != "" || c.SecretAccessKey != "" {
		full.Root = config.Key{AccessKeyID: c.AccessKeyID, SecretAccessKey: config.Secret(c.SecretAccessKey)}
	}
	if err := full.Validate(); err != nil {
		return nil, err
	}
	s, err := server.Start(ctx, full, server.Options{Logger: c.Logger})
	if err != nil {
		return nil, err
	}
	return &Server{server: s}, nil
}

// Endpoint is the server's URL, "http://127.0.0.1:54321".
func (s *Server) Endpoint() string { return s.server.Endpoint() }

// Close ends the server: it finishes what is under way, for ten seconds at most,
// and returns when everything has stopped.
func (s *Server) Close() error {
	s.close.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), closeLimit)
		defer cancel()
		s.err = s.server.Shutdown(ctx)
	})
	return s.err
}
