package bus

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// TestAlone: one node does what three do, and has it again after a restart.
func TestAlone(t *testing.T) {
	t.Parallel()
	c := newTrio(t, 1)
	metadata, created, err := c.buses[0].CreateLog(within(t), LogSpec{Name: "log", Replicas: 1, Metadata: map[string]string{"a": "b"}})
	if err != nil || !created || metadata["a"] != "b" {
		t.Fatalf("%v, %v, %v", metadata, created, err)
	}
	fill(t, c.buses[0].OpenLog("log"), 0, 5)
	c.stop(0)
	c.start(0)
	b := c.buses[0]
	metadata, created, err = b.CreateLog(within(t), LogSpec{Name: "log", Replicas: 1})
	if err != nil || created || metadata["a"] != "b" || len(metadata) != 1 {
		t.Fatalf("%v, %v, %v", metadata, created, err)
	}
	log := b.OpenLog("log")
	info, err := log.Info(within(t))
	if err != nil || info.Last != 5 || info.Leader != "n0" || !log.Leads() || !log.Kept() {
		t.Errorf("%+v, %v", info, err)
	}
}

// TestSync: without the sync of every write nothing starts.
func TestSync(t *testing.T) {
	t.Parallel()
	for _, c := range []*server.JetStreamConfig{nil, {}, {SyncInterval: time.Second}} {
		if assertSync(c) == nil {
			t.Errorf("%+v passed", c)
		}
	}
	c := newTrio(t, 1)
	if got := c.buses[0].server.JetStreamConfig(); got == nil || !got.SyncAlways {
		t.Errorf("JetStream has %+v", got)
	}
}

// TestElection: the time-outs took effect, or this nats-server has others than those
// that election.go was written for.
func TestElection(t *testing.T) {
	t.Parallel()
	newTrio(t, 1)
	if minElectionTimeout != fastMin || maxElectionTimeout != fastMax || hbInterval != fastBeat {
		t.Errorf("elections: %v to %v, heartbeat %v", minElectionTimeout, maxElectionTimeout, hbInterval)
	}
}

// TestStart: what cannot work is said at once.
func TestStart(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() })
	for name, change := range map[string]func(*Config){
		"no secret":             func(c *Config) { c.Secret = "" },
		"like a hash":           func(c *Config) { c.Secret, c.ClientListen = "$2a$10$abcdefghijk", "127.0.0.1:1" },
		"no node":               func(c *Config) { c.Node = "" },
		"dots in a name":        func(c *Config) { c.Node = "a.b" },
		"an address":            func(c *Config) { c.Listen = "host" },
		"a peer":                func(c *Config) { c.Peers = []string{"a:1", "b"} },
		"the port is taken":     func(c *Config) { c.Listen = taken.Addr().String() },
		"the CLI's port, too":   func(c *Config) { c.ClientListen = taken.Addr().String() },
		"the folder is a file":  func(c *Config) { c.Dir = "/dev/null/x" },
		"the CLI's address: ''": func(c *Config) { c.ClientListen = ":x" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := Config{Cluster: "test", Node: "n0", Listen: freePort(t), Secret: secret, Dir: t.TempDir()}
			c.Peers = []string{c.Listen, freePort(t), freePort(t)}
			change(&c)
			b, err := Start(within(t), c)
			if err == nil {
				b.Close()
				t.Fatal("started")
			}
			if errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), secret) {
				t.Error(err)
			}
		})
	}
}

