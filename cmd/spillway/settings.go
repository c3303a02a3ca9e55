package main

import (
	"io"
	"log/slog"
	"strconv"
	"strings"

	"github.com/spillway/spillway/internal/config"
)

// configFlags are the flags of every command that reads the configuration. Their
// defaults are those of package config, so that a file can set them too.
type configFlags struct {
	Config        string            `short:"c" type:"path" placeholder:"FILE" env:"SPILLWAY_CONFIG" help:"Configuration file (YAML)."`
	Listen        string            `placeholder:"HOST:PORT" help:"Address to listen on. Default 127.0.0.1:4566."`
	DataDir       string            `placeholder:"DIR" help:"Folder of all data. Default ./spillway-data."`
	Storage       string            `placeholder:"disk|memory" help:"Where data is kept. Default disk."`
	LogLevel      string            `placeholder:"LEVEL" help:"debug, info, warn or error. Default info."`
	LogFormat     string            `placeholder:"text|json" help:"Form of log lines. Default text."`
	AccountID     string            `placeholder:"ID" help:"Account of callers that name none. Default 000000000000."`
	Region        string            `placeholder:"REGION" help:"Region of requests that name none. Default us-east-1."`
	ExternalURL   string            `placeholder:"URL" help:"Beginning of queue URLs. Default: as the caller wrote the host."`
	Cluster       string            `placeholder:"NAME" help:"Be a node of this cluster."`
	Node          string            `placeholder:"ID" help:"This node's id in the cluster."`
	ClusterListen string            `placeholder:"HOST:PORT" help:"Address for the other nodes."`
	Peers         []string          `placeholder:"HOST:PORT,..." help:"Addresses of all nodes, this one included."`
	NATSListen    string            `name:"nats-listen" placeholder:"HOST:PORT" help:"Address for the nats command line tool. Default: a free port on loopback, for nobody."`
	InsecureDev   bool              `help:"Listen on any address without credentials."`
	Pprof         bool              `help:"Serve profiles under /debug/pprof/."`
	Set           map[string]string `placeholder:"KEY=VALUE" help:"Any other setting, such as sqs.max_receive=20. See docs/config.md."`
}

// load reads the configuration and checks it.
func (f *configFlags) load(p *process) (*config.Config, error) {
	c, err := config.Load(f.Config, p.env)
	if err != nil {
		return nil, err
	}
	for _, set := range []struct{ flag, key, text string }{
		{"--listen", "listen", f.Listen},
		{"--data-dir", "data_dir", f.DataDir},
		{"--storage", "storage", f.Storage},
		{"--log-level", "log_level", f.LogLevel},
		{"--log-format", "log_format", f.LogFormat},
		{"--account-id", "account_id", f.AccountID},
		{"--region", "region", f.Region},
		{"--external-url", "external_url", f.ExternalURL},
		{"--cluster", "cluster.name", f.Cluster},
		{"--node", "cluster.node", f.Node},
		{"--cluster-listen", "cluster.listen", f.ClusterListen},
		{"--peers", "cluster.peers", strings.Join(f.Peers, ",")},
		{"--nats-listen", "cluster.nats_listen", f.NATSListen},
		{"--insecure-dev", "insecure_dev", whenTrue(f.InsecureDev)},
		{"--pprof", "pprof", whenTrue(f.Pprof)},
	} {
		if set.text == "" {
			continue
		}
		if err := c.Set(set.key, set.text, set.flag); err != nil {
			return nil, err
		}
	}
	for key, text := range f.Set {
		if err := c.Set(key, text, "--set"); err != nil {
			return nil, err
		}
	}
	return c, c.Validate()
}

func whenTrue(b bool) string {
	if b {
		return strconv.FormatBool(b)
	}
	return ""
}

func newLogger(c *config.Config, w io.Writer) (*slog.Logger, error) {
	level, err := c.Level()
	if err != nil {
		return nil, err
	}
	o := &slog.HandlerOptions{Level: level}
	if c.LogFormat == config.FormatJSON {
		return slog.New(slog.NewJSONHandler(w, o)), nil
	}
	return slog.New(slog.NewTextHandler(w, o)), nil
}
