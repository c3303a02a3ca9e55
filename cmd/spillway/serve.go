package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"github.com/spillway/spillway/internal/config"
	"github.com/spillway/spillway/internal/hook"
	"github.com/spillway/spillway/internal/server"
)

// drainTime is how long requests in work may take after SIGTERM, and hookTime how
// long shutdown hooks may. Docker kills after 10 s.
const (
	drainTime = 7 * time.Second
	hookTime  = 2 * time.Second
)

type serveCommand struct {
	configFlags
}

// Run serves until a signal or an error ends it.
func (s *serveCommand) Run(p *process) error {
	c, err := s.load(p)
	if err != nil {
		return err
	}
	logger, err := newLogger(c, p.stderr)
	if err != nil {
		return err
	}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	defer signal.Stop(signals)
	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()

	spareProcessor(p)
	done := make(chan error, 1)
	go func() { done <- serve(ctx, p, c, logger) }()
	select {
	case err := <-done:
		return err
	case sig := <-signals:
		logger.Info("draining", "signal", sig.String())
		cancel()
	}
	select {
	case err := <-done:
		return err
	case <-signals:
		return exitError(130) // whoever signals twice does not want to wait
	}
}

// spareProcessor lets the runtime use one processor more than there are. One is
// nearly always held by an fsync, and the runtime takes it back only when it next
// looks: on two cores that cost 8 % of the sends (docs/PERFORMANCE.md). GOMAXPROCS
// in the environment goes before it.
func spareProcessor(p *process) {
	if _, set := p.env("GOMAXPROCS"); !set {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1)
	}
}

// serve runs the server until ctx ends, then drains it.
func serve(ctx context.Context, p *process, c *config.Config, logger *slog.Logger) error {
	hooks := hook.New(hook.Options{
		Dirs:   hookDirs(c),
		Env:    os.Environ(),
		Output: p.stdout, Logger: logger,
	})
	hooks.Run(ctx, hook.Boot)
	s, err := server.Start(ctx, c, server.Options{Logger: logger, Hooks: hooks})
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil // told to stop before it began
	}
	if err != nil {
		return err
	}
	env := clientEnv(c, s.Endpoint())
	hooks.Run(ctx, hook.Start, env...)
	hooks.Run(ctx, hook.Ready, env...)
	if ctx.Err() == nil {
		greet(p, c, s.Endpoint())
	}
	select {
	case <-ctx.Done():
	case err = <-s.Err():
		logger.Error("the server cannot go on", "error", err)
	}
	// What began with the start ends here, whether or not ctx did.
	ending := context.WithoutCancel(ctx)
	hooked, cancel := context.WithTimeout(ending, hookTime)
	hooks.Run(hooked, hook.Shutdown, env...)
	cancel()
	drained, cancel := context.WithTimeout(ending, drainTime)
	defer cancel()
	if down := s.Shutdown(drained); down != nil {
		logger.Warn("shutdown was not clean", "error", down)
	}
	return err
}

func hookDirs(c *config.Config) []string {
	dirs := []string{"/etc/localstack/init", "/etc/spillway/init"}
	if c.Hooks.Dir != "" {
		dirs = append(dirs, c.Hooks.Dir)
	}
	return dirs
}

// clientEnv is the environment of AWS clients of this server. In verify mode it
// has no secret unless there is a root key: hooks are the operator's own scripts.
func clientEnv(c *config.Config, endpoint string) []string {
	env := []string{"AWS_ENDPOINT_URL=" + endpoint, "AWS_DEFAULT_REGION=" + c.Region, "AWS_REGION=" + c.Region}
	switch {
	case c.Root.AccessKeyID != "":
		env = append(env, "AWS_ACCESS_KEY_ID="+c.Root.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+string(c.Root.SecretAccessKey))
	case !c.Verify():
		env = append(env, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test")
	}
	return env
}

// greet says where the server is and how to call it. The last line is what
// Testcontainers and scripts wait for.
func greet(p *process, c *config.Config, endpoint string) {
	data := "in memory: everything ends with this process"
	if c.Storage == config.StorageDisk {
		data = c.DataDir
		if abs, err := filepath.Abs(data); err == nil {
			data = abs
		}
	}
	mode, key, secret := "development: any access key is let in", "test", "test"
	if c.Verify() {
		mode, key, secret = "verify: every request is checked", c.Root.AccessKeyID, "..."
		if key == "" {
			key = "..."
		}
	}
	fmt.Fprintf(p.stdout, `
  Spillway %s

  endpoint  %s
  data      %s
  mode      %s

  export AWS_ENDPOINT_URL=%s AWS_DEFAULT_REGION=%s
  export AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s
  aws sqs create-queue --queue-name my-queue

Ready.
`, version(), endpoint, data, mode, endpoint, c.Region, key, secret)
}
