package server

import (
	"context"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/gateway"
)

// Request implements gateway.Observer: metrics, and a log line. Failures of the
// server are errors; everything else is for debugging. Never bodies or secrets.
func (s *Server) Request(r gateway.RequestInfo) {
	s.meters.request(&r)
	level := slog.LevelDebug
	if r.Status >= 500 {
		level = slog.LevelWarn
	}
	if !s.logger.Enabled(context.Background(), level) {
		return
	}
	s.logger.LogAttrs(context.Background(), level, "request",
		slog.String("request_id", r.RequestID), slog.String("service", r.Service), slog.String("operation", r.Operation),
		slog.String("principal", r.Principal), slog.String("region", r.Region), slog.Int("status", r.Status), slog.String("code", r.Code),
		slog.Duration("took", r.Duration), slog.Int("bytes_in", r.BytesIn), slog.Int("bytes_out", r.BytesOut),
		slog.String("remote", r.Remote.String()))
}

// Version is the version of the running binary, from its build information.
func Version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}

func (s *Server) uptime() time.Duration { return time.Since(s.started) }

// resetLimit bounds how long a reset may wait for its commit.
const resetLimit = 10 * time.Second

// reset deletes every resource and declares the configured queues again.
func (s *Server) reset() error {
	ctx, cancel := context.WithTimeout(context.Background(), resetLimit)
	defer cancel()
	if err := s.catalog.Refresh(ctx); err != nil { // what other nodes made goes, too
		return err
	}
	err := s.catalog.Update(ctx, func(tx *catalog.Tx) error {
		s.sqs.Reset(tx)
		s.sns.Reset(tx)
		s.kinesis.Reset(tx)
		return nil
	})
	if err != nil {
		return err
	}
	return s.declare(ctx)
}
