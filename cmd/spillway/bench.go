package main

import (
	"fmt"
	"runtime"
	"time"

	"github.com/spillway/spillway/internal/loadtest"
)

type benchCommand struct {
	Endpoint    string        `default:"http://127.0.0.1:4566" env:"AWS_ENDPOINT_URL" placeholder:"URL" help:"Server to load."`
	AccessKey   string        `default:"test" env:"AWS_ACCESS_KEY_ID" help:"Access key id."`
	SecretKey   string        `default:"test" env:"AWS_SECRET_ACCESS_KEY" help:"Secret access key."`
	Region      string        `default:"us-east-1" env:"AWS_DEFAULT_REGION" help:"Region."`
	Unsigned    bool          `help:"Do not sign, for servers that verify nothing."`
	Protocol    string        `default:"json" enum:"json,query" help:"json or query."`
	Workload    string        `default:"send" enum:"send,receive,delete,lifecycle,latency,publish,put,get" help:"send, receive, delete, lifecycle (send, receive, delete), latency (send to waiting receive), publish (to a topic), put (to a stream) or get (from a stream)."`
	Queue       string        `placeholder:"NAME" help:"Queue, made if absent. Default bench-WORKLOAD."`
	Topic       string        `placeholder:"ARN" help:"Topic of publish."`
	Stream      string        `placeholder:"NAME" help:"Stream of put and get."`
	FIFO        bool          `name:"fifo" help:"A FIFO queue; its name gets .fifo."`
	Connections int           `default:"64" help:"Connections, each with one call at a time."`
	Batch       int           `default:"1" help:"Messages of a call, 1 to 10; of put 1 to 500, of get 1 to 10,000."`
	Body        int           `default:"256" help:"Bytes of a message's body."`
	Duration    time.Duration `default:"10s" help:"How long to measure."`
	Preload     int           `help:"Messages to send before measuring."`
	Threads     int           `default:"1" help:"Threads of this load generator. One costs least: it shares the machine with the server."`
	PID         int           `name:"pid" help:"The server's process: its CPU time a call is reported."`
	JSON        bool          `name:"json" help:"Report in JSON."`
}

// Run loads a server and reports.
func (b *benchCommand) Run(p *process) error {
	o := loadtest.Options{
		Endpoint: b.Endpoint, Region: b.Region, AccessKey: b.AccessKey, SecretKey: b.SecretKey,
		Protocol: b.Protocol, Workload: b.Workload, Queue: b.Queue, Topic: b.Topic, Stream: b.Stream, FIFO: b.FIFO,
		Connections: b.Connections, Batch: b.Batch, BodyBytes: b.Body, Duration: b.Duration,
		Preload: b.Preload, PID: b.PID,
	}
	if o.Queue == "" {
		o.Queue = "bench-" + b.Workload
	}
	if b.FIFO {
		o.Queue += ".fifo"
	}
	if b.Unsigned {
		o.AccessKey = ""
	}
	runtime.GOMAXPROCS(max(b.Threads, 1))
	r, err := loadtest.Run(p.ctx, o)
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	if b.JSON {
		return r.WriteJSON(p.stdout)
	}
	return r.WriteTable(p.stdout)
}
