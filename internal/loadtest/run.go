package loadtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Workloads.
const (
	Send      = "send"
	Receive   = "receive"   // what Preload sent, without deleting
	Delete    = "delete"    // what Preload sent
	Lifecycle = "lifecycle" // send, receive, delete
	Latency   = "latency"   // from the send to the answer of a receive that waited
	Publish   = "publish"   // to the topic Topic of SNS, in place of a queue
	Put       = "put"       // to the stream Stream of Kinesis, in place of a queue
	Get       = "get"       // from the stream Stream, again and again from its beginning
)

// Options of a run.
type Options struct {
	Endpoint, Region     string
	AccessKey, SecretKey string // AccessKey "": requests are not signed
	Protocol             string // json or query
	Workload             string
	Queue                string // made if absent
	Topic                string // ARN, of publish
	Stream               string // name, of put and get
	FIFO                 bool
	Connections          int
	Batch                int // messages of a call: 1 to 10, put 500, get 10,000
	BodyBytes            int
	Duration             time.Duration
	Preload              int // messages to send before
	PID                  int // server process whose CPU time counts; 0 for none
}

// Validate checks the options.
func (o *Options) Validate() error {
	switch {
	case !slices.Contains([]string{Send, Receive, Delete, Lifecycle, Latency, Publish, Put, Get}, o.Workload):
		return fmt.Errorf("workload %q: must be send, receive, delete, lifecycle, latency, publish, put or get", o.Workload)
	case o.Batch < 1 || o.Batch > o.maxBatch():
		return fmt.Errorf("batch %d: must be 1 to %d", o.Batch, o.maxBatch())
	case o.Connections < 1:
		return fmt.Errorf("connections %d: must be at least 1", o.Connections)
	case o.Workload == Latency && o.Connections < 2:
		return errors.New("latency needs 2 connections: one sends, one receives")
	case o.Workload == Publish && o.Topic == "":
		return errors.New("publish needs a topic")
	case o.streams() && o.Stream == "":
		return fmt.Errorf("%s needs a stream", o.Workload)
	case o.BodyBytes < stampBytes:
		return fmt.Errorf("body %d: must be at least %d bytes", o.BodyBytes, stampBytes)
	case o.Duration <= 0:
		return errors.New("the duration must be positive")
	case (o.Workload == Receive || o.Workload == Delete) && o.Preload == 0:
		return fmt.Errorf("%s needs a preload: it takes what is there", o.Workload)
	}
	return nil
}

// maxBatch is the most that one call of the workload takes.
func (o *Options) maxBatch() int {
	switch o.Workload {
	case Put:
		return 500
	case Get:
		return 10_000
	default:
		return 10
	}
}

// streams says whether the workload is one of streams.
func (o *Options) streams() bool { return o.Workload == Put || o.Workload == Get }

// grace is how long after a run's end its calls may take.
const grace = 30 * time.Second

// Run loads the server and reports what it did.
func Run(ctx context.Context, o Options) (*Report, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	t, err := newTarget(&o)
	if err != nil {
		return nil, err
	}
	to := o.Topic + o.Stream
	if t.service == "sqs" {
		if to, err = t.createQueue(ctx, o.Queue, o.FIFO); err != nil {
			return nil, err
		}
	}
	if err := t.use(to, o.Batch); err != nil {
		return nil, err
	}
	workers, err := newWorkers(ctx, &o, t, to)
	if err != nil {
		return nil, err
	}
	defer func() {
		for _, w := range workers {
			w.conn.net.Close()
		}
	}()
	if err := prepare(ctx, &o, workers); err != nil {
		return nil, err
	}
	return measure(ctx, &o, workers)
}

func newWorkers(ctx context.Context, o *Options, t *target, queueURL string) ([]*worker, error) {
	var workers []*worker
	for i := range o.Connections {
		c, err := t.connect(ctx)
		if err != nil {
			return nil, err
		}
		w := &worker{options: o, index: i, conn: c, queueURL: queueURL, errors: map[string]int{}}
		w.messages = newMessages(i, o.FIFO, o.Batch, o.BodyBytes)
		workers = append(workers, w)
	}
	return workers, nil
}

// prepare does what is not measured: the preload, and receiving what delete deletes.
func prepare(ctx context.Context, o *Options, workers []*worker) error {
	err := runAll(ctx, workers, func(w *worker) error {
		share := o.Preload / len(workers)
		if w.index < o.Preload%len(workers) {
			share++
		}
		return w.preload(ctx, share)
	})
	if err != nil {
		return err
	}
	switch o.Workload {
	case Delete:
		return runAll(ctx, workers, func(w *worker) error { return w.collect(ctx) })
	case Latency:
		// What is left of earlier runs would be received first.
		return runAll(ctx, workers, func(w *worker) error { return w.drain(ctx) })
	}
	return nil
}

// measure runs the workload on all connections.
func measure(ctx context.Context, o *Options, workers []*worker) (*Report, error) {
	for _, w := range workers {
		w.reset()
	}
	var server, own [2]time.Duration
	cpu := func(i int) (err error) {
		own[i] = ownCPU()
		if o.PID != 0 {
			server[i], err = ProcessCPU(o.PID)
		}
		return err
	}
	if err := cpu(0); err != nil {
		return nil, err
	}
	began := time.Now()
	end := began.Add(o.Duration)
	// Whatever hangs at the end is an error, not a wait.
	ctx, cancel := context.WithDeadline(ctx, end.Add(grace))
	defer cancel()
	for _, w := range workers {
		if err := w.conn.net.SetDeadline(end.Add(grace)); err != nil {
			return nil, err
		}
	}
	var err error
	if o.Workload == Latency {
		// Its workers wait for each other.
		arrivals := make(chan struct{}, len(workers))
		err = inParallel(workers, func(w *worker) error { return w.runPair(ctx, end, arrivals) })
	} else {
		err = runAll(ctx, workers, func(w *worker) error { return w.run(ctx, end) })
	}
	took := time.Since(began)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	if err := cpu(1); err != nil {
		return nil, err
	}
	return newReport(o, workers, took, server[1]-server[0], own[1]-own[0]), nil
}

// inParallel runs a function for each worker and returns the first error.
func inParallel(workers []*worker, f func(*worker) error) error {
	var wg sync.WaitGroup
	errs := make([]error, len(workers))
	for i, w := range workers {
		wg.Go(func() { errs[i] = f(w) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
