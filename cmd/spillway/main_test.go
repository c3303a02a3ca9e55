package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"spillway": main})
}

func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			// A port that was free a moment ago: scripts name it before the server does.
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			e.Setenv("ADDR", l.Addr().String())
			running := &servers{}
			e.Values[serversKey{}] = running
			e.Defer(running.kill)
			return l.Close()
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"occupy": occupy, "ready": ready, "launch": launch, "signal": signalServer, "gone": gone, "get": get, "appears": appears,
		},
	})
}

// occupy ADDR listens on an address until the script ends.
func occupy(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("tcp", args[0])
	ts.Check(err)
	ts.Defer(func() { l.Close() })
}

type serversKey struct{}

// servers are the servers of a script, by name.
type servers struct {
	mu   sync.Mutex
	byID map[string]*started
}

type started struct {
	process *os.Process
	out     *output
	exited  chan struct{}
	state   *os.ProcessState
}

func (s *servers) kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, server := range s.byID {
		server.process.Kill()
		<-server.exited
	}
}

// output is what a server printed so far.
type output struct {
	mu   sync.Mutex
	text strings.Builder
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func find(ts *testscript.TestScript, name string) *started {
	s := ts.Value(serversKey{}).(*servers)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID[name] == nil {
		ts.Fatalf("there is no server %s", name)
	}
	return s.byID[name]
}

// readyLine is what Testcontainers waits for.
var readyLine = regexp.MustCompile(`(?m)^Ready\.$`)

// ready NAME ARGS... starts spillway and waits until it is ready.
func ready(ts *testscript.TestScript, neg bool, args []string) {
	launch(ts, neg, args)
	find(ts, args[0]).await(ts, readyLine)
}

// launch NAME ARGS... starts spillway.
func launch(ts *testscript.TestScript, _ bool, args []string) {
	s := ts.Value(serversKey{}).(*servers)
	path, err := lookPath(ts, "spillway")
	ts.Check(err)
	r, w, err := os.Pipe()
	ts.Check(err)
	p, err := os.StartProcess(path, append([]string{"spillway"}, args[1:]...), &os.ProcAttr{
		Dir: ts.MkAbs("."), Files: []*os.File{nil, w, w},
		Env: []string{"PATH=" + ts.Getenv("PATH"), "HOME=" + ts.Getenv("HOME"), "TESTSCRIPT_COVER_DIR=" + ts.Getenv("TESTSCRIPT_COVER_DIR")},
	})
	w.Close()
	ts.Check(err)
	server := &started{process: p, out: &output{}, exited: make(chan struct{})}
	copied := make(chan struct{})
	go func() {
		defer close(copied)
		buf := make([]byte, 4096)
		for {
			n, err := r.Read(buf)
			server.out.Write(buf[:n])
			if err != nil {
				r.Close()
				return
			}
		}
	}()
	go func() {
		server.state, _ = p.Wait()
		<-copied
		close(server.exited)
	}()
	s.mu.Lock()
	if s.byID == nil {
		s.byID = map[string]*started{}
	}
	s.byID[args[0]] = server
	s.mu.Unlock()
}

// appears NAME REGEXP waits until a server has printed something.
func appears(ts *testscript.TestScript, _ bool, args []string) {
	find(ts, args[0]).await(ts, regexp.MustCompile("(?m)"+args[1]))
}

func (s *started) await(ts *testscript.TestScript, text *regexp.Regexp) {
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !text.MatchString(s.out.String()) {
		select {
		case <-tick.C:
		case <-s.exited:
			ts.Fatalf("the server ended: %s", s.out)
		case <-deadline:
			ts.Fatalf("the server did not print %s: %s", text, s.out)
		}
	}
}

func lookPath(ts *testscript.TestScript, name string) (string, error) {
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("there is no %s on the path", name)
}

// signal NAME TERM|INT|KILL sends a signal to a server.
func signalServer(ts *testscript.TestScript, _ bool, args []string) {
	signals := map[string]os.Signal{"TERM": syscall.SIGTERM, "INT": os.Interrupt, "KILL": os.Kill}
	ts.Check(find(ts, args[0]).process.Signal(signals[args[1]]))
}

// gone NAME CODE [REGEXP] waits until a server has ended, with an exit code and having
// printed something.
func gone(ts *testscript.TestScript, _ bool, args []string) {
	server := find(ts, args[0])
	select {
	case <-server.exited:
	case <-time.After(10 * time.Second):
		ts.Fatalf("the server still runs: %s", server.out)
	}
	if got := fmt.Sprint(server.state.ExitCode()); got != args[1] {
		ts.Fatalf("exit code %s, want %s: %s", got, args[1], server.out)
	}
	if len(args) > 2 && !regexp.MustCompile("(?m)"+args[2]).MatchString(server.out.String()) {
		ts.Fatalf("it did not print %s: %s", args[2], server.out)
	}
}

// get URL fails unless the answer is 200.
func get(ts *testscript.TestScript, neg bool, args []string) {
	client := http.Client{Timeout: 5 * time.Second}
	resp, err := client.Get(args[0])
	if err == nil {
		resp.Body.Close()
	}
	if ok := err == nil && resp.StatusCode == http.StatusOK; ok == neg {
		ts.Fatalf("get %s: %v, %v", args[0], resp, err)
	}
}
