package gateway_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/gateway"
	"github.com/spillway/spillway/internal/service"
	"github.com/spillway/spillway/internal/smithy"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go/eventstream"
)

// ticker is a service that answers SubscribeToShard with what the test sends.
type ticker struct {
	events chan any   // a smithy.Shape, an error, or a panic's func()
	ended  chan error // causes with which Next was interrupted
	closed chan struct{}
	asked  atomic.Int32 // calls of Next
	denied error
	big    int // bytes of an event that is always there
}

func newTicker() *ticker {
	return &ticker{events: make(chan any), ended: make(chan error, 10), closed: make(chan struct{}, 10)}
}

func (s *ticker) service() *service.Service {
	var table service.Table[*ticker]
	access := func(*ticker, *service.Call, *kinesisapi.SubscribeToShardInput) (service.Access, error) {
		return service.Access{Action: "kinesis:SubscribeToShard", Resource: "*"}, nil
	}
	service.RegisterStream(&table, kinesisapi.SubscribeToShard, access, (*ticker).open)
	return table.Bind(kinesisapi.Service, s)
}

func (s *ticker) open(context.Context, *service.Call, *kinesisapi.SubscribeToShardInput) (service.Events, error) {
	return s, s.denied
}

// Next implements service.Events.
func (s *ticker) Next(ctx context.Context) (smithy.Shape, error) {
	s.asked.Add(1)
	if s.big > 0 {
		return tick(strings.Repeat("x", s.big)), nil
	}
	select {
	case e := <-s.events:
		switch e := e.(type) {
		case error:
			return nil, e
		case func():
			e()
		}
		return e.(smithy.Shape), nil
	case <-ctx.Done():
		s.ended <- context.Cause(ctx)
		return nil, ctx.Err()
	}
}

// Close implements service.Events.
func (s *ticker) Close() { s.closed <- struct{}{} }

func tick(n string) *kinesisapi.SubscribeToShardEvent {
	return &kinesisapi.SubscribeToShardEvent{ContinuationSequenceNumber: &n, MillisBehindLatest: new(int64(0)), Records: []kinesisapi.Record{}}
}

const ticked = `{"ContinuationSequenceNumber":"%s","MillisBehindLatest":0,"Records":[]}`

// wires are the ways that a stream can take.
var wires = map[string]func(addr string) (*http.Client, string){
	"HTTP/1.1 in clear": func(addr string) (*http.Client, string) {
		return speaking(func(p *http.Protocols) { p.SetHTTP1(true) }), "http://" + addr
	},
	"HTTP/2 in clear": func(addr string) (*http.Client, string) {
		return speaking(func(p *http.Protocols) { p.SetUnencryptedHTTP2(true) }), "http://" + addr
	},
	"HTTP/1.1 over TLS": func(addr string) (*http.Client, string) {
		return speaking(func(p *http.Protocols) { p.SetHTTP1(true) }), "https://" + addr
	},
	"HTTP/2 over TLS": func(addr string) (*http.Client, string) {
		return speaking(func(p *http.Protocols) { p.SetHTTP2(true) }), "https://" + addr
	},
}

