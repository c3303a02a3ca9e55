package gateway

import (
	"strings"

	"github.com/spillway/spillway/internal/arn"
	"github.com/spillway/spillway/internal/service"
	"github.com/spillway/spillway/internal/sigv4"
	"github.com/spillway/spillway/internal/smithy"
	"github.com/spillway/spillway/internal/wire"
	"github.com/spillway/spillway/internal/wire/awscbor"
	"github.com/spillway/spillway/internal/wire/awsjson"
	"github.com/spillway/spillway/internal/wire/awsquery"
)

// mounted is a service with its protocol for requests with X-Amz-Target.
type mounted struct {
	*service.Service
	json     wire.Protocol // nil without awsJson
	jsonType string        // its content type
	cbor     wire.Protocol // nil for most
}

func (m *mounted) classic() bool {
	return m != nil && m.API.Dialect == smithy.DialectClassic && m.json != nil
}

// routes finds the service and operation of requests. It is immutable.
type routes struct {
	all       []*mounted
	byTarget  map[string]*mounted
	bySigning map[string]*mounted
	sqs       *mounted // whose queues have URLs; nil when it is not served
	// bodies are the limits of services that take larger bodies than most, by the prefix
	// of X-Amz-Target.
	bodies map[string]int

	json, query, queryJSON wire.Protocol
}

// route is what a request means.
type route struct {
	service   *mounted           // nil when not recognised
	operation *service.Operation // nil when err is set
	name      string             // of the operation in the API, "" for none
	protocol  wire.Protocol
	query     bool
	canned    *Response // the whole answer, where AWS has one that is no protocol's
	err       *smithy.APIError
}

// api is the service's model, nil when no service was recognised.
func (rt *route) api() *smithy.Service {
	if rt.service == nil {
		return nil
	}
	return rt.service.API
}

func newRoutes(services []*service.Service) routes {
	t := routes{
		byTarget: map[string]*mounted{}, bySigning: map[string]*mounted{},
		json: awsjson.New("1.0"), query: awsquery.New(), queryJSON: awsquery.NewJSONResult(),
	}
	for _, s := range services {
		m := &mounted{Service: s}
		for _, p := range s.API.Protocols {
			switch p {
			case smithy.AWSJSON10:
				m.speak("1.0")
			case smithy.AWSJSON11:
				m.speak("1.1")
			case smithy.AWSCBOR11:
				m.cbor = awscbor.New()
			}
		}
		t.all = append(t.all, m)
		if s.API.TargetPrefix != "" {
			t.byTarget[s.API.TargetPrefix] = m
		}
		if t.bySigning[s.API.SigningName] == nil {
			t.bySigning[s.API.SigningName] = m
		}
		if s.API.SigningName == "sqs" {
			t.sqs = m
		}
	}
	return t
}

// speak sets the service's awsJson.
func (m *mounted) speak(version string) {
	m.jsonType = awsjson.ContentType(version)
	if m.json = awsjson.New(version); m.API.Dialect == smithy.DialectClassic {
		m.json = awsjson.NewClassic(version)
	}
}

// route finds what a request means. Nothing of it is verified: the caller may
// lie about the scope, and then fails verification.
func (t *routes) route(r *wire.Request, host string) route {
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		return t.byHeader(r, host, target)
	}
	action, version := awsquery.Action(r)
	if action == "" && strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-amz-json") {
		return t.byHeader(r, host, "")
	}
	return t.byAction(r, host, action, version)
}

// byHeader routes awsJson.
func (t *routes) byHeader(r *wire.Request, host, target string) route {
	dot := strings.LastIndexByte(target, '.')
	rt := route{protocol: t.json}
	if dot > 0 {
		rt.service = t.byTarget[target[:dot]]
	}
	if rt.service == nil {
		if rt.service = t.claimed(r, host); rt.service != nil && rt.service.json != nil {
			rt.protocol = rt.service.json
		}
		if rt.service.classic() {
			return t.classic(r, rt.service, target)
		}
		rt.err = errUnknownOperation()
		return rt
	}
	if rt.service.classic() {
		return t.classic(r, rt.service, target)
	}
	if rt.service.json != nil {
		rt.protocol = rt.service.json
	}
	rt.find(target[dot+1:], errUnknownOperation)
	return rt
}

