package bus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

const secret = "a secret that no log may show"

// journal collects the nodes' log.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func logTo(j *journal) *slog.Logger {
	return slog.New(slog.NewTextHandler(j, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// trio is a cluster in one process.
type trio struct {
	t       testing.TB
	dir     string
	peers   []string
	journal *journal
	buses   []*Bus
}

// newTrio starts n nodes and waits for them.
func newTrio(t testing.TB, n int) *trio {
	t.Helper()
	c := &trio{t: t, dir: t.TempDir(), journal: &journal{}, buses: make([]*Bus, n)}
	for range n {
		c.peers = append(c.peers, freePort(t))
	}
	t.Cleanup(c.close)
	var starting sync.WaitGroup
	for i := range n {
		starting.Go(func() { c.start(i) })
	}
	starting.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return c
}

func (c *trio) config(i int) Config {
	return Config{
		Cluster: "test", Node: fmt.Sprint("n", i), Listen: c.peers[i], Peers: c.peers, Secret: secret,
		Dir:    filepath.Join(c.dir, fmt.Sprint("n", i)),
		Logger: logTo(c.journal).With("at", i),
	}
}

// start is called from a goroutine other than the test's: it may not end the test.
func (c *trio) start(i int) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	b, err := Start(ctx, c.config(i))
	if err != nil {
		c.t.Errorf("start n%d: %v", i, err)
		return
	}
	c.buses[i] = b
	if err := b.Ready(ctx); err != nil {
		c.t.Errorf("n%d is not ready: %v", i, err)
	}
}

func (c *trio) stop(i int) {
	if c.buses[i] != nil {
		c.buses[i].Close()
		c.buses[i] = nil
	}
}

func (c *trio) close() {
	var stopping sync.WaitGroup
	for i := range c.buses {
		stopping.Go(func() { c.stop(i) })
	}
	stopping.Wait()
	text := c.journal.String()
	for _, word := range []string{secret, "level=ERROR"} {
		if strings.Contains(text, word) {
			c.t.Errorf("the log has %q", word)
		}
	}
	if path := os.Getenv("BUS_JOURNAL"); path != "" {
		_ = os.WriteFile(path+"-"+strings.ReplaceAll(c.t.Name(), "/", "-"), []byte(text), 0o600)
	}
}

// leader returns the number of the node that leads a log, once there is one.
func (c *trio) leader(name string) (leader int) {
	c.t.Helper()
	eventually(c.t, "a leader of "+name, func() error {
		for i, b := range c.buses {
			if b != nil && b.OpenLog(name).Leads() {
				leader = i
				return nil
			}
		}
		return errors.New("nobody leads")
	})
	return leader
}

// log makes a log on three nodes, or all.
func (c *trio) log(name string) {
	c.t.Helper()
	if _, _, err := c.buses[0].CreateLog(within(c.t), LogSpec{Name: name, Replicas: min(3, len(c.peers))}); err != nil {
		c.t.Fatal(err)
	}
	c.leader(name)
}

// freePort returns an address where nothing listens. On Linux it has a host of its
// own, or another connection of this machine may be given the port before it is used.
func freePort(t testing.TB) string {
	t.Helper()
	host := "127.0.0.1"
	if runtime.GOOS == "linux" {
		host = fmt.Sprintf("127.%d.%d.%d", 1+rand.IntN(250), rand.IntN(250), 1+rand.IntN(250))
	}
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// within returns a context that ends before the test does.
func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// eventually polls.
func eventually(t testing.TB, what string, f func() error) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v", what, err)
		}
		time.Sleep(10 * time.Millisecond) // a poll with a deadline
	}
}