func speaking(set func(*http.Protocols)) *http.Client {
	p := new(http.Protocols)
	set(p)
	return &http.Client{Transport: &http.Transport{Protocols: p, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
}

// subscribe begins a stream and returns the answer.
func subscribe(t *testing.T, ctx context.Context, c *http.Client, url string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(`{"ConsumerARN":"c","ShardId":"0"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Amz-Target", "Kinesis_20131202.SubscribeToShard")
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		res.Body.Close()
		c.CloseIdleConnections()
	})
	return res
}

// message reads one message: its type, and its payload.
func message(t *testing.T, r io.Reader) (kind, payload string) {
	t.Helper()
	m, err := eventstream.NewDecoder().Decode(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Headers.Get(":content-type").String(); got != "application/x-amz-json-1.1" {
		t.Errorf("content type %s", got)
	}
	if v := m.Headers.Get(":exception-type"); v != nil {
		return m.Headers.Get(":message-type").String() + " " + v.String(), string(m.Payload)
	}
	return m.Headers.Get(":message-type").String() + " " + m.Headers.Get(":event-type").String(), string(m.Payload)
}

func expect(t *testing.T, r io.Reader, kind, payload string) {
	t.Helper()
	if k, p := message(t, r); k != kind || p != payload {
		t.Fatalf("%s %s, want %s %s", k, p, kind, payload)
	}
}

func eachFront(t *testing.T, c gateway.Config, f func(t *testing.T, s *ticker, g *gateway.Gateway, client *http.Client, url string)) {
	t.Helper()
	for name, dial := range wires {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, c := newTicker(), c
			c.Services = []*service.Service{s.service()}
			c.TLS, _ = selfSigned(t)
			addr, g := start(t, c)
			client, url := dial(addr)
			f(t, s, g, client, url)
		})
	}
}

// TestStream: the client has each event before the next is made, and at the end a
// whole answer.
func TestStream(t *testing.T) {
	t.Parallel()
	eachFront(t, gateway.Config{}, func(t *testing.T, s *ticker, g *gateway.Gateway, c *http.Client, url string) {
		res := subscribe(t, t.Context(), c, url)
		if res.StatusCode != 200 || res.Header.Get("Content-Type") != "application/vnd.amazon.eventstream" || res.ContentLength != -1 || res.Header.Get("x-amzn-RequestId") == "" {
			t.Errorf("%s %v", res.Status, res.Header)
		}
		expect(t, res.Body, "event initial-response", `{}`)
		for _, n := range []string{"1", "2", strings.Repeat("3", 1<<20), "4"} {
			s.events <- tick(n)
			expect(t, res.Body, "event SubscribeToShardEvent", fmt.Sprintf(ticked, n))
		}
		eventually(t, func() bool { running, waiting := g.Load(); return running == 0 && waiting == 1 })
		s.events <- io.EOF
		if rest, err := io.ReadAll(res.Body); err != nil || len(rest) > 0 {
			t.Errorf("the end: %q, %v", rest, err)
		}
		receive(t, s.closed)
		eventually(t, func() bool { running, waiting := g.Load(); return running == 0 && waiting == 0 })
		if n := s.asked.Load(); n != 5 {
			t.Errorf("%d events were asked for", n)
		}
	})
}

// TestStreamRefused: until the stream is open, errors are plain.
func TestStreamRefused(t *testing.T) {
	t.Parallel()
	eachFront(t, gateway.Config{}, func(t *testing.T, s *ticker, g *gateway.Gateway, c *http.Client, url string) {
		s.denied = kinesisapi.ResourceInUseException.New("busy")
		res := subscribe(t, t.Context(), c, url)
		body, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != 400 || string(body) != `{"__type":"ResourceInUseException","message":"busy"}` {
			t.Errorf("%s %s, %v", res.Status, body, err)
		}
		eventually(t, func() bool { running, waiting := g.Load(); return running == 0 && waiting == 0 })
	})
}

// TestStreamFails: an error ends the stream as its last event, and tells no secrets.
func TestStreamFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		what          any
		kind, payload string
	}{
		"an API error":  {kinesisapi.ResourceNotFoundException.New(`"gone"`), "exception ResourceNotFoundException", `{"message":"\"gone\""}`},
		"an error":      {errors.New("the secret is 42"), "exception InternalFailureException", `{"message":"We encountered an internal error. Please try again."}`},
		"a panic":       {func() { panic("the secret is 42") }, "exception InternalFailureException", `{"message":"We encountered an internal error. Please try again."}`},
		"a wrong event": {&kinesisapi.Record{}, "exception InternalFailureException", `{"message":"We encountered an internal error. Please try again."}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachFront(t, gateway.Config{}, func(t *testing.T, s *ticker, _ *gateway.Gateway, client *http.Client, url string) {
				res := subscribe(t, t.Context(), client, url)
				expect(t, res.Body, "event initial-response", `{}`)
				s.events <- c.what
				expect(t, res.Body, c.kind, c.payload)
				if rest, err := io.ReadAll(res.Body); err != nil || len(rest) > 0 {
					t.Errorf("the end: %q, %v", rest, err)
				}
				receive(t, s.closed)
			})
		})
	}
}

