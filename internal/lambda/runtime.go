package lambda

import (
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/spillway/spillway/internal/deliver"
)

const (
	// Prefix is where ServeHTTP is: the function's name follows.
	Prefix = "/_spillway/lambda/"

	version   = "2018-06-01/runtime/"
	errorType = "Lambda-Runtime-Function-Error-Type"
	errorBody = "Lambda-Runtime-Function-Error-Body"

	// handTime is how long handing an invocation to a process may take.
	handTime = 10 * time.Second
)

// ServeHTTP serves the Lambda Runtime API (version 2018-06-01) below Prefix. The
// server must end a request's context when its connection does, as net/http
// does: that is how a poll learns that its process is gone. Polls last until
// there is an invocation: no time-out of the server may end them.
//
// Source: AWS, "Using the Lambda runtime API"; what it leaves open, the runtime
// interface emulator.
func (f *Functions) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, Prefix), "/")
	path, ok := strings.CutPrefix(path, version)
	if !ok || !validName(name) {
		refuse(w, http.StatusNotFound, "NotFound", "No function has this path")
		return
	}
	if !f.admitted(r) {
		refuse(w, http.StatusForbidden, "Forbidden", "Wrong password")
		return
	}
	id, verb, posted := strings.Cut(strings.TrimPrefix(path, "invocation/"), "/")
	switch {
	case path == "invocation/next" && r.Method == http.MethodGet:
		f.serveNext(w, r, name)
	case path == "init/error" && r.Method == http.MethodPost:
		f.serveInitError(w, r, name)
	case strings.HasPrefix(path, "invocation/") && posted && (verb == "response" || verb == "error") && r.Method == http.MethodPost:
		f.servePost(w, r, name, id, verb == "error")
	default:
		refuse(w, http.StatusNotFound, "NotFound", "The Runtime API has no such operation")
	}
}

func (f *Functions) admitted(r *http.Request) bool {
	if f.options.Password == "" {
		return true
	}
	_, password, _ := r.BasicAuth()
	return subtle.ConstantTimeCompare([]byte(password), []byte(f.options.Password)) == 1
}

// serveNext is a poll.
func (f *Functions) serveNext(w http.ResponseWriter, r *http.Request, name string) {
	fn := f.attach(name)
	if fn == nil {
		refuse(w, http.StatusInternalServerError, "InternalServerError", "Shutting down, or too many processes")
		return
	}
	defer f.detach(fn)
	for {
		select {
		case call := <-fn.offers:
			if r.Context().Err() != nil {
				call.handed <- false
				return
			}
			if !f.take(fn, call) {
				continue
			}
			ok := f.hand(w, call)
			if !ok {
				f.giveBack(fn, call)
			}
			call.handed <- ok
			return
		case <-r.Context().Done():
			return
		case <-f.life.Done():
			// What the API documents for the end of an environment.
			refuse(w, http.StatusInternalServerError, "InternalServerError", "Shutting down")
			return
		}
	}
}

// take makes a call one that may be answered; false if nobody waits for it any more.
func (f *Functions) take(fn *function, call *run) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if call.over {
		return false
	}
	fn.running[call.id] = call
	return true
}

func (f *Functions) giveBack(fn *function, call *run) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(fn.running, call.id)
}

// hand gives an invocation to the process that polls. It reports whether all of it
// went out: if not, the process cannot have begun.
func (f *Functions) hand(w http.ResponseWriter, call *run) bool {
	now := f.options.Now()
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(call.payload)))
	h.Set("Lambda-Runtime-Aws-Request-Id", call.id)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(now.Add(f.options.Timeout).UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", call.arn)
	h.Set("Lambda-Runtime-Trace-Id", newTraceID(now))
	control := http.NewResponseController(w)
	_ = control.SetWriteDeadline(time.Now().Add(handTime)) // not every writer can
	defer func() { _ = control.SetWriteDeadline(time.Time{}) }()
	if _, err := w.Write(call.payload); err != nil {
		return false
	}
	return control.Flush() == nil
}

// servePost takes an answer or an error.
func (f *Functions) servePost(w http.ResponseWriter, r *http.Request, name, id string, failed bool) {
	if !f.knows(name, id) {
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxPayload))
	a := answer{payload: body, failed: failed}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		a = answer{failed: true, payload: document("Function.ResponseSizeTooLarge",
			"Response payload size exceeded maximum allowed payload size ("+strconv.Itoa(MaxPayload)+" bytes).")}
	case err != nil:
		return // the connection is gone: it may post again, or time out
	case failed && len(body) == 0:
		a.payload = document(r.Header.Get(errorType), "")
	case r.Trailer.Get(errorType) != "":
		// It failed after it had begun to answer.
		a = answer{failed: true, payload: trailed(r.Trailer)}
	}
	f.finish(name, id, a)
	if tooLarge != nil {
		refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge",
			"Exceeded maximum allowed payload size ("+strconv.Itoa(MaxPayload)+" bytes).")
		return
	}
	accept(w)
}

// trailed is the error document of an answer that was broken off.
func trailed(trailer http.Header) []byte {
	if b, err := base64.StdEncoding.DecodeString(trailer.Get(errorBody)); err == nil && len(b) > 0 {
		return b
	}
	return document(trailer.Get(errorType), "")
}

// knows reports whether an id is that of an invocation, running or not long over.
func (f *Functions) knows(name, id string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	fn := f.byName[name]
	return fn != nil && (fn.running[id] != nil || fn.isOver(id))
}

// finish passes an answer to who waits for it. One that comes too late is
// dropped, but accepted: where Lambda would have ended the process with the
// invocation, here it goes on, and runtimes that are refused exit.
func (f *Functions) finish(name, id string, a answer) {
	f.mu.Lock()
	fn := f.byName[name]
	var call *run
	if fn != nil {
		call = fn.running[id]
		fn.end(id)
		fn.seen = f.options.Now()
	}
	f.mu.Unlock()
	if call == nil {
		f.options.Logger.Warn("a function answered too late", "function", name, "request_id", id)
		return
	}
	select {
	case call.answer <- a:
	default: // answered before
	}
}

func (f *Functions) serveInitError(w http.ResponseWriter, r *http.Request, name string) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxPayload))
	if err != nil {
		refuse(w, http.StatusBadRequest, "InvalidRequest", "The error cannot be read")
		return
	}
	f.options.Logger.Error("a function failed to start", "function", name, "type", r.Header.Get(errorType), "error", deliver.Excerpt(body))
	accept(w)
}

func accept(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`+"\n")
}

// refuse answers in the API's form.
func refuse(w http.ResponseWriter, status int, kind, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(document(kind, message))
}
