package loadtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
)

// target is a server and a queue of it.
type target struct {
	host, address, region, accessKey, secret string
	service                                  string // of the credential scope
	protocol                                 protocol

	create, send, sendBatch, receive, remove operation
}

// operation is one operation's part of a request that never changes.
type operation struct {
	name   string
	path   string
	head   string // request line and headers, without those that change
	before string // canonical headers that sort before X-Amz-Date
	after  string // and those after it
	signed string // names of all of them
}

// protocol is how requests and responses look.
type protocol interface {
	// contentType of requests.
	contentType() string
	// target is the value of X-Amz-Target, "" for none.
	target(operation string) string
	// create, send, receive and remove append the body of a request.
	create(b []byte, queue string, fifo bool) []byte
	send(b []byte, queueURL string, m []message, batch bool) []byte
	receive(b []byte, queueURL string, most, wait int) []byte
	remove(b []byte, queueURL string, handles [][]byte, batch bool) []byte
}

// sender is the protocol of a service without queues: the names of the operations
// for one message and for several.
type sender interface {
	publishes() (single, several string)
}

// message is a message to send.
type message struct {
	body         []byte
	group, dedup []byte // for FIFO queues
}

func newTarget(o *Options) (*target, error) {
	u, err := url.Parse(o.Endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" {
		return nil, fmt.Errorf("endpoint %q: must be http://HOST:PORT", o.Endpoint)
	}
	t := &target{host: u.Host, address: u.Host, region: o.Region, accessKey: o.AccessKey, secret: o.SecretKey, service: "sqs"}
	if u.Port() == "" {
		t.address = net.JoinHostPort(u.Hostname(), "80")
	}
	if o.Workload == Publish {
		t.service, t.protocol = "sns", publishProtocol{}
		return t, nil
	}
	if o.streams() {
		t.service, t.protocol = "kinesis", streamProtocol{}
		return t, nil
	}
	switch o.Protocol {
	case "json":
		t.protocol = jsonProtocol{}
	case "query":
		t.protocol = queryProtocol{}
	default:
		return nil, fmt.Errorf("protocol %q: must be json or query", o.Protocol)
	}
	t.create = t.operation("CreateQueue", "/")
	return t, nil
}

// use sets the operations on a queue. Query requests go to the path of the queue,
// which is what servers of that age expect.
func (t *target) use(queueURL string, batch int) error {
	if to, ok := t.protocol.(sender); ok {
		single, several := to.publishes()
		t.send = t.operation(single, "/")
		t.sendBatch = t.operation(several, "/")
		if batch > 1 {
			t.send = t.sendBatch
		}
		t.receive = t.operation("GetRecords", "/") // of streams
		return nil
	}
	u, err := url.Parse(queueURL)
	if err != nil {
		return fmt.Errorf("queue URL: %w", err)
	}
	path := "/"
	if t.protocol.target("") == "" {
		path = u.EscapedPath()
	}
	suffix := ""
	if batch > 1 {
		suffix = "Batch"
	}
	t.send = t.operation("SendMessage"+suffix, path)
	t.sendBatch = t.operation("SendMessageBatch", path)
	t.receive = t.operation("ReceiveMessage", path)
	t.remove = t.operation("DeleteMessage"+suffix, path)
	return nil
}

func (t *target) operation(name, path string) operation {
	op := operation{name: name, path: path, signed: "content-type;host;x-amz-date"}
	op.before = "content-type:" + t.protocol.contentType() + "\nhost:" + t.host + "\n"
	op.head = "POST " + path + " HTTP/1.1\r\nHost: " + t.host + "\r\nContent-Type: " + t.protocol.contentType() + "\r\n"
	if target := t.protocol.target(name); target != "" {
		op.head += "X-Amz-Target: " + target + "\r\n"
		op.after = "x-amz-target:" + target + "\n"
		op.signed += ";x-amz-target"
	}
	return op
}

var errNoQueueURL = errors.New("the server's answer has no queue URL")

// createQueue makes the queue, or finds it, and returns its URL.
func (t *target) createQueue(ctx context.Context, name string, fifo bool) (string, error) {
	c, err := t.connect(ctx)
	if err != nil {
		return "", err
	}
	defer c.net.Close()
	c.body = t.protocol.create(c.body[:0], name, fifo)
	status, body, err := c.call(ctx, &t.create)
	if err != nil {
		return "", err
	}
	if status != 200 {
		return "", fmt.Errorf("create queue %s: %d %s", name, status, errorCode(body))
	}
	v, _, ok := memberQueueURL.next(body)
	if !ok {
		return "", errNoQueueURL
	}
	return string(v), nil
}