func TestStreamClientLeaves(t *testing.T) {
	t.Parallel()
	eachFront(t, gateway.Config{}, func(t *testing.T, s *ticker, g *gateway.Gateway, c *http.Client, url string) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		res := subscribe(t, ctx, c, url)
		expect(t, res.Body, "event initial-response", `{}`)
		cancel()
		if cause := receive(t, s.ended); errors.Is(cause, gateway.ErrStopWaiting) {
			t.Error(cause)
		}
		receive(t, s.closed)
		eventually(t, func() bool { running, waiting := g.Load(); return running == 0 && waiting == 0 })
	})
}

// TestStreamDrains: a server that stops ends its streams as whole answers.
func TestStreamDrains(t *testing.T) {
	t.Parallel()
	eachFront(t, gateway.Config{}, func(t *testing.T, s *ticker, g *gateway.Gateway, c *http.Client, url string) {
		res := subscribe(t, t.Context(), c, url)
		expect(t, res.Body, "event initial-response", `{}`)
		ctx, cancel := context.WithTimeout(t.Context(), soon)
		defer cancel()
		if err := g.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if cause := receive(t, s.ended); !errors.Is(cause, gateway.ErrStopWaiting) {
			t.Error(cause)
		}
		if rest, err := io.ReadAll(res.Body); err != nil || len(rest) > 0 {
			t.Errorf("the end: %q, %v", rest, err)
		}
		receive(t, s.closed)
	})
}

// TestStreamBackPressure: events are not asked for while the client takes none, and a
// client that takes none for too long is left.
func TestStreamBackPressure(t *testing.T) {
	t.Parallel()
	eachFront(t, gateway.Config{Limits: gateway.Limits{WriteTimeout: 300 * time.Millisecond}}, func(t *testing.T, s *ticker, g *gateway.Gateway, c *http.Client, url string) {
		s.big = 1 << 20
		res := subscribe(t, t.Context(), c, url)
		expect(t, res.Body, "event initial-response", `{}`)
		receive(t, s.closed)
		if n := s.asked.Load(); n > 30 {
			t.Errorf("%d MiB of events for a client that reads none", n)
		}
		if _, err := io.Copy(io.Discard, res.Body); err == nil {
			t.Error("the client was told that it has everything")
		}
		eventually(t, func() bool { running, waiting := g.Load(); return running == 0 && waiting == 0 })
	})
}

// TestStreamFlows: many events, a client that reads all of them, in any pace.
func TestStreamFlows(t *testing.T) {
	t.Parallel()
	eachFront(t, gateway.Config{}, func(t *testing.T, s *ticker, _ *gateway.Gateway, c *http.Client, url string) {
		res := subscribe(t, t.Context(), c, url)
		r := bufio.NewReaderSize(res.Body, 64<<10)
		expect(t, r, "event initial-response", `{}`)
		go func() {
			for i := range 500 {
				s.events <- tick(strings.Repeat("z", i*40))
			}
			s.events <- io.EOF
		}()
		for i := range 500 {
			expect(t, r, "event SubscribeToShardEvent", fmt.Sprintf(ticked, strings.Repeat("z", i*40)))
		}
		if _, err := r.ReadByte(); !errors.Is(err, io.EOF) {
			t.Error(err)
		}
	})
}

// ownBody sends requests whose body the SDK cannot close. It closes it when it has the
// answer's head. Over HTTP/1.1 that may be before net/http has looked for the body's
// end, which then ends the connection, with the stream on it.
type ownBody struct{ c *http.Client }