// TestClients: the port for the CLI, and who may use it.
func TestClients(t *testing.T) {
	t.Parallel()
	authority, err := Authority(secret, "test")
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	other, err := Authority("another", "test")
	if err != nil {
		t.Fatal(err)
	}
	others := x509.NewCertPool()
	others.AppendCertsFromPEM(other)
	for _, host := range []string{"127.0.0.1", "0.0.0.0"} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			_, port, _ := net.SplitHostPort(freePort(t))
			c := newTrio(t, 0)
			c.peers, c.buses = []string{freePort(t)}, make([]*Bus, 1)
			config := c.config(0)
			config.ClientListen = net.JoinHostPort(host, port)
			b, err := Start(within(t), config)
			if err != nil {
				t.Fatal(err)
			}
			c.buses[0] = b
			connect := func(user, password string, roots *x509.CertPool) error {
				options := []nats.Option{nats.UserInfo(user, password), nats.NoReconnect()}
				if host != "127.0.0.1" {
					options = append(options, nats.Secure(&tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}))
				}
				conn, err := nats.Connect("nats://127.0.0.1:"+port, options...)
				if err == nil {
					conn.Close()
				}
				return err
			}
			for _, user := range []string{userLogs, userAdmin} {
				if err := connect(user, secret, roots); err != nil {
					t.Errorf("%s: %v", user, err)
				}
				if err := connect(user, "wrong", roots); !errors.Is(err, nats.ErrAuthorization) {
					t.Errorf("%s with a wrong password: %v", user, err)
				}
			}
			if err := connect("", "", roots); !errors.Is(err, nats.ErrAuthorization) {
				t.Errorf("nobody: %v", err)
			}
			if err := connect(userLogs, secret, others); host != "127.0.0.1" && err == nil {
				t.Error("a client took another cluster's authority for this one's")
			}
		})
	}
}

// TestNoClients: with no port asked for, the one that nats-server needs is of no use.
func TestNoClients(t *testing.T) {
	t.Parallel()
	b := newTrio(t, 1).buses[0]
	for _, user := range []nats.Option{nats.UserInfo(userLogs, secret), nats.UserInfo(userAdmin, secret), nats.UserInfo("", "")} {
		conn, err := nats.Connect(b.server.ClientURL(), user, nats.NoReconnect())
		if err == nil {
			conn.Close()
		}
		if !errors.Is(err, nats.ErrAuthorization) {
			t.Errorf("a client got %v", err)
		}
	}
}

// TestClose: requests in work end and are answered; nothing runs afterwards.
func TestClose(t *testing.T) {
	t.Parallel()
	c := newTrio(t, 2)
	working := make(chan struct{})
	err := c.buses[1].Handle("wait", func(ctx context.Context, _ []byte) []byte {
		close(working)
		<-ctx.Done()
		return []byte("at the end")
	})
	if err != nil {
		t.Fatal(err)
	}
	var calling sync.WaitGroup
	calling.Go(func() {
		eventually(t, "an answer", func() error {
			reply, err := c.buses[0].Call(within(t), "n1", "wait", nil) // answered, though the node closes
			if err == nil && string(reply) != "at the end" {
				t.Errorf("reply %q", reply)
			}
			return err
		})
	})
	<-working
	var closing sync.WaitGroup
	for range 2 {
		closing.Go(c.buses[1].Close)
	}
	calling.Wait()
	closing.Wait()
	if _, err := c.buses[1].Call(within(t), "n0", "wait", nil); err == nil {
		t.Error("a call through a bus that is closed")
	}
	if _, err := c.buses[1].OpenLog("log").Append(0, "x", nil); err == nil {
		t.Error("an append through a bus that is closed")
	}
	eventually(t, "its calls are unreachable", func() error {
		// One that was on its way when the node went may be lost.
		ctx, cancel := context.WithTimeout(within(t), time.Second)
		defer cancel()
		if _, err := c.buses[0].Call(ctx, "n1", "wait", nil); !errors.Is(err, ErrUnreachable) {
			return fmt.Errorf("%w is not that", err)
		}
		return nil
	})
}

// TestRefusal: only what is certainly not in the log is called refused.
func TestRefusal(t *testing.T) {
	t.Parallel()
	for code, want := range map[jetstream.ErrorCode]error{
		10071: ErrConflict, 10164: ErrConflict, 10054: ErrRefused, 10109: ErrRefused, 10167: ErrRefused,
		10023: nil, 10047: nil, 10077: nil, 10158: nil, 10008: nil,
	} {
		err := refusal(fmt.Errorf("nats: %w", &jetstream.APIError{Code: 400, ErrorCode: code, Description: "why"}))
		if errors.Is(err, ErrConflict) != errors.Is(want, ErrConflict) || errors.Is(err, ErrRefused) != errors.Is(want, ErrRefused) {
			t.Errorf("%d: %v", code, err)
		}
	}
	for _, err := range []error{nats.ErrDisconnected, jetstream.ErrAsyncPublishTimeout, jetstream.ErrInvalidJSAck} {
		if got := refusal(err); errors.Is(got, ErrRefused) || errors.Is(got, ErrConflict) || !errors.Is(got, err) {
			t.Errorf("%v: %v", err, got)
		}
	}
}
