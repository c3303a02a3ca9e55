package hook

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestOrderAndStates(t *testing.T) {
	t.Parallel()
	first := folder(t, map[string]string{
		"ready.d/10-b.sh":     "#!/bin/bash\nset -e\necho b $AWS_ENDPOINT_URL\n",
		"ready.d/02-a.sh":     "echo a\n",
		"ready.d/a/01.sh":     "echo a/01; exit 3\n",
		"ready.d/a/deep/1.sh": "echo a/deep/1\n",
		"ready.d/b/00.sh":     "echo b/00\n",
		"ready.d/syntax.sh":   "if\n",
		"ready.d/notes.txt":   "not a script",
		"boot.d/x.sh":         "echo boot\n",
	})
	second := folder(t, map[string]string{"ready.d/00.sh": "echo second\n"})
	var out bytes.Buffer
	r := New(Options{Dirs: []string{first, second, "/nowhere"}, Env: os.Environ(), Output: &out})

	r.Run(context.Background(), Ready, "AWS_ENDPOINT_URL=http://x")

	if want := "a b http://x a/01 a/deep/1 b/00 second"; strings.Join(strings.Fields(out.String()), " ") != want {
		t.Errorf("got %q, want %s", out.String(), want)
	}
	s := r.Status()
	if !s.Completed[Ready] || s.Completed[Boot] {
		t.Errorf("completed: %v", s.Completed)
	}
	states := map[string]State{}
	for _, script := range s.Scripts {
		states[script.Name] = script.State
	}
	for name, want := range map[string]State{"02-a.sh": Successful, "a/01.sh": Failed, "syntax.sh": Failed, "00.sh": Successful, "x.sh": Unknown} {
		if states[name] != want {
			t.Errorf("%s is %s, want %s", name, states[name], want)
		}
	}
	text, err := json.Marshal(s)
	if err != nil || !bytes.Contains(text, []byte(`{"stage":"BOOT","name":"x.sh","state":"UNKNOWN"}`)) {
		t.Errorf("%s, %v", text, err)
	}
}

func TestPython(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("no python3")
	}
	dir := folder(t, map[string]string{"start.d/x.py": "import os\nprint(os.environ['A'], os.path.basename(os.getcwd()))\n"})
	var out bytes.Buffer
	New(Options{Dirs: []string{dir}, Env: os.Environ(), Output: &out}).Run(context.Background(), Start, "A=1")
	if out.String() != "1 start.d\n" {
		t.Errorf("got %q", out.String())
	}
}

func TestAwslocal(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{
		"bin/aws":          "#!/bin/sh\necho \"$@\"\n",
		"ready.d/queue.sh": "awslocal sqs list-queues\n",
	})
	var out bytes.Buffer
	r := New(Options{Dirs: []string{dir}, Env: []string{"PATH=" + dir + "/bin"}, Output: &out})
	r.Run(context.Background(), Ready, "AWS_ENDPOINT_URL=http://x")
	if out.String() != "--endpoint-url=http://x sqs list-queues\n" {
		t.Errorf("got %q", out.String())
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"shutdown.d/x.sh": "while true; do :; done\n"})
	r := New(Options{Dirs: []string{dir}})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r.Run(ctx, Shutdown)
	if s := r.Status().Scripts[0]; s.State != Failed {
		t.Errorf("state %s", s.State)
	}
}
