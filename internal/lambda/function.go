package lambda

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/spillway/spillway/internal/arn"
)

var (
	errClosed      = errors.New("lambda: shutting down")
	errName        = errors.New("lambda: not the name or ARN of a function")
	errTooLarge    = errors.New("lambda: the payload is larger than 6 MB")
	errNotAttached = errors.New("lambda: no process is attached for the function, and no Invoke endpoint is configured")
	errBusy        = errors.New("lambda: all processes of the function are busy")
)

// between is how long a process may take from an answer to asking for more and
// still count as attached: it tidies up, or collects garbage.
const between = 5 * time.Second

// remembered ids of invocations that are over, for answers that come too late.
const remembered = 64

// function is what is known of a function while somebody attaches or calls it.
type function struct {
	name   string
	offers chan *run // unbuffered: from those who call to those who poll, both in order

	// Guarded by Functions.mu.
	polls   int
	callers int
	running map[string]*run // by request id: handed to a process, and no answer yet
	over    [remembered]string
	next    int       // in over
	seen    time.Time // when a process last posted something
}

func (fn *function) attached(now time.Time) bool {
	return fn.polls > 0 || len(fn.running) > 0 || now.Sub(fn.seen) < between
}

// end forgets a run that is running, but not its id.
func (fn *function) end(id string) {
	if fn.running[id] == nil {
		return
	}
	delete(fn.running, id)
	fn.over[fn.next%remembered] = id
	fn.next++
}

func (fn *function) isOver(id string) bool {
	return id != "" && slices.Contains(fn.over[:], id)
}

// enter is a call of an attached function; nil if it is not.
func (f *Functions) enter(name string) *function {
	f.mu.Lock()
	defer f.mu.Unlock()
	fn := f.byName[name]
	if fn == nil || !fn.attached(f.options.Now()) {
		return nil
	}
	fn.callers++
	return fn
}

func (f *Functions) leave(fn *function) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fn.callers--
}

// attach is a poll of the function; nil if there are too many, or after Close.
func (f *Functions) attach(name string) *function {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.life.Err() != nil {
		return nil
	}
	fn := f.byName[name]
	if fn == nil {
		if len(f.byName) >= maxFunctions {
			f.prune()
		}
		if len(f.byName) >= maxFunctions {
			return nil
		}
		fn = &function{name: name, offers: make(chan *run), running: map[string]*run{}}
		f.byName[name] = fn
	}
	if fn.polls >= maxPolls {
		return nil
	}
	fn.polls++
	f.work.Add(1)
	return fn
}

func (f *Functions) detach(fn *function) {
	f.mu.Lock()
	fn.polls--
	f.mu.Unlock()
	f.work.Done()
}

// prune forgets the functions that nobody has to do with any more.
func (f *Functions) prune() {
	now := f.options.Now()
	for name, fn := range f.byName {
		if fn.callers == 0 && !fn.attached(now) {
			delete(f.byName, name)
		}
	}
}

// nameOf is the name in a function's ARN, which may have a version or alias.
func nameOf(a arn.ARN) (string, bool) {
	rest, ok := strings.CutPrefix(a.Resource, "function:")
	if !ok || a.Service != "lambda" {
		return "", false
	}
	name, _, _ := strings.Cut(rest, ":")
	return name, validName(name)
}

func validName(s string) bool {
	if s == "" || len(s) > maxName {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return true
}
