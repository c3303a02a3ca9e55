// Package hook runs the scripts that users put into init folders: boot.d before the
// server starts, start.d and ready.d when it serves, shutdown.d when it ends. The
// folders, the order and the states are those of LocalStack, so that existing
// set-ups work.
//
// Shell scripts run in an embedded interpreter: the image needs no shell.
package hook

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Stage is when a script runs.
type Stage string

// The stages, in their order.
const (
	Boot     Stage = "BOOT"
	Start    Stage = "START"
	Ready    Stage = "READY"
	Shutdown Stage = "SHUTDOWN"
)

// Stages returns all stages in their order.
func Stages() []Stage { return []Stage{Boot, Start, Ready, Shutdown} }

func (s Stage) folder() string { return strings.ToLower(string(s)) + ".d" }

// State is how far a script is.
type State string

// The states of a script.
const (
	Unknown    State = "UNKNOWN" // not run yet
	Running    State = "RUNNING"
	Successful State = "SUCCESSFUL"
	Failed     State = "ERROR"
)

// Script is one script.
type Script struct {
	Stage Stage  `json:"stage"`
	Name  string `json:"name"` // path below the stage's folder
	State State  `json:"state"`

	path string
}

// Status is what has run, as /_localstack/init shows it.
type Status struct {
	Completed map[Stage]bool `json:"completed"`
	Scripts   []Script       `json:"scripts"`
}

// Options of a Runner.
type Options struct {
	Dirs   []string  // each with boot.d, start.d, ready.d, shutdown.d; absent ones are fine
	Env    []string  // of the scripts, as os.Environ
	Output io.Writer // of the scripts; nil discards
	Logger *slog.Logger
}

// Runner runs the scripts of the init folders.
type Runner struct {
	options Options

	mu        sync.Mutex // guards the rest
	scripts   []Script
	completed map[Stage]bool
}

// New finds the scripts.
func New(o Options) *Runner {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Output == nil {
		o.Output = io.Discard
	}
	r := &Runner{options: o, completed: map[Stage]bool{}}
	for _, stage := range Stages() {
		for _, dir := range o.Dirs {
			root := filepath.Join(dir, stage.folder())
			for _, path := range find(root) {
				name, err := filepath.Rel(root, path)
				if err != nil {
					name = path
				}
				r.scripts = append(r.scripts, Script{Stage: stage, Name: filepath.ToSlash(name), State: Unknown, path: path})
			}
		}
	}
	return r
}

// find returns the scripts of a folder in alphanumeric order, then those of its
// sub-folders.
func find(dir string) []string {
	// A folder that is absent or cannot be read has no scripts.
	entries, _ := os.ReadDir(dir)
	var out, below []string
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		info, err := os.Stat(path) // follows links: mounted ConfigMaps are full of them
		switch {
		case err != nil || strings.HasPrefix(e.Name(), "."):
		case info.IsDir():
			below = append(below, path)
		case slices.Contains([]string{".sh", ".py"}, filepath.Ext(path)) && info.Mode().IsRegular():
			out = append(out, path)
		}
	}
	for _, dir := range below {
		out = append(out, find(dir)...)
	}
	return out
}

// Run runs the scripts of a stage one after the other, with env besides their
// environment. One that fails is logged and does not keep the others from running.
func (r *Runner) Run(ctx context.Context, stage Stage, env ...string) {
	env = append(slices.Clone(r.options.Env), env...)
	for i := range r.scripts {
		s := r.script(i)
		if s.Stage != stage {
			continue
		}
		r.set(i, Running)
		began := time.Now()
		err := r.run(ctx, s.path, env)
		log := r.options.Logger.With("script", s.path, "took", time.Since(began).Round(time.Millisecond))
		if err != nil {
			log.Error("init hook failed", "error", err)
			r.set(i, Failed)
			continue
		}
		log.Info("init hook ran")
		r.set(i, Successful)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.completed[stage] = true
}

func (r *Runner) set(i int, s State) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.scripts[i].State = s
}

// Status returns what has run so far.
func (r *Runner) Status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := Status{Completed: map[Stage]bool{}, Scripts: append([]Script{}, r.scripts...)}
	for _, stage := range Stages() {
		out.Completed[stage] = r.completed[stage]
	}
	return out
}

func (r *Runner) script(i int) Script {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.scripts[i]
}
