package loadtest

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Report is what a run did. Times in JSON are microseconds.
type Report struct {
	Workload    string  `json:"workload"`
	Protocol    string  `json:"protocol"`
	Signed      bool    `json:"signed"`
	FIFO        bool    `json:"fifo"`
	Connections int     `json:"connections"`
	Batch       int     `json:"batch"`
	BodyBytes   int     `json:"body_bytes"`
	Seconds     float64 `json:"seconds"`

	Calls          uint64         `json:"calls"`
	CallsPerSecond float64        `json:"calls_per_second"`
	Messages       int            `json:"messages"` // through the whole workload
	PerSecond      float64        `json:"messages_per_second"`
	Operations     []Operation    `json:"operations"`
	Errors         map[string]int `json:"errors,omitempty"` // by code

	// CPU time of the server, if its process is known, and of the load generator.
	ServerPerCall    float64 `json:"server_cpu_us_per_call,omitempty"`
	ServerPerMessage float64 `json:"server_cpu_us_per_message,omitempty"`
	LoadPerCall      float64 `json:"load_cpu_us_per_call"`
}

// Operation is how long calls of one operation took.
type Operation struct {
	Name  string  `json:"name"`
	Calls uint64  `json:"calls"`
	P50   float64 `json:"p50_us"`
	P90   float64 `json:"p90_us"`
	P99   float64 `json:"p99_us"`
	Max   float64 `json:"max_us"`
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

func newReport(o *Options, workers []*worker, took, server, own time.Duration) *Report {
	r := &Report{
		Workload: o.Workload, Protocol: o.Protocol, Signed: o.AccessKey != "", FIFO: o.FIFO,
		Connections: o.Connections, Batch: o.Batch, BodyBytes: o.BodyBytes, Seconds: took.Seconds(),
		Errors: map[string]int{},
	}
	t := workers[0].conn.target
	for _, part := range []struct {
		name string
		of   func(*worker) *histogram
	}{
		{t.send.name, func(w *worker) *histogram { return &w.sends }},
		{t.receive.name, func(w *worker) *histogram { return &w.receives }},
		{t.remove.name, func(w *worker) *histogram { return &w.removes }},
		{endToEnd, func(w *worker) *histogram { return &w.arrivals }},
	} {
		var h histogram
		for _, w := range workers {
			h.merge(part.of(w))
		}
		if h.n == 0 {
			continue
		}
		r.Operations = append(r.Operations, Operation{
			Name: part.name, Calls: h.n,
			P50: micros(h.quantile(.5)), P90: micros(h.quantile(.9)), P99: micros(h.quantile(.99)), Max: micros(h.max),
		})
		if part.name != endToEnd {
			r.Calls += h.n
		}
	}
	for _, w := range workers {
		r.Messages += w.done
		for code, n := range w.errors {
			r.Errors[code] += n
		}
	}
	r.CallsPerSecond = float64(r.Calls) / took.Seconds()
	r.PerSecond = float64(r.Messages) / took.Seconds()
	r.ServerPerCall = micros(server) / float64(max(r.Calls, 1))
	r.ServerPerMessage = micros(server) / float64(max(r.Messages, 1))
	r.LoadPerCall = micros(own) / float64(max(r.Calls, 1))
	return r
}

// endToEnd names the time from a send to the arrival at a receiver.
const endToEnd = "end to end"

// WriteJSON writes the report in JSON.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// WriteTable writes the report as text.
func (r *Report) WriteTable(w io.Writer) error {
	signed, kind := "signed", "standard"
	if !r.Signed {
		signed = "unsigned"
	}
	if r.FIFO {
		kind = "FIFO"
	}
	fmt.Fprintf(w, "%s, %s queue, %s %s, %d connections, batch %d, %d-byte bodies, %.1f s\n\n",
		r.Workload, kind, signed, r.Protocol, r.Connections, r.Batch, r.BodyBytes, r.Seconds)
	fmt.Fprintf(w, "calls     %10.0f /s\n", r.CallsPerSecond)
	fmt.Fprintf(w, "messages  %10.0f /s\n", r.PerSecond)
	if r.ServerPerCall > 0 {
		fmt.Fprintf(w, "CPU       %10.1f us a call, %.1f us a message: server\n", r.ServerPerCall, r.ServerPerMessage)
	}
	fmt.Fprintf(w, "CPU       %10.1f us a call: this load generator\n\n", r.LoadPerCall)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "calls\tp50 ms\tp90 ms\tp99 ms\tmax ms\t  %s\n", "operation")
	for _, o := range r.Operations {
		fmt.Fprintf(t, "%d\t%.2f\t%.2f\t%.2f\t%.2f\t  %s\n", o.Calls, o.P50/1000, o.P90/1000, o.P99/1000, o.Max/1000, o.Name)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if len(r.Errors) == 0 {
		return nil
	}
	var codes []string
	for _, code := range slices.Sorted(maps.Keys(r.Errors)) {
		codes = append(codes, fmt.Sprintf("%s %d", code, r.Errors[code]))
	}
	_, err := fmt.Fprintf(w, "\nerrors: %s\n", strings.Join(codes, ", "))
	return err
}
