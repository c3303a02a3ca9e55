package spillway_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"go.uber.org/goleak"

	"github.com/spillway/spillway"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
}

func client(s *spillway.Server, key, secret string) *sqs.Client {
	return sqs.New(sqs.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(s.Endpoint()),
		Credentials: credentials.NewStaticCredentialsProvider(key, secret, ""),
	})
}

// TestStart: what the README shows.
func TestStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for range 2 { // and again on what the first one left
		srv, err := spillway.Start(t.Context(), spillway.Config{DataDir: dir, AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "secret"})
		if err != nil {
			t.Fatal(err)
		}
		c := client(srv, "AKIAEXAMPLE", "secret")
		url, err := c.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("orders")})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: url.QueueUrl, MessageBody: aws.String("hello")}); err != nil {
			t.Fatal(err)
		}
		if _, err := client(srv, "AKIAEXAMPLE", "wrong").ListQueues(t.Context(), &sqs.ListQueuesInput{}); err == nil {
			t.Error("a wrong secret was let in")
		}
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	}
	srv, err := spillway.Start(t.Context(), spillway.Config{DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	c := client(srv, "test", "test")
	got := 0
	for range 2 {
		out, err := c.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: aws.String("orders"), MaxNumberOfMessages: 10})
		if err != nil {
			t.Fatal(err)
		}
		got += len(out.Messages)
	}
	if got != 2 {
		t.Errorf("received %d messages, want 2", got)
	}
}

// TestTwoServers: two in one process share nothing.
func TestTwoServers(t *testing.T) {
	t.Parallel()
	var servers [2]*spillway.Server
	for i := range servers {
		srv, err := spillway.Start(context.Background(), spillway.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer srv.Close()
		servers[i] = srv
	}
	if _, err := client(servers[0], "test", "test").CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("only-here")}); err != nil {
		t.Fatal(err)
	}
	out, err := client(servers[1], "test", "test").ListQueues(t.Context(), &sqs.ListQueuesInput{})
	if err != nil || len(out.QueueUrls) != 0 {
		t.Errorf("%v, %v", out, err)
	}
}