// byAction routes the query protocol.
func (t *routes) byAction(r *wire.Request, host, action, version string) route {
	rt := route{protocol: t.query, query: true}
	if strings.Contains(r.Header.Get("Accept"), "application/json") {
		rt.protocol = t.queryJSON
	}
	atQueue := t.sqs != nil && isQueuePath(r.Path)
	rt.service = t.claimed(r, host)
	if rt.service.classic() {
		return t.classic(r, rt.service, "")
	}
	if rt.service == nil && atQueue {
		rt.service = t.sqs
	}
	if action == "" {
		rt.canned, rt.err = &Response{Status: 404, ContentType: "text/xml", Body: []byte(noAction)}, errUnknownOperation()
		return rt
	}
	if rt.service == nil {
		rt.service = t.knowing(action, version)
	}
	if rt.service == nil {
		rt.service = t.sqs // its wording and namespace, for want of better
		rt.err = errInvalidAction(action, atQueue)
		return rt
	}
	rt.find(action, func() *smithy.APIError { return errInvalidAction(action, atQueue && rt.service == t.sqs) })
	return rt
}

// find sets the operation, or the error.
func (rt *route) find(name string, unknown func() *smithy.APIError) {
	if op := rt.service.Operations[name]; op != nil {
		rt.operation, rt.name = op, op.Shape.Name
		return
	}
	rt.err = unknown()
	if op := rt.service.API.Operation(name); op != nil {
		rt.name = op.Name
		rt.err.Hint = notYet(op)
	}
}

func notYet(op *smithy.Operation) string {
	return "Spillway does not have " + op.Name + " yet: see docs/compat"
}

// claimed is the service that the credential scope names, else the host.
func (t *routes) claimed(r *wire.Request, host string) *mounted {
	if _, _, name, ok := sigv4.ParseScope(r); ok {
		if m := t.bySigning[name]; m != nil {
			return m
		}
	}
	m, _ := t.byHost(host)
	return m
}

// byHost reads AWS's and LocalStack's host names (facts-sqs.md 1.4): a label
// names the service and the next one the region, but REGION.queue. is SQS.
func (t *routes) byHost(host string) (m *mounted, region string) {
	before := ""
	for host != "" {
		var label string
		label, host, _ = strings.Cut(host, ".")
		if i := strings.IndexByte(label, ':'); i >= 0 {
			label, host = label[:i], ""
		}
		if label == "queue" && t.sqs != nil {
			if !isRegion(before) {
				before = ""
			}
			return t.sqs, before
		}
		if m = t.bySigning[plainLabel(label)]; m != nil {
			next, _, _ := strings.Cut(host, ".")
			if !isRegion(next) {
				next = ""
			}
			return m, next
		}
		before = label
	}
	return nil, ""
}

// plainLabel is a host's label for a service without what AWS puts around: FIPS
// endpoints, and ACCOUNT.data-kinesis. and ACCOUNT.control-kinesis.
func plainLabel(label string) string {
	label = strings.TrimSuffix(label, "-fips")
	if rest, ok := strings.CutPrefix(label, "data-"); ok {
		return rest
	}
	return strings.TrimPrefix(label, "control-")
}

// isRegion reports whether a host's label is one of AWS's regions by its form:
// "us-east-1", not "localhost".
func isRegion(s string) bool {
	return strings.Count(s, "-") >= 2 && s[len(s)-1] >= '0' && s[len(s)-1] <= '9' && arn.ValidRegion(s)
}

// knowing is the service that has an operation, if possible in that version.
func (t *routes) knowing(action, version string) *mounted {
	var found *mounted
	for _, m := range t.all {
		if m.API.Operation(action) == nil {
			continue
		}
		if m.API.Version == version {
			return m
		}
		if found == nil {
			found = m
		}
	}
	return found
}

// isQueuePath reports whether a path is a queue's: /ACCOUNT/NAME, or
// /queue/REGION/ACCOUNT/NAME.
func isQueuePath(path string) bool {
	path = strings.Trim(path, "/")
	if rest, ok := strings.CutPrefix(path, "queue/"); ok {
		if _, after, ok := strings.Cut(rest, "/"); ok && strings.Count(after, "/") == 1 {
			path = after
		}
	}
	account, name, ok := strings.Cut(path, "/")
	return ok && arn.ValidAccount(account) && name != "" && strings.IndexByte(name, '/') < 0
}
