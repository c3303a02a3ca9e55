package e2e

import (
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spillway/spillway"
)

// With -nodes 3 the tests of this package's behaviour run against a cluster, each
// request through another node: nobody may notice.
var nodesFlag = flag.Int("nodes", 1, "nodes of the servers that tests start")

// startNodes is start with a cluster behind one address.
func startNodes(t *testing.T, yaml string) *fixture {
	t.Helper()
	var listens, routes []string
	for range *nodesFlag {
		listens, routes = append(listens, freeAddress(t)), append(routes, freeAddress(t))
	}
	dir := t.TempDir()
	servers := make([]*spillway.Server, *nodesFlag)
	var starting sync.WaitGroup
	for i := range servers {
		starting.Go(func() {
			file := filepath.Join(dir, fmt.Sprintf("n%d.yaml", i))
			text := fmt.Sprintf("listen: %q\ndata_dir: %q\ncluster: {name: test, node: n%d, listen: %q, peers: [\"%s\"]}\n%s",
				listens[i], filepath.Join(dir, fmt.Sprint(i)), i, routes[i], strings.Join(routes, `", "`), yaml)
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Error(err)
				return
			}
			var err error
			if servers[i], err = spillway.Start(t.Context(), spillway.Config{File: file}); err != nil {
				t.Error(err)
			}
		})
	}
	starting.Wait()
	transport := &http.Transport{DisableCompression: true, DisableKeepAlives: true}
	t.Cleanup(func() {
		var stopping sync.WaitGroup
		for _, s := range servers {
			if s != nil {
				stopping.Go(func() { s.Close() }) // the last one has nobody to hand over to
			}
		}
		stopping.Wait()
	})
	if t.Failed() {
		t.FailNow()
	}
	return &fixture{T: t, url: "http://" + spread(t, listens), client: &http.Client{Transport: transport, Timeout: time.Minute}}
}

// spread is an address whose connections go to the given ones in turn.
func spread(t *testing.T, to []string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var next atomic.Int64
	var open sync.Map
	var passing sync.WaitGroup
	passing.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to[int(next.Add(1))%len(to)])
			if err != nil {
				in.Close()
				continue
			}
			open.Store(in, nil)
			open.Store(out, nil)
			pass := func(to, from net.Conn) {
				io.Copy(to, from)
				if half, ok := to.(*net.TCPConn); ok {
					half.CloseWrite()
				}
			}
			passing.Go(func() { pass(out, in) })
			passing.Go(func() { pass(in, out) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		open.Range(func(c, _ any) bool { c.(net.Conn).Close(); return true })
		passing.Wait()
	})
	return l.Addr().String()
}
