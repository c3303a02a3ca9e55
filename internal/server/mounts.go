package server

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/pprof"
	"slices"
	"strings"

	"github.com/spillway/spillway/internal/gateway"
	"github.com/spillway/spillway/internal/hook"
	"github.com/spillway/spillway/internal/wire"
)

// mounts are the paths that belong to no AWS service.
func (s *Server) mounts() map[string]gateway.Handler {
	m := map[string]gateway.Handler{
		"/_spillway/health":   s.serveHealth,
		"/_spillway/cluster":  s.serveCluster,
		"/metrics":            s.serveMetrics,
		"/_aws/sqs/messages":  s.servePeek,
		"/_aws/sqs/messages/": s.servePeek,
		// What local AWS stacks answer, so that test containers and scripts made
		// for them work (ECOSYSTEM: drop-in conventions).
		"/_localstack/health":      s.serveLocalHealth,
		"/_localstack/info":        s.serveLocalInfo,
		"/_localstack/init":        s.serveLocalInit,
		"/_localstack/init/":       s.serveLocalInit,
		"/_localstack/state/reset": s.serveReset,
		"/_spillway/reset":         s.serveReset,

		s.signer.CertificatePath(): s.serveCertificate,
		"/_spillway/outbox":        s.serveOutbox,
		"/_spillway/sms/opt-out":   s.serveOptOut,
	}
	if s.config.Pprof {
		for path, h := range map[string]http.HandlerFunc{
			"/debug/pprof/": pprof.Index, "/debug/pprof/cmdline": pprof.Cmdline, "/debug/pprof/profile": pprof.Profile,
			"/debug/pprof/symbol": pprof.Symbol, "/debug/pprof/trace": pprof.Trace,
		} {
			m[path] = adapt(h)
		}
	}
	return m
}

// status says whether the server can do its work: "ok", "draining", "starting" or
// "failed", the latter when something cannot be written any more.
func (s *Server) status() (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.draining:
		return "draining", false
	case !s.healthy():
		return "failed", false
	case !s.ready:
		return "starting", false
	}
	return "ok", true
}

// serveHealth answers GET /_spillway/health: 200 when the server can serve and
// write, else 503.
func (s *Server) serveHealth(context.Context, *gateway.Request) wire.Response {
	status, ok := s.status()
	code := http.StatusOK
	service := "running"
	if !ok {
		code, service = http.StatusServiceUnavailable, "unavailable"
	}
	return reply(code, map[string]any{
		"status":   status,
		"version":  Version(),
		"services": map[string]string{"sqs": service, "sns": service, "kinesis": service, "sts": service},
	})
}

func (s *Server) serveLocalHealth(ctx context.Context, r *gateway.Request) wire.Response {
	switch r.Method {
	case http.MethodPost:
		var in struct{ Action string }
		if json.Unmarshal(r.Body, &in) != nil || in.Action != "restart" {
			return reply(http.StatusBadRequest, map[string]string{"error": "the only action is restart"})
		}
		return s.serveReset(ctx, r)
	case http.MethodHead:
		return wire.Response{Status: http.StatusOK, ContentType: "application/json"}
	}
	out := s.serveHealth(ctx, r)
	if out.Status != http.StatusOK {
		return out
	}
	return reply(http.StatusOK, map[string]any{
		"services": map[string]string{"sqs": "running", "sns": "running", "kinesis": "running", "sts": "running"}, "edition": "community", "version": Version(),
	})
}

func (s *Server) serveLocalInfo(context.Context, *gateway.Request) wire.Response {
	return reply(http.StatusOK, map[string]any{
		"version": Version(), "edition": "community", "is_license_activated": false, "session_id": "", "machine_id": "",
		"system": "linux", "is_docker": false, "server_time_utc": s.started.UTC().Format("2006-01-02T15:04:05"), "uptime": int(s.uptime().Seconds()),
	})
}

// serveLocalInit answers /_localstack/init and /_localstack/init/<stage>.
func (s *Server) serveLocalInit(_ context.Context, r *gateway.Request) wire.Response {
	status := hook.Status{Completed: map[hook.Stage]bool{}, Scripts: []hook.Script{}}
	if s.hooks != nil {
		status = s.hooks.Status()
	}
	only := hook.Stage(strings.ToUpper(strings.Trim(strings.TrimPrefix(r.Path, "/_localstack/init"), "/")))
	if only == "" {
		return reply(http.StatusOK, status)
	}
	if !slices.Contains(hook.Stages(), only) {
		return reply(http.StatusNotFound, map[string]string{"error": "no such stage"})
	}
	scripts := []hook.Script{}
	for _, x := range status.Scripts {
		if x.Stage == only {
			scripts = append(scripts, x)
		}
	}
	return reply(http.StatusOK, map[string]any{"completed": status.Completed[only], "scripts": scripts})
}

// serveReset deletes everything, in development mode only.
func (s *Server) serveReset(_ context.Context, r *gateway.Request) wire.Response {
	if s.config.Verify() {
		return reply(http.StatusForbidden, map[string]string{"error": "reset is for development mode"})
	}
	if r.Method != http.MethodPost {
		return reply(http.StatusMethodNotAllowed, map[string]string{"error": "POST it"})
	}
	if err := s.reset(); err != nil {
		s.logger.Error("reset", "error", err, "request_id", r.ID)
		return reply(http.StatusInternalServerError, map[string]string{"error": "see the server's log"})
	}
	return reply(http.StatusOK, map[string]any{})
}

// serveCluster answers GET /_spillway/cluster: who owns what, as this node sees it.
func (s *Server) serveCluster(context.Context, *gateway.Request) wire.Response {
	status, err := s.clusterStatus(context.Background())
	if err != nil {
		return reply(http.StatusNotFound, map[string]string{"error": err.Error()})
	}
	return reply(http.StatusOK, status)
}

func (s *Server) serveMetrics(context.Context, *gateway.Request) wire.Response {
	var b bytes.Buffer
	s.meters.write(&b, slices.Collect(s.sqs.Queues()))
	writeSNS(&b, s.sns.Stats())
	writeStreams(&b, s.kinesis.Traffic())
	if s.node != nil {
		s.node.WriteMetrics(&b)
	}
	return wire.Response{Status: http.StatusOK, ContentType: "text/plain; version=0.0.4; charset=utf-8", Body: b.Bytes()}
}

func reply(status int, v any) wire.Response {
	b, err := json.Marshal(v)
	if err != nil {
		return wire.Response{Status: http.StatusInternalServerError}
	}
	return wire.Response{Status: status, ContentType: "application/json", Body: b}
}
