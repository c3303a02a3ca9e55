package e2e

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var polls = flag.Int("polls", 0, "long polls that wait in TestPollMemory; 10000 is what the project promises")

// TestDrain: SIGTERM answers polls empty, lets nobody else in, ends with 0 and
// leaves a folder that is in order and has everything.
func TestDrain(t *testing.T) {
	needsBinary(t)
	p := launch(t, t.TempDir())
	p.create("q", "")
	p.create("kept", "")
	p.json("SendMessage", `{"QueueUrl":"kept","MessageBody":"m"}`)
	const n = 20
	answers := make(chan string, n)
	for range n {
		go func() {
			status, text := p.try(t.Context(), "ReceiveMessage", `{"QueueUrl":"q","WaitTimeSeconds":20}`)
			answers <- fmt.Sprint(status, text)
		}()
	}
	p.waiting(n)
	began := time.Now()
	p.stop()
	for range n {
		if got := <-answers; got != "200{}" {
			t.Errorf("a poll in the drain: %s", got)
		}
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the drain took %v", took)
	}
	if status, _ := p.try(t.Context(), "ListQueues", `{}`); status != 0 {
		t.Errorf("served after its end: %d", status)
	}
	p.check()
	again := launch(t, p.data)
	if m := again.one("kept", ""); m.Body != "m" {
		t.Errorf("%+v", m)
	}
	again.stop()
}

// TestTermTwice: who signals twice does not want to wait.
func TestTermTwice(t *testing.T) {
	needsBinary(t)
	// A shutdown hook that takes its time keeps the first signal's drain busy.
	hooks := t.TempDir()
	dir := filepath.Join(hooks, "shutdown.d")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "slow.sh"), []byte("#!/bin/sh\necho slow hook runs >&2\nexec sleep 2\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	p := launch(t, t.TempDir(), "SPILLWAY_HOOKS_DIR="+hooks)
	p.signal()
	eventually(t, "draining", func() bool { return strings.Contains(p.stderr.String(), "draining") })
	p.signal()
	var exit *exec.ExitError
	if err := p.wait(5 * time.Second); !errors.As(err, &exit) || exit.ExitCode() != 130 {
		t.Errorf("%v\n%s", err, p.stderr)
	}
	p.check() // ending at once is no worse than kill -9
}

// TestPollMemory: 10,000 polls wait in under 400 MiB.
func TestPollMemory(t *testing.T) {
	if *polls == 0 {
		t.Skip("needs -polls 10000")
	}
	p := launch(t, t.TempDir())
	idlePolls(t, p.fixture, *polls)
	peak := p.memory("VmHWM")
	t.Logf("%d polls, then a message for each: at most %d MiB resident", *polls, peak>>20)
	if peak > 400<<20 {
		t.Errorf("%d MiB resident, 400 promised", peak>>20)
	}
	p.stop()
}

func needsBinary(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("builds and runs the binary: not with -short")
	}
}
