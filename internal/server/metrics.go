package server

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/spillway/spillway/internal/gateway"
	"github.com/spillway/spillway/internal/queue"
	"github.com/spillway/spillway/internal/sqs"
	"github.com/spillway/spillway/internal/store"
)

// meters are the server's own metrics. Those of queues are written when they are
// asked for, from the engine's counters.
type meters struct {
	set         *metrics.Set
	commits     *metrics.Counter
	commands    *metrics.Counter
	commitBytes *metrics.Counter
	commitSize  *metrics.Histogram
	commitTime  *metrics.Histogram
	bySeries    sync.Map // series: *seriesMetrics
}

func newMeters(healthy func() bool) *meters {
	set := metrics.NewSet()
	m := &meters{
		set:         set,
		commits:     set.NewCounter("spillway_storage_commits_total"),
		commands:    set.NewCounter("spillway_storage_commands_total"),
		commitBytes: set.NewCounter("spillway_storage_commit_bytes_total"),
		commitSize:  set.NewHistogram("spillway_storage_commit_commands"),
		commitTime:  set.NewHistogram("spillway_storage_commit_seconds"),
	}
	set.NewGauge("spillway_storage_healthy", func() float64 {
		if healthy() {
			return 1
		}
		return 0
	})
	started := time.Now()
	set.NewGauge("spillway_uptime_seconds", func() float64 { return time.Since(started).Seconds() })
	return m
}

// watchStore shows what the data takes on disk.
func (m *meters) watchStore(s *store.Store) {
	m.set.NewGauge(`spillway_storage_bytes{kind="tables"}`, func() float64 { tables, _ := s.Used(); return float64(tables) })
	m.set.NewGauge(`spillway_storage_bytes{kind="values"}`, func() float64 { _, values := s.Used(); return float64(values) })
}

// watch shows how many requests the gateway holds.
func (m *meters) watch(g *gateway.Gateway) {
	m.set.NewGauge("spillway_http_requests_running", func() float64 { running, _ := g.Load(); return float64(running) })
	m.set.NewGauge("spillway_http_requests_waiting", func() float64 { _, waiting := g.Load(); return float64(waiting) })
}

// Committed implements partition.Observer.
func (m *meters) Committed(commands, bytes int, took time.Duration) {
	m.commits.Inc()
	m.commands.Add(commands)
	m.commitBytes.Add(bytes)
	m.commitSize.Update(float64(commands))
	m.commitTime.Update(took.Seconds())
}

// series names the metrics of one kind of answer.
type series struct{ service, operation, code string }

type seriesMetrics struct {
	count *metrics.Counter
	took  *metrics.Histogram
}

// request counts one answered request. Names are bounded: service and operation
// come from the API's tables, codes from its errors.
func (m *meters) request(r *gateway.RequestInfo) {
	key := series{r.Service, r.Operation, r.Code}
	v, ok := m.bySeries.Load(key)
	if !ok {
		code := r.Code
		if code == "" {
			code = "OK"
		}
		v, _ = m.bySeries.LoadOrStore(key, &seriesMetrics{
			count: m.set.GetOrCreateCounter(fmt.Sprintf("spillway_http_requests_total{service=%q,action=%q,code=%q}", r.Service, r.Operation, code)),
			took:  m.set.GetOrCreateHistogram(fmt.Sprintf("spillway_http_request_seconds{service=%q,action=%q}", r.Service, r.Operation)),
		})
	}
	x := v.(*seriesMetrics)
	x.count.Inc()
	x.took.Update(r.Duration.Seconds())
}

// maxSeries is how many queues, and how many streams, have series of their own; the
// rest is summed under "other", so that a scrape stays bounded whatever the users do.
const maxSeries = 1000

// write writes everything in the Prometheus text format.
func (m *meters) write(w io.Writer, queues []*sqs.Queue) {
	m.set.WritePrometheus(w)
	writeQueues(w, queues)
	metrics.WriteProcessMetrics(w)
}

// queueSeries are the counters of one queue, or of all that have no own series.
type queueSeries struct {
	labels   string
	counters queue.Counters
	stats    queue.Stats
}

func writeQueues(w io.Writer, queues []*sqs.Queue) {
	rows := make([]queueSeries, 0, len(queues))
	for _, q := range queues {
		if !q.Handle().Local() {
			continue // its owner reports it
		}
		region, account, name := q.Name()
		rows = append(rows, queueSeries{
			labels:   fmt.Sprintf("queue=%q,region=%q,account=%q", name, region, account),
			counters: q.Handle().LocalCounters(), stats: q.Handle().Stats(),
		})
	}
	// The deepest queues are the ones worth a series.
	slices.SortStableFunc(rows, func(a, b queueSeries) int { return -cmp.Compare(a.counters.Visible, b.counters.Visible) })
	if len(rows) > maxSeries {
		other := queueSeries{labels: `queue="other",region="",account=""`}
		for _, r := range rows[maxSeries:] {
			other.add(&r)
		}
		rows = append(rows[:maxSeries], other)
	}
	var b bytes.Buffer
	now := time.Now().UnixMilli()
	for _, r := range rows {
		r.write(&b, now)
	}
	w.Write(b.Bytes()) //nolint:errcheck // w is memory, see serveMetrics
}

func (r *queueSeries) add(o *queueSeries) {
	r.counters.Visible += o.counters.Visible
	r.counters.InFlight += o.counters.InFlight
	r.counters.Delayed += o.counters.Delayed
	if o.counters.Oldest != 0 && (r.counters.Oldest == 0 || o.counters.Oldest < r.counters.Oldest) {
		r.counters.Oldest = o.counters.Oldest
	}
	r.stats.Enqueued += o.stats.Enqueued
	r.stats.Delivered += o.stats.Delivered
	r.stats.Deleted += o.stats.Deleted
	r.stats.DeadLettered += o.stats.DeadLettered
	r.stats.Expired += o.stats.Expired
	r.stats.EmptyLeases += o.stats.EmptyLeases
}

func (r *queueSeries) write(b *bytes.Buffer, now int64) {
	age := 0.0
	if r.counters.Oldest != 0 {
		age = max(0, float64(now-r.counters.Oldest)/1000)
	}
	line := func(name, extra string, v any) {
		fmt.Fprintf(b, "spillway_sqs_%s{%s%s} %v\n", name, r.labels, extra, v)
	}
	line("messages", `,state="visible"`, r.counters.Visible)
	line("messages", `,state="in_flight"`, r.counters.InFlight)
	line("messages", `,state="delayed"`, r.counters.Delayed)
	line("oldest_message_age_seconds", "", age)
	line("messages_sent_total", "", r.stats.Enqueued)
	line("messages_received_total", "", r.stats.Delivered)
	line("messages_deleted_total", "", r.stats.Deleted)
	line("messages_dead_lettered_total", "", r.stats.DeadLettered)
	line("messages_expired_total", "", r.stats.Expired)
	line("empty_receives_total", "", r.stats.EmptyLeases)
}
