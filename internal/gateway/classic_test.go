package gateway_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/gateway"
	"github.com/spillway/spillway/internal/service"
)

const (
	json11 = "application/x-amz-json-1.1"
	cbor11 = "application/x-amz-cbor-1.1"
)

// shards is a service with Kinesis's interface. It answers with what it was told.
type shards struct{ regions chan string }

func (s *shards) service() *service.Service {
	var table service.Table[*shards]
	service.Register(&table, kinesisapi.PutRecord, func(*shards, *service.Call, *kinesisapi.PutRecordInput) (service.Access, error) {
		return service.Access{Action: "kinesis:PutRecord", Resource: "*"}, nil
	}, func(s *shards, _ context.Context, c *service.Call, in *kinesisapi.PutRecordInput) (*kinesisapi.PutRecordOutput, error) {
		select {
		case s.regions <- c.Region:
		default:
		}
		if in.StreamName == nil {
			return nil, kinesisapi.ResourceNotFoundException.New("no stream")
		}
		return &kinesisapi.PutRecordOutput{ShardId: in.StreamName, SequenceNumber: new(itoa(len(in.Data)))}, nil
	})
	service.Register(&table, kinesisapi.DeleteStream, func(*shards, *service.Call, *kinesisapi.DeleteStreamInput) (service.Access, error) {
		return service.Access{Action: "kinesis:DeleteStream", Resource: "*"}, nil
	}, func(*shards, context.Context, *service.Call, *kinesisapi.DeleteStreamInput) (*service.None, error) {
		return nil, nil
	})
	return table.Bind(kinesisapi.Service, s)
}

func newShards() *shards { return &shards{make(chan string, 100)} }

