package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

type healthcheckCommand struct {
	configFlags
	Endpoint string        `placeholder:"URL" help:"Server to ask. Default: where this configuration listens."`
	Timeout  time.Duration `default:"3s" help:"How long to wait."`
}

// Run asks the server for its health. Docker runs it in the server's container.
func (h *healthcheckCommand) Run(p *process) error {
	endpoint, err := h.endpoint(p, h.Endpoint)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(p.ctx, h.Timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(endpoint, "/")+"/_spillway/health", nil)
	if err != nil {
		return err
	}
	// The certificate is for others' name of this machine; what is asked is public.
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	defer client.CloseIdleConnections()
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	if err != nil {
		return err
	}
	fmt.Fprintln(p.stdout, strings.TrimSpace(string(body)))
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the server answers %s", resp.Status)
	}
	return nil
}

// endpoint is the URL given, or where this configuration listens.
func (f *configFlags) endpoint(p *process, given string) (string, error) {
	if given != "" {
		return given, nil
	}
	c, err := f.load(p)
	if err != nil {
		return "", err
	}
	if c.TLS.Cert != "" {
		return "https://" + reachable(c.Listen), nil
	}
	return "http://" + reachable(c.Listen), nil
}

// reachable is an address to connect to for one to listen on.
func reachable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}
