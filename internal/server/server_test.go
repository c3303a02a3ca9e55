package server

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"go.uber.org/goleak"

	"github.com/spillway/spillway/internal/config"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
}

// start starts a server on a free port, in memory unless change says otherwise.
func start(t *testing.T, change func(*config.Config)) *Server {
	t.Helper()
	c := config.Default()
	c.Listen, c.Storage = "127.0.0.1:0", config.StorageMemory
	if change != nil {
		change(c)
	}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	s, err := Start(t.Context(), c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, s) })
	return s
}

func stop(t *testing.T, s *Server) {
	t.Helper()
	if err := s.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
}

func client(s *Server) *awssqs.Client {
	return awssqs.New(awssqs.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(s.Endpoint()),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
}

func send(t *testing.T, s *Server, queue, body string) {
	t.Helper()
	if _, err := client(s).CreateQueue(t.Context(), &awssqs.CreateQueueInput{QueueName: &queue}); err != nil {
		t.Fatal(err)
	}
	if _, err := client(s).SendMessage(t.Context(), &awssqs.SendMessageInput{QueueUrl: &queue, MessageBody: &body}); err != nil {
		t.Fatal(err)
	}
}

// kinesisCall makes a call of Kinesis in JSON.
func kinesisCall(t *testing.T, s *Server, operation, body string) (int, string) {
	t.Helper()
	return do(t, "POST", s.Endpoint()+"/", body, "Content-Type", "application/x-amz-json-1.1", "X-Amz-Target", "Kinesis_20131202."+operation)
}

// fetch does a request without a connection that outlives it.
func fetch(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	return do(t, method, url, body)
}

// do is fetch with headers.
func do(t *testing.T, method, url, body string, headers ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func TestHealth(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	status, text := fetch(t, "GET", s.Endpoint()+"/_spillway/health", "")
	var got struct {
		Status, Version string
		Services        map[string]string
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil || status != 200 || got.Status != "ok" || got.Services["sqs"] != "running" {
		t.Errorf("%d %s %v", status, text, err)
	}
	if status, text := fetch(t, "GET", s.Endpoint()+"/_localstack/health", ""); status != 200 || !strings.Contains(text, `"sqs":"running"`) {
		t.Errorf("%d %s", status, text)
	}
	if status, text := fetch(t, "GET", s.Endpoint()+"/_localstack/init/ready", ""); status != 200 || !strings.Contains(text, `"scripts":[]`) {
		t.Errorf("%d %s", status, text)
	}
	s.mu.Lock()
	s.draining = true
	s.mu.Unlock()
	if status, text := fetch(t, "GET", s.Endpoint()+"/_spillway/health", ""); status != 503 || !strings.Contains(text, "draining") {
		t.Errorf("%d %s", status, text)
	}
	s.mu.Lock()
	s.draining = false
	s.mu.Unlock()
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	send(t, s, "q", "hello")
	for _, call := range [][2]string{{"CreateStream", `{"StreamName":"s","ShardCount":2}`}, {"PutRecord", `{"StreamName":"s","PartitionKey":"key","Data":"aGVsbG8="}`}} {
		if status, text := kinesisCall(t, s, call[0], call[1]); status != 200 {
			t.Fatalf("%s: %d %s", call[0], status, text)
		}
	}
	_, text := fetch(t, "GET", s.Endpoint()+"/metrics", "")
	for _, want := range []string{
		`spillway_kinesis_open_shards{stream="s",region="us-east-1",account="000000000000"} 2`,
		`spillway_kinesis_incoming_records_total{stream="s",region="us-east-1",account="000000000000"} 1`,
		`spillway_kinesis_incoming_bytes_total{stream="s",region="us-east-1",account="000000000000"} 8`,
		`spillway_http_requests_total{service="sqs",action="SendMessage",code="OK"} 1`,
		`spillway_sqs_messages{queue="q",region="us-east-1",account="000000000000",state="visible"} 1`,
		`spillway_sqs_messages_sent_total{queue="q",region="us-east-1",account="000000000000"} 1`,
		"spillway_storage_healthy 1", `spillway_storage_bytes{kind="tables"}`, `spillway_storage_bytes{kind="values"} 0`, "spillway_storage_commit_seconds_bucket", "go_goroutines", "process_resident_memory_bytes",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s", want)
		}
	}
}

func TestPeekAndReset(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	send(t, s, "q", "<hello>")
	for _, path := range []string{"?QueueUrl=" + s.Endpoint() + "/000000000000/q", "/us-east-1/000000000000/q"} {
		for range 2 { // looking changes nothing
			_, text := fetch(t, "GET", s.Endpoint()+"/_aws/sqs/messages"+path, "")
			if !strings.Contains(text, "<Body>&lt;hello&gt;</Body>") || !strings.Contains(text, "<Name>ApproximateReceiveCount</Name><Value>0</Value>") {
				t.Error(text)
			}
		}
	}
	if status, text := fetch(t, "POST", s.Endpoint()+"/_localstack/state/reset", ""); status != 200 {
		t.Errorf("%d %s", status, text)
	}
	if status, text := fetch(t, "GET", s.Endpoint()+"/_aws/sqs/messages/us-east-1/000000000000/q", ""); status != 400 || !strings.Contains(text, "NonExistentQueue") {
		t.Errorf("%d %s", status, text)
	}
}

func TestVerifyModeHidesDevelopmentPaths(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *config.Config) { c.Root = config.Key{AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "secret"} })
	if status, _ := fetch(t, "GET", s.Endpoint()+"/_aws/sqs/messages/us-east-1/000000000000/q", ""); status != 403 {
		t.Error(status)
	}
	if status, _ := fetch(t, "POST", s.Endpoint()+"/_localstack/state/reset", ""); status != 403 {
		t.Error(status)
	}
}