func fromHex(s string) string {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// TestClassicOrder holds the table "Order of checks and error bodies" of
// facts-kinesis.md 1: status, content type and body of what is no good request.
func TestClassicOrder(t *testing.T) {
	t.Parallel()
	const (
		put     = "Kinesis_20131202.PutRecord"
		scope   = "AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/kinesis/aws4_request, SignedHeaders=host, Signature=x"
		denied  = "<AccessDeniedException>\n  <Message>Unable to determine service/operation name to be authorized</Message>\n</AccessDeniedException>\n"
		unknown = `{"__type":"UnknownOperationException"}`
		broken  = `{"__type":"SerializationException"}`
	)
	cborUnknown := "\xbf\x66__type\x78\x19UnknownOperationException\xff"
	cborBroken := "\xbf\x66__type\x76SerializationException\xff"
	addr, _ := start(t, gateway.Config{Services: []*service.Service{newShards().service(), newToy().service()}})
	for name, c := range map[string]struct {
		method, target, contentType, body string
		status                            int
		resType, resBody                  string
	}{
		"no POST":                   {"GET", put, json11, "", 403, "", denied},
		"PUT":                       {"PUT", put, json11, "{}", 403, "", denied},
		"empty, target":             {"POST", put, json11, "", 400, json11, broken},
		"empty, no target":          {"POST", "", json11, "", 400, json11, unknown},
		"empty, bad target":         {"POST", "Kinesis_20131202.Nope", json11, "", 400, json11, unknown},
		"empty, CBOR":               {"POST", put, cbor11, "", 400, cbor11, cborBroken},
		"empty, CBOR, no target":    {"POST", "", cbor11, "", 400, cbor11, cborUnknown},
		"empty, no type":            {"POST", put, "", "", 400, cbor11, cborBroken},
		"empty, form":               {"POST", "", "application/x-www-form-urlencoded", "", 400, cbor11, cborUnknown},
		"other type":                {"POST", put, "text/plain", "{}", 404, "", "<UnknownOperationException/>\n"},
		"JSON 1.0":                  {"POST", put, "application/x-amz-json-1.0", "{}", 404, "", "<UnknownOperationException/>\n"},
		"other type, any target":    {"POST", "a.b", "text/plain", "{}", 404, "", "<UnknownOperationException/>\n"},
		"other type, no target":     {"POST", "", "text/plain", "{}", 403, "", denied},
		"other type, half a target": {"POST", "Kinesis_20131202", "text/plain", "{}", 403, "", denied},
		"no object":                 {"POST", put, json11, `"x"`, 400, json11, broken},
		"no JSON":                   {"POST", put, json11, `{`, 400, json11, broken},
		"no JSON, bad target":       {"POST", "Kinesis_20131202.Nope", json11, `{`, 400, json11, broken},
		"no CBOR":                   {"POST", put, cbor11, "\xff", 400, cbor11, cborBroken},
		"no CBOR, bad target":       {"POST", "x.y", cbor11, "\x80", 400, cbor11, cborBroken},
		"plain JSON":                {"POST", put, "application/json", `{}`, 404, "application/json", `{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException"},"Version":"1.0"}`},
		"plain JSON, broken":        {"POST", put, "application/json; charset=utf-8", `x`, 400, "application/json", `{"Output":{"__type":"com.amazon.coral.service#SerializationException"},"Version":"1.0"}`},
		"bad target":                {"POST", "Kinesis_20131202.Nope", json11, "{}", 400, json11, unknown},
		"bad target, CBOR":          {"POST", "Kinesis_20131202.Nope", cbor11, "\xa0", 400, cbor11, cborUnknown},
		"bad prefix":                {"POST", "Kinesis_20131201.PutRecord", json11, "{}", 400, json11, unknown},
		"no operation":              {"POST", "Kinesis_20131202.", json11, "{}", 400, json11, unknown},
		"wrong type":                {"POST", put, json11, `{"StreamName":5}`, 400, json11, `{"__type":"SerializationException","Message":"class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be converted to an String"}`},
		"wrong type, charset":       {"POST", put, json11 + "; charset=utf-8", `{"Data":"1"}`, 400, json11, `{"__type":"SerializationException","Message":"'1' can not be converted to a Blob: Base64 encoded length is expected a multiple of 4 bytes but found: 1"}`},
		"the service's error":       {"POST", put, json11, `{}`, 400, json11, `{"__type":"ResourceNotFoundException","message":"no stream"}`},
		"the same in CBOR":          {"POST", put, cbor11, "\xa0", 400, cbor11, "\xbf\x66__type\x78\x19ResourceNotFoundException\x67message\x69no stream\xff"},
		"good":                      {"POST", put, json11, `{"StreamName":"s","Data":"AAAA"}`, 200, json11, `{"SequenceNumber":"3","ShardId":"s"}`},
		"good CBOR":                 {"POST", put, cbor11, "\xbf\x6aStreamName\x61s\x64Data\x43abc\xff", 200, cbor11, "\xbf\x6eSequenceNumber\x613\x67ShardId\x61s\xff"},
		"nothing to say":            {"POST", "Kinesis_20131202.DeleteStream", json11, `{}`, 200, json11, ""},
		"nothing to say in CBOR":    {"POST", "Kinesis_20131202.DeleteStream", cbor11, fromHex("bfff"), 200, cbor11, ""},
	} {
		for front, client := range fronts(t) {
			header := []string{"Authorization", scope}
			if c.target != "" {
				header = append(header, "X-Amz-Target", c.target)
			}
			if c.contentType != "" {
				header = append(header, "Content-Type", c.contentType)
			}
			got := do(t, client, c.method, "http://"+addr, c.body, header...)
			if got.StatusCode != c.status || got.Header.Get("Content-Type") != c.resType || got.text != c.resBody {
				t.Errorf("%s, %s: %d %s %q\nwant %d %s %q", name, front, got.StatusCode, got.Header.Get("Content-Type"), got.text, c.status, c.resType, c.resBody)
			}
			id, err := base64.StdEncoding.DecodeString(got.Header.Get("x-amz-id-2"))
			if err != nil || len(id) < 64 || len(id) > 80 || len(got.Header.Get("x-amzn-RequestId")) != 36 {
				t.Errorf("%s, %s: ids %v", name, front, got.Header)
			}
		}
	}
}

// TestModernKeeps: what Kinesis does differently, SQS does as ever.
func TestModernKeeps(t *testing.T) {
	t.Parallel()
	addr, _ := start(t, gateway.Config{Services: []*service.Service{newShards().service(), newToy().service()}})
	client := fronts(t)["fast"]
	got := do(t, client, "POST", "http://"+addr, `{"MessageBody":5}`, target("SendMessage")...)
	if want := `{"__type":"com.amazon.coral.service#SerializationException","message":"NUMBER_VALUE can not be converted to a String"}`; got.text != want || got.Header.Get("x-amz-id-2") != "" {
		t.Errorf("%s %v", got.text, got.Header)
	}
	if got = do(t, client, "POST", "http://"+addr, ``, target("ListQueues")...); got.StatusCode != 200 {
		t.Errorf("an empty body: %d %s", got.StatusCode, got.text)
	}
}

// TestKinesisHosts: SDKs put account and kind of operation before the service.
func TestKinesisHosts(t *testing.T) {
	t.Parallel()
	s := newShards()
	addr, _ := start(t, gateway.Config{Services: []*service.Service{newToy().service(), s.service()}})
	client := fronts(t)["fast"]
	for host, region := range map[string]string{
		"kinesis.eu-west-1.amazonaws.com":                         "eu-west-1",
		"kinesis-fips.us-west-2.amazonaws.com":                    "us-west-2",
		"123456789012.data-kinesis.ap-south-1.amazonaws.com:8443": "ap-south-1",
		"123456789012.control-kinesis.us-east-2.api.aws":          "us-east-2",
		"123456789012.data-kinesis-fips.us-east-2.amazonaws.com":  "us-east-2",
		"kinesis.eu-central-1.localhost.localstack.cloud:4566":    "eu-central-1",
	} {
		got := do(t, client, "POST", "http://"+addr, `{"StreamName":"s"}`, "Host", host, "X-Amz-Target", "Kinesis_20131202.PutRecord", "Content-Type", json11)
		if got.StatusCode != 200 {
			t.Fatalf("%s: %d %s", host, got.StatusCode, got.text)
		}
		if r := receive(t, s.regions); r != region {
			t.Errorf("%s: region %s", host, r)
		}
		// Without a target only the host says whose errors to answer with.
		if got := do(t, client, "POST", "http://"+addr, `{}`, "Host", host, "Content-Type", json11); got.text != `{"__type":"UnknownOperationException"}` {
			t.Errorf("%s: %s", host, got.text)
		}
	}
}

// TestServiceBodies: a service that needs larger requests gets them, others do not, and
// a limit that is set holds for all.
func TestServiceBodies(t *testing.T) {
	t.Parallel()
	kinesis := []string{"X-Amz-Target", "Kinesis_20131202.PutRecord", "Content-Type", json11}
	large := `{"StreamName":"s","Data":"` + strings.Repeat("AAAA", 14<<18) + `"}`
	services := []*service.Service{newShards().service(), newToy().service()}
	addr, _ := start(t, gateway.Config{Services: services})
	small, _ := start(t, gateway.Config{Services: services, Limits: gateway.Limits{MaxBody: 1 << 20}})
	for front, client := range fronts(t) {
		if got := do(t, client, "POST", "http://"+addr, large, kinesis...); got.text != `{"SequenceNumber":"11010048","ShardId":"s"}` {
			t.Errorf("%s: %d %.200s", front, got.StatusCode, got.text)
		}
	}
	for _, front := range []string{"", "Connection: upgrade\r\nUpgrade: x\r\n"} {
		refused := func(name, addr, target string, length int) {
			t.Helper()
			c := dial(t, addr)
			c.send("POST / HTTP/1.1\r\nHost: localhost\r\n" + front + "X-Amz-Target: " + target + "\r\nContent-Type: " + json11 + "\r\nContent-Length: " + itoa(length) + "\r\n\r\n{")
			if got := c.reply(); got.StatusCode != 413 {
				t.Errorf("%s: %d %.200s", name, got.StatusCode, got.text)
			}
		}
		refused("for SQS", addr, "AmazonSQS.SendMessage", 8<<20)
		refused("beyond the service's", addr, "Kinesis_20131202.PutRecord", 16<<20+1)
		refused("with a limit", small, "Kinesis_20131202.PutRecord", 2<<20)
	}
	c := dial(t, addr)
	c.send("POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: Kinesis_20131202.PutRecord\r\nContent-Type: " + json11 + "\r\nTransfer-Encoding: chunked\r\n\r\n")
	for rest := large; rest != ""; {
		n := min(len(rest), 64<<10)
		c.send(strings.Join([]string{hexa(n), rest[:n], ""}, "\r\n"))
		rest = rest[n:]
	}
	c.send("0\r\n\r\n")
	if got := c.reply(); got.StatusCode != 200 {
		t.Errorf("in chunks: %d %.200s", got.StatusCode, got.text)
	}
}

func hexa(n int) string { return hex.EncodeToString([]byte{byte(n >> 16), byte(n >> 8), byte(n)}) }