func (o ownBody) Do(r *http.Request) (*http.Response, error) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(b))
	return o.c.Do(r)
}

// TestStreamForSDK: AWS's client reads a stream, and what ends it.
func TestStreamForSDK(t *testing.T) {
	t.Parallel()
	eachFront(t, gateway.Config{}, func(t *testing.T, s *ticker, _ *gateway.Gateway, c *http.Client, url string) {
		client := kinesis.New(kinesis.Options{
			Region: "us-east-1", BaseEndpoint: &url, HTTPClient: ownBody{c},
			Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
		})
		out, err := client.SubscribeToShard(t.Context(), &kinesis.SubscribeToShardInput{
			ConsumerARN: new("arn:aws:kinesis:us-east-1:123456789012:stream/s/consumer/c:1"), ShardId: new("shardId-000000000000"),
			StartingPosition: &types.StartingPosition{Type: types.ShardIteratorTypeLatest},
		})
		if err != nil {
			t.Fatal(err)
		}
		stream := out.GetStream()
		defer stream.Close()
		at := time.UnixMilli(1_700_000_000_123).UTC()
		s.events <- &kinesisapi.SubscribeToShardEvent{
			ContinuationSequenceNumber: new("7"), MillisBehindLatest: new(int64(5)),
			Records: []kinesisapi.Record{{Data: []byte("\x00\xff"), PartitionKey: new("é"), SequenceNumber: new("6"), ApproximateArrivalTimestamp: &at}},
		}
		event, ok := receive(t, stream.Events()).(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent)
		if !ok || *event.Value.ContinuationSequenceNumber != "7" || len(event.Value.Records) != 1 {
			t.Fatalf("%+v", event)
		}
		if r := event.Value.Records[0]; string(r.Data) != "\x00\xff" || *r.PartitionKey != "é" || !r.ApproximateArrivalTimestamp.Equal(at) {
			t.Errorf("%+v", r)
		}
		s.events <- kinesisapi.ResourceInUseException.New("another subscription")
		if e, more := <-stream.Events(); more {
			t.Errorf("%+v", e)
		}
		var inUse *types.ResourceInUseException
		if err := stream.Err(); !errors.As(err, &inUse) || inUse.ErrorMessage() != "another subscription" {
			t.Error(err)
		}
	})
}

// TestStreamOverHTTP10: without chunks the connection's end is the answer's.
func TestStreamOverHTTP10(t *testing.T) {
	t.Parallel()
	s := newTicker()
	addr, _ := start(t, gateway.Config{Services: []*service.Service{s.service()}})
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "POST / HTTP/1.0\r\nX-Amz-Target: Kinesis_20131202.SubscribeToShard\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: 2\r\n\r\n{}"); err != nil {
		t.Fatal(err)
	}
	s.events <- io.EOF
	all, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	head, body, _ := bytes.Cut(all, []byte("\r\n\r\n"))
	if bytes.Contains(head, []byte("chunked")) {
		t.Errorf("%s", head)
	}
	expect(t, bytes.NewReader(body), "event initial-response", `{}`)
	receive(t, s.closed)
}

// TestStreamCrowd: where no more may wait, a subscription is refused: SDKs try again.
func TestStreamCrowd(t *testing.T) {
	t.Parallel()
	s := newTicker()
	addr, g := start(t, gateway.Config{Services: []*service.Service{s.service()}, Limits: gateway.Limits{MaxLongPolls: 1}})
	client, url := wires["HTTP/1.1 in clear"](addr)
	res := subscribe(t, t.Context(), client, url)
	expect(t, res.Body, "event initial-response", `{}`)
	eventually(t, func() bool { _, waiting := g.Load(); return waiting == 1 })
	if second := subscribe(t, t.Context(), client, url); second.StatusCode != 503 {
		t.Error(second.Status)
	}
	s.events <- io.EOF
	receive(t, s.closed)
}

func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(soon); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it did not happen")
		}
	}
}