func TestDeclaredQueues(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	declare := func(visibility string) func(*config.Config) {
		return func(c *config.Config) {
			c.Storage, c.DataDir = config.StorageDisk, dir
			c.SQS.Queues = []config.Queue{
				{Name: "q", Attributes: config.Values{"VisibilityTimeout": visibility, "RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":3}`}},
				{Name: "dead", Tags: config.Values{"team": "a"}},
			}
		}
	}
	for range 2 {
		s := start(t, declare("45"))
		out, err := client(s).ListQueues(t.Context(), &awssqs.ListQueuesInput{})
		if err != nil || len(out.QueueUrls) != 2 {
			t.Errorf("%v %v", out, err)
		}
		stop(t, s)
	}
	c := config.Default()
	c.Listen = "127.0.0.1:0"
	declare("46")(c)
	if _, err := Start(t.Context(), c, Options{}); err == nil || !strings.Contains(err.Error(), "different value for attribute VisibilityTimeout") {
		t.Errorf("a declared queue that differs: %v", err)
	}
}

func TestBackupAndCheck(t *testing.T) {
	t.Parallel()
	dir, copied := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "copy")
	onDisk := func(dir string) func(*config.Config) {
		return func(c *config.Config) { c.Storage, c.DataDir = config.StorageDisk, dir }
	}
	s := start(t, onDisk(dir))
	send(t, s, "q", "kept")
	if err := Backup(t.Context(), dir, copied); err != nil { // by the running server
		t.Fatal(err)
	}
	if err := Backup(t.Context(), dir, copied); err == nil {
		t.Error("a backup overwrote another")
	}
	if _, err := Check(t.Context(), dir); err == nil {
		t.Error("checked a folder in use")
	}
	stop(t, s)
	if err := Backup(t.Context(), dir, copied+"2"); err != nil { // of a folder at rest
		t.Fatal(err)
	}
	for _, d := range []string{dir, copied, copied + "2"} {
		problems, err := Check(t.Context(), d)
		if err != nil || len(problems) > 0 {
			t.Errorf("%s: %v %v", d, problems, err)
		}
		s := start(t, onDisk(d))
		if _, text := fetch(t, "GET", s.Endpoint()+"/_aws/sqs/messages/us-east-1/000000000000/q", ""); !strings.Contains(text, "<Body>kept</Body>") {
			t.Error(text)
		}
		stop(t, s)
	}
	// A flipped bit in a table is found.
	tables, err := filepath.Glob(filepath.Join(copied, "db", "*.sst"))
	if err != nil || len(tables) == 0 {
		t.Fatal(tables, err)
	}
	for _, table := range tables {
		b, err := os.ReadFile(table)
		if err != nil {
			t.Fatal(err)
		}
		if i := bytes.Index(b, []byte("kept")); i >= 0 {
			b[i] ^= 1
		} else {
			b[len(b)/4] ^= 1
		}
		if err := os.WriteFile(table, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	problems, err := Check(t.Context(), copied)
	if err == nil && len(problems) == 0 {
		t.Error("damage was not found")
	}
}
