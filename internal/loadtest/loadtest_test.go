package loadtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// The SDK's signer is the oracle.
func TestSignature(t *testing.T) {
	t.Parallel()
	for _, o := range []Options{
		{Endpoint: "http://127.0.0.1:4566", Region: "eu-west-1", AccessKey: "AKID", SecretKey: "secret/+", Protocol: "json"},
		{Endpoint: "http://example.com", Region: "us-east-1", AccessKey: "AKID", SecretKey: "s", Protocol: "query"},
	} {
		target, err := newTarget(&o)
		if err != nil {
			t.Fatal(err)
		}
		if err := target.use("http://host/000000000000/q", 1); err != nil {
			t.Fatal(err)
		}
		for _, day := range []int{1, 2} {
			c := &conn{target: target, signer: newSigner(o.AccessKey, o.SecretKey, o.Region, target.service)}
			c.body = []byte("some body")
			now := time.Date(2026, 11, day, 1, 2, 3, 0, time.UTC)
			c.signer.tick(now)
			got := string(c.signer.appendSignature(nil, &target.send, c.body))

			r, err := http.NewRequest(http.MethodPost, "http://"+target.host+target.send.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", target.protocol.contentType())
			if v := target.protocol.target("SendMessage"); v != "" {
				r.Header.Set("X-Amz-Target", v)
			}
			sum := sha256.Sum256(c.body)
			err = v4.NewSigner().SignHTTP(context.Background(), aws.Credentials{AccessKeyID: o.AccessKey, SecretAccessKey: o.SecretKey},
				r, hex.EncodeToString(sum[:]), "sqs", o.Region, now)
			if err != nil {
				t.Fatal(err)
			}
			want := r.Header.Get("Authorization")
			if !strings.HasSuffix(want, "SignedHeaders="+target.send.signed+", Signature="+got) {
				t.Errorf("%s: got %s %s, want %s", o.Protocol, target.send.signed, got, want)
			}
		}
	}
}

// serveBytes answers every connection with text, in pieces of the given size.
func serveBytes(t *testing.T, text string, piece int) *conn {
	t.Helper()
	client, server := net.Pipe()
	t.Cleanup(func() { client.Close(); server.Close() })
	go func() {
		defer server.Close()
		for part := range slices.Chunk([]byte(text), piece) {
			if _, err := server.Write(part); err != nil {
				return
			}
		}
	}()
	return &conn{net: client, in: make([]byte, 16)}
}

func TestResponses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, text, body string
		status           int
		keep             bool
	}{
		{"length", "HTTP/1.1 200 OK\r\nServer: x\r\ncontent-length: 5\r\n\r\nhello", "hello", 200, true},
		{"empty", "HTTP/1.1 204 No Content\r\n\r\n", "", 204, true},
		{"close", "HTTP/1.1 500 Oops\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx", "x", 500, false},
		{"old", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", "x", 200, false},
		{"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n", "hello0123456789", 200, true},
	} {
		for _, piece := range []int{1, 3, 1000} {
			status, body, keep, err := serveBytes(t, test.text, piece).response()
			if err != nil || status != test.status || string(body) != test.body || keep != test.keep {
				t.Errorf("%s, pieces of %d: %d %q %v %v", test.name, piece, status, body, keep, err)
			}
		}
	}
	for _, text := range []string{"", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", "SSH-2.0\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"} {
		if _, _, _, err := serveBytes(t, text, 7).response(); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func TestScan(t *testing.T) {
	t.Parallel()
	handles := func(body string) (out []string) {
		b := []byte(body)
		for {
			v, rest, ok := memberHandle.next(b)
			if !ok {
				return out
			}
			out, b = append(out, string(v)), rest
		}
	}
	want := []string{"a/b+c==", `d"&`}
	for _, body := range []string{
		`{"Messages":[{"ReceiptHandle":"a\/b+c==","Body":"x"},{"Body":"y","ReceiptHandle": "d\"\u0026"}]}`,
		`<R><Message><ReceiptHandle>a/b+c==</ReceiptHandle></Message><Message><ReceiptHandle>d&quot;&amp;</ReceiptHandle></Message></R>`,
	} {
		if got := handles(body); !slices.Equal(got, want) {
			t.Errorf("%s: got %q", body, got)
		}
	}
	for body, want := range map[string]string{
		`{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"x"}`:                          "QueueDoesNotExist",
		`<ErrorResponse><Error><Type>Sender</Type><Code>OverLimit</Code></Error></ErrorResponse>`: "OverLimit",
		``: "Unknown",
	} {
		if got := errorCode([]byte(body)); got != want {
			t.Errorf("%s: got %s", body, got)
		}
	}
	if n := memberFault.count([]byte(`{"Failed":[{"Id":"1","SenderFault":true},{"SenderFault":false}]}`)); n != 2 {
		t.Errorf("%d failed entries", n)
	}
}

func TestHistogram(t *testing.T) {
	t.Parallel()
	var h histogram
	for i := range 100_000 {
		h.add(time.Duration(i) * time.Microsecond)
	}
	for q, want := range map[float64]time.Duration{.5: 50 * time.Millisecond, .99: 99 * time.Millisecond, 1: h.max} {
		if got := h.quantile(q); got < want*96/100 || got > want {
			t.Errorf("quantile %v: got %v, want about %v", q, got, want)
		}
	}
	for i := range bucket(1<<63-1) + 1 {
		if d := lowest(i); bucket(d) != i {
			t.Fatalf("bucket of %v: %d, want %d", d, bucket(d), i)
		}
	}
}

// fake is as much of a query-protocol SQS as a lifecycle needs.
type fake struct {
	mu     sync.Mutex
	bodies []string
	calls  map[string]int
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	form, err := url.ParseQuery(string(body))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	action := form.Get("Action")
	f.calls[action]++
	switch action {
	case "CreateQueue":
		io.WriteString(w, "<R><QueueUrl>http://elsewhere:1/queue/"+form.Get("QueueName")+"</QueueUrl></R>")
	case "SendMessage":
		if r.URL.Path != "/queue/q" || form.Get("QueueUrl") != "http://elsewhere:1/queue/q" {
			http.Error(w, "<Code>Wrong</Code>", http.StatusBadRequest)
			return
		}
		f.bodies = append(f.bodies, form.Get("MessageBody"))
	case "ReceiveMessage":
		if len(f.bodies) == 0 {
			return
		}
		io.WriteString(w, "<Message><ReceiptHandle>h#/+=</ReceiptHandle><Body>"+f.bodies[0]+"</Body></Message>")
		f.bodies = f.bodies[1:]
	case "DeleteMessage":
		if form.Get("ReceiptHandle") != "h#/+=" {
			http.Error(w, "<Code>ReceiptHandleIsInvalid</Code>", http.StatusBadRequest)
		}
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	for _, workload := range []string{Lifecycle, Latency, Send} {
		f := &fake{calls: map[string]int{}}
		server := httptest.NewServer(f)
		defer server.Close()
		r, err := Run(context.Background(), Options{
			Endpoint: server.URL, Protocol: "query", Workload: workload, Queue: "q",
			Connections: 4, Batch: 1, BodyBytes: 64, Duration: 200 * time.Millisecond, PID: os.Getpid(),
		})
		if err != nil {
			t.Fatal(err)
		}
		if r.Messages == 0 || len(r.Errors) != 0 || r.Calls == 0 {
			t.Errorf("%s: %+v", workload, r)
		}
		if workload == Latency && r.Operations[len(r.Operations)-1].Name != endToEnd {
			t.Errorf("no end-to-end time: %+v", r.Operations)
		}
		var table, json bytes.Buffer
		if err := r.WriteTable(&table); err != nil || !strings.Contains(table.String(), "SendMessage") {
			t.Errorf("%s, %v", table.String(), err)
		}
		if err := r.WriteJSON(&json); err != nil || !strings.Contains(json.String(), `"messages_per_second"`) {
			t.Errorf("%s, %v", json.String(), err)
		}
	}
}

// TestRunPut: the same records each time, with signatures of the second in which they are
// sent, and what a server refuses is not counted.
func TestRunPut(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	bodies, stamps := map[string]int{}, map[string]int{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		bodies[string(body)]++
		stamps[r.Header.Get("X-Amz-Date")+" "+r.Header.Get("Authorization")]++
		io.WriteString(w, `{"FailedRecordCount":1,"Records":[{"SequenceNumber":"1"},{"ErrorCode":"x"}]}`)
	}))
	defer server.Close()
	r, err := Run(context.Background(), Options{
		Endpoint: server.URL, Region: "us-east-1", AccessKey: "AKID", SecretKey: "s", Workload: Put, Stream: "s",
		Connections: 1, Batch: 2, BodyBytes: 64, Duration: 1100 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(bodies) != 1 || len(stamps) < 2 || len(stamps) > 3 {
		t.Errorf("%d bodies, signed at %v", len(bodies), stamps)
	}
	if r.Messages != int(r.Calls) || r.Errors["PutRecords records"] != int(r.Calls) {
		t.Errorf("%d calls: %d records, %v", r.Calls, r.Messages, r.Errors)
	}
}

// TestRunGet reads a stream of two shards, one of three records and one of none, whose
// ends a reader leaves for the beginning.
func TestRunGet(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	began := map[string]int{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		mu.Lock()
		defer mu.Unlock()
		switch op {
		case "ListShards":
			io.WriteString(w, `{"Shards":[{"ShardId":"a"},{"ShardId":"b"}]}`)
		case "GetShardIterator":
			var in struct{ ShardId, ShardIteratorType string }
			json.Unmarshal(body, &in)
			began[in.ShardId+" "+in.ShardIteratorType]++
			fmt.Fprintf(w, `{"ShardIterator":"%s0"}`, in.ShardId)
		case "GetRecords":
			var in struct {
				ShardIterator string
				Limit         int
			}
			json.Unmarshal(body, &in)
			if in.ShardIterator == "a0" && in.Limit == 5 {
				io.WriteString(w, `{"Records":[{"SequenceNumber":"1"},{"SequenceNumber":"2"},{"SequenceNumber":"3"}],"NextShardIterator":"a3"}`)
				return
			}
			io.WriteString(w, `{"Records":[],"NextShardIterator":"end"}`)
		}
	}))
	defer server.Close()
	r, err := Run(context.Background(), Options{
		Endpoint: server.URL, Workload: Get, Stream: "s",
		Connections: 3, Batch: 5, BodyBytes: 64, Duration: 100 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(began) != 2 || began["a TRIM_HORIZON"] < 4 || began["b TRIM_HORIZON"] < 2 {
		t.Errorf("%v", began)
	}
	if len(r.Errors) != 0 || r.Messages < 6 || r.Messages%3 != 0 || r.Operations[0].Name != "GetRecords" {
		t.Errorf("%+v", r)
	}
}

func TestRunErrors(t *testing.T) {
	t.Parallel()
	good := Options{
		Endpoint: "http://127.0.0.1:1", Protocol: "json", Workload: Send, Queue: "q",
		Connections: 1, Batch: 1, BodyBytes: 64, Duration: time.Second,
	}
	for name, change := range map[string]func(*Options){
		"workload":    func(o *Options) { o.Workload = "x" },
		"batch":       func(o *Options) { o.Batch = 11 },
		"connections": func(o *Options) { o.Connections = 0 },
		"body":        func(o *Options) { o.BodyBytes = 3 },
		"duration":    func(o *Options) { o.Duration = 0 },
		"preload":     func(o *Options) { o.Workload = Delete },
		"protocol":    func(o *Options) { o.Protocol = "soap" },
		"endpoint":    func(o *Options) { o.Endpoint = "https://x" },
		"refused":     func(*Options) {},
	} {
		o := good
		change(&o)
		if _, err := Run(context.Background(), o); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func BenchmarkRequest(b *testing.B) {
	o := Options{Endpoint: "http://127.0.0.1:4566", Region: "us-east-1", AccessKey: "AKID", SecretKey: "s", Protocol: "json"}
	target, err := newTarget(&o)
	if err != nil {
		b.Fatal(err)
	}
	if err := target.use("http://127.0.0.1:4566/000000000000/q", 1); err != nil {
		b.Fatal(err)
	}
	c := &conn{target: target, signer: newSigner(o.AccessKey, o.SecretKey, o.Region, target.service)}
	m := newMessages(0, false, 1, 256)
	b.ReportAllocs()
	for b.Loop() {
		c.body = target.protocol.send(c.body[:0], "http://127.0.0.1:4566/000000000000/q", m, false)
		c.out = c.appendRequest(c.out[:0], &target.send)
	}
}

// A server that ends a connection in the middle ends the run with an error.
func TestRunServerEnds(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1) > 20 {
			panic(http.ErrAbortHandler)
		}
		io.WriteString(w, "<R><QueueUrl>http://x/queue/q</QueueUrl></R>")
	}))
	defer server.Close()
	_, err := Run(context.Background(), Options{
		Endpoint: server.URL, Protocol: "query", Workload: Send, Queue: "q",
		Connections: 4, Batch: 1, BodyBytes: 64, Duration: 20 * time.Second,
	})
	if err == nil {
		t.Error("no error")
	}
}

// A server that wants every connection closed gets new ones.
func TestRunReconnects(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		io.WriteString(w, "<R><QueueUrl>http://x/queue/q</QueueUrl></R>")
	}))
	defer server.Close()
	r, err := Run(context.Background(), Options{
		Endpoint: server.URL, Protocol: "query", Workload: Send, Queue: "q",
		Connections: 4, Batch: 1, BodyBytes: 64, Duration: 100 * time.Millisecond,
	})
	if err != nil || r.Calls < 5 {
		t.Errorf("%+v, %v", r, err)
	}
}
