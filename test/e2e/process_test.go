package e2e

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// binary builds cmd/spillway once, into a folder that TestMain removes.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "spillway-e2e-")
	if err != nil {
		return "", err
	}
	builtIn = dir
	path := filepath.Join(dir, "spillway")
	out, err := exec.Command("go", "build", "-o", path, "github.com/spillway/spillway/cmd/spillway").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, err
})

var builtIn string

// process is the built binary, running.
type process struct {
	*fixture
	cmd    *exec.Cmd
	data   string
	exited chan error // receives what Wait returns, once
	ready  chan bool  // receives true with Ready; closed at the end
	stderr *tail
}

// launch runs `spillway serve` on a data folder and returns when it says Ready.
func launch(t *testing.T, data string, env ...string) *process {
	t.Helper()
	p := begin(t, freeAddress(t), data, nil, env...)
	p.awaitReady()
	return p
}

// begin runs `spillway serve` with further arguments, and does not wait for it.
func begin(t *testing.T, listen, data string, args []string, env ...string) *process {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{data: data, exited: make(chan error, 1), ready: make(chan bool, 1), stderr: &tail{}}
	p.cmd = exec.Command(path, append([]string{"serve", "--listen", listen, "--data-dir", data}, args...)...)
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}, env...)
	p.cmd.Stderr = p.stderr
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 100}
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // it may have ended
		transport.CloseIdleConnections()
	})
	go func() {
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			if lines.Text() == "Ready." {
				p.ready <- true
			}
		}
		close(p.ready)
		p.exited <- p.cmd.Wait()
	}()
	p.fixture = &fixture{T: t, url: "http://" + listen, client: &http.Client{Transport: transport, Timeout: time.Minute}}
	return p
}

// awaitReady returns when the server says Ready.
func (p *process) awaitReady() {
	p.Helper()
	select {
	case ok := <-p.ready:
		if !ok {
			p.Fatalf("the server ended: %v\n%s", <-p.exited, p.stderr)
		}
	case <-time.After(30 * time.Second):
		p.Fatalf("not ready in 30 s\n%s", p.stderr)
	}
}

// freeAddress is a port that was free a moment ago.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// kill ends the process with SIGKILL and waits for its end.
func (p *process) kill() {
	p.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		p.Fatal(err)
	}
	<-p.exited
	p.client.CloseIdleConnections()
}

// stop ends the process with SIGTERM and demands exit code 0.
func (p *process) stop() {
	p.Helper()
	p.signal()
	p.client.CloseIdleConnections()
	if err := p.wait(15 * time.Second); err != nil {
		p.Errorf("after SIGTERM: %v\n%s", err, p.stderr)
	}
}

func (p *process) signal() {
	p.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.Fatal(err)
	}
}

func (p *process) wait(limit time.Duration) error {
	p.Helper()
	select {
	case err := <-p.exited:
		return err
	case <-time.After(limit):
		p.Fatalf("still running after %v\n%s", limit, p.stderr)
		return nil
	}
}

// check runs `spillway check` on the folder of a stopped server.
func (p *process) check() {
	p.Helper()
	out, err := exec.Command(p.cmd.Path, "check", p.data).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "everything is in order") {
		p.Errorf("check: %v\n%s", err, out)
	}
}

// try is one call that may fail, as calls to a server that is killed do. The
// status is 0 when there was no answer.
func (p *process) try(ctx context.Context, operation, body string) (status int, text string) {
	req, err := http.NewRequestWithContext(ctx, "POST", p.url, strings.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	req.GetBody = nil // what was sent once is not sent again behind our back
	req.Header.Set("Content-Type", jsonType)
	req.Header.Set("X-Amz-Target", "AmazonSQS."+operation)
	res, err := p.client.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err.Error()
	}
	return res.StatusCode, string(b)
}

// memory is a figure of /proc/PID/status in bytes: VmRSS, VmHWM.
func (p *process) memory(name string) int64 {
	p.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		p.Skipf("no /proc: %v", err)
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			n, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			if err != nil {
				p.Fatal(err)
			}
			return n << 10
		}
	}
	p.Fatalf("no %s", name)
	return 0
}

// tail keeps the last of what a process writes.
type tail struct {
	mu sync.Mutex
	b  []byte
}

// Write implements io.Writer.
func (w *tail) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.b = append(w.b, p...)
	w.b = w.b[max(0, len(w.b)-4096):]
	return len(p), nil
}

func (w *tail) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return string(w.b)
}
