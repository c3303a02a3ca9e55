package e2e

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
	"go.uber.org/goleak"

	"github.com/spillway/spillway"
)

func TestMain(m *testing.M) {
	// fasthttp's clock runs for the rest of the process, by design.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.Cleanup(func(code int) {
			if builtIn != "" {
				_ = os.RemoveAll(builtIn) // in the system's temporary folder
			}
			os.Exit(code)
		}))
}

const (
	account  = "000000000000"
	jsonType = "application/x-amz-json-1.0"
	formType = "application/x-www-form-urlencoded"
)

// fixture is a server with a client of its own.
type fixture struct {
	*testing.T
	url    string
	client *http.Client
	// creds sign every request; the zero value sends none.
	creds aws.Credentials
}

// start starts a server. Yaml is its configuration file, "" for none.
func start(t *testing.T, yaml string) *fixture {
	t.Helper()
	c := spillway.Config{}
	if yaml != "" {
		c.File = filepath.Join(t.TempDir(), "config.yaml")
		if err := os.WriteFile(c.File, []byte("listen: 127.0.0.1:0\nstorage: memory\n"+yaml), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if *nodesFlag > 1 {
		return startNodes(t, yaml)
	}
	srv, err := spillway.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableCompression: true}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	})
	return &fixture{T: t, url: srv.Endpoint(), client: &http.Client{Transport: transport, Timeout: time.Minute}}
}

// dev is a server that lets anybody in.
func dev(t *testing.T) *fixture { t.Helper(); t.Parallel(); return start(t, "") }

// response is an answer read to its end. In text its request id reads RID.
type response struct {
	status int
	header http.Header
	text   string
}

var uuidText = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// do sends a request. Header pairs with an empty value are left out.
func (f *fixture) do(method, target, body string, header ...string) response {
	f.Helper()
	req, err := http.NewRequestWithContext(f.Context(), method, target, strings.NewReader(body))
	if err != nil {
		f.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
		} else {
			req.Header.Set(header[i], header[i+1])
		}
	}
	if f.creds.AccessKeyID != "" {
		f.sign(req, body, time.Now())
	}
	return f.send(req)
}

func (f *fixture) sign(req *http.Request, body string, at time.Time) {
	f.Helper()
	sum := sha256.Sum256([]byte(body))
	if err := v4.NewSigner().SignHTTP(f.Context(), f.creds, req, hex.EncodeToString(sum[:]), "sqs", "us-east-1", at); err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) send(req *http.Request) response {
	f.Helper()
	res, err := f.client.Do(req)
	if err != nil {
		f.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		f.Fatal(err)
	}
	id := res.Header.Get("x-amzn-RequestId")
	if !uuidText.MatchString(id) {
		f.Errorf("%s %s: request id %q", req.Method, req.URL, id)
	}
	return response{res.StatusCode, res.Header, strings.ReplaceAll(string(b), id, "RID")}
}

// json calls an operation in AWS JSON 1.0.
func (f *fixture) json(operation, body string, header ...string) response {
	f.Helper()
	return f.do("POST", f.url+"/", body, append([]string{"Content-Type", jsonType, "X-Amz-Target", "AmazonSQS." + operation}, header...)...)
}

// query posts a form to a path.
func (f *fixture) query(path, form string, header ...string) response {
	f.Helper()
	return f.do("POST", f.url+path, form, append([]string{"Content-Type", formType}, header...)...)
}

// create makes a queue with JSON attributes and returns its URL.
func (f *fixture) create(name string, attributes string) string {
	f.Helper()
	if attributes == "" {
		attributes = "{}"
	}
	res := f.json("CreateQueue", fmt.Sprintf(`{"QueueName":%q,"Attributes":%s}`, name, attributes))
	f.is(res, 200, fmt.Sprintf(`{"QueueUrl":"%s/%s/%s"}`, f.url, account, name))
	return f.url + "/" + account + "/" + name
}

// is demands an exact answer.
func (f *fixture) is(res response, status int, text string) {
	f.Helper()
	if res.status != status || res.text != text {
		f.Errorf("\n got %d %s\nwant %d %s", res.status, res.text, status, text)
	}
}

// decode reads an answer that must be 200.
func decode[Out any](f *fixture, res response) (out Out) {
	f.Helper()
	if res.status != 200 {
		f.Fatalf("%d %s", res.status, res.text)
	}
	if err := json.Unmarshal([]byte(res.text), &out); err != nil {
		f.Fatalf("%v: %s", err, res.text)
	}
	return out
}

// message is one of ReceiveMessage's in JSON.
type message struct {
	MessageId, ReceiptHandle, MD5OfBody, Body, MD5OfMessageAttributes string

	Attributes        map[string]string
	MessageAttributes map[string]map[string]string
}

// receive calls ReceiveMessage with further members, `"MaxNumberOfMessages":10`.
func (f *fixture) receive(queueURL, members string) []message {
	f.Helper()
	if members != "" {
		members = "," + members
	}
	return decode[struct{ Messages []message }](f, f.json("ReceiveMessage", fmt.Sprintf(`{"QueueUrl":%q%s}`, queueURL, members))).Messages
}

// one is receive for exactly one message.
func (f *fixture) one(queueURL, members string) message {
	f.Helper()
	got := f.receive(queueURL, members)
	if len(got) != 1 {
		f.Fatalf("received %d messages, want 1", len(got))
	}
	return got[0]
}

// sdk is an SDK client.
func (f *fixture) sdk(options ...func(*sqs.Options)) *sqs.Client {
	key, secret := "test", "test"
	if f.creds.AccessKeyID != "" {
		key, secret = f.creds.AccessKeyID, f.creds.SecretAccessKey
	}
	return sqs.New(sqs.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(f.url), HTTPClient: f.client,
		Credentials: credentials.NewStaticCredentialsProvider(key, secret, ""),
		Retryer:     aws.NopRetryer{},
	}, options...)
}

// code is an error's legacy code.
func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return fmt.Sprint(err)
}

// waiting returns when n long polls wait, by the server's own count.
func (f *fixture) waiting(n int) {
	f.Helper()
	eventually(f, fmt.Sprint(n, " polls wait"), func() bool {
		res, err := f.client.Get(f.url + "/metrics")
		if err != nil {
			f.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			f.Fatal(err)
		}
		return strings.Contains(string(b), fmt.Sprintf("\nspillway_http_requests_waiting %d\n", n))
	})
}

// eventually polls until ok, for ten seconds at most.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatalf("%s: not in ten seconds", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}
