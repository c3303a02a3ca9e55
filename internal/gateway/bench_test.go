package gateway_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/gateway"
	"github.com/spillway/spillway/internal/service"
	"github.com/spillway/spillway/internal/smithy"

	"crypto/sha256"
	"encoding/hex"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// instant answers with the same message id always.
func instant() *service.Service {
	id := "0f8fad5b-d9cb-469f-a165-70867728950e"
	return &service.Service{API: sqsapi.Service, Operations: map[string]*service.Operation{
		"SendMessage": {Shape: sqsapi.SendMessage,
			Access: func(*service.Call, smithy.Shape) (service.Access, error) {
				return service.Access{Action: "sqs:SendMessage", Resource: "arn:aws:sqs:us-east-1:000000000000:orders"}, nil
			},
			Invoke: func(context.Context, *service.Call, smithy.Shape) (smithy.Shape, error) {
				return &sqsapi.SendMessageResult{MessageId: &id}, nil
			}},
	}}
}

// signedRequest is a SendMessage of about 400 bytes as an SDK sends it.
func signedRequest(b *testing.B, host string) string {
	body := `{"QueueUrl":"http://` + host + `/000000000000/orders","MessageBody":"` + strings.Repeat("abcdefghij", 30) + `"}`
	req, err := http.NewRequest("POST", "http://"+host+"/", strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Content-Type", jsonType)
	req.Header.Set("X-Amz-Target", "AmazonSQS.SendMessage")
	req.Header.Set("User-Agent", "aws-sdk-go-v2/1.30.0 os/linux lang/go#1.26 md/GOOS#linux md/GOARCH#amd64 api/sqs#1.34.0")
	req.Header.Set("Amz-Sdk-Invocation-Id", "4b2c1d6e-9b2e-4d8a-8c2a-1f2e3d4c5b6a")
	req.Header.Set("Amz-Sdk-Request", "attempt=1; max=3")
	sum := sha256.Sum256([]byte(body))
	if err := v4.NewSigner().SignHTTP(b.Context(), aws.Credentials{AccessKeyID: "AKIDROOT", SecretAccessKey: "secret"}, req, hex.EncodeToString(sum[:]), "sqs", "us-east-1", time.Now()); err != nil {
		b.Fatal(err)
	}
	var out strings.Builder
	if err := req.Write(&out); err != nil {
		b.Fatal(err)
	}
	return out.String()
}

// BenchmarkSocket is one request after the other on one connection, client
// included.
func BenchmarkSocket(b *testing.B) {
	addr, _ := start(b, gateway.Config{Services: []*service.Service{instant()}, Auth: verifying(b)})
	for _, front := range []string{"fast", "std"} {
		b.Run(front, func(b *testing.B) {
			message := signedRequest(b, addr)
			if front == "std" {
				message = strings.Replace(message, "\r\n", "\r\nUpgrade: x\r\n", 1)
			}
			c, err := net.Dial("tcp", addr)
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			run(b, c, message, 1)
		})
	}
}

// BenchmarkPipe is many requests in each packet, so that what remains is the
// gateway's own work.
func BenchmarkPipe(b *testing.B) {
	addr, _ := start(b, gateway.Config{Services: []*service.Service{instant()}, Auth: verifying(b)})
	message := signedRequest(b, addr)
	c, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	run(b, c, message, 16)
}

// run sends n copies at a time and reads as many answers.
func run(b *testing.B, c net.Conn, message string, n int) {
	r := bufio.NewReaderSize(c, 64<<10)
	if _, err := io.WriteString(c, message); err != nil {
		b.Fatal(err)
	}
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		b.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != 200 {
		b.Fatal(res.Status, string(body), err)
	}
	header := 0
	for name, values := range res.Header {
		for _, v := range values {
			header += len(fmt.Sprintf("%s: %s\r\n", name, v))
		}
	}
	size := len("HTTP/1.1 200 OK\r\n") + header + len("\r\n") + len(body)
	batch := []byte(strings.Repeat(message, n))
	answers := make([]byte, size*n)
	b.ReportAllocs()
	b.SetBytes(int64(len(message)))
	b.ResetTimer()
	for i := 0; i < b.N; i += n {
		if _, err := c.Write(batch); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(r, answers); err != nil {
			b.Fatal(err)
		}
	}
}
