package sqs

import (
	"net/url"
	"strings"

	"github.com/spillway/spillway/internal/service"
	"github.com/spillway/spillway/internal/smithy"
)

// resolve finds the queue that a call means: by QueueUrl in any known form
// (facts-sqs.md 1.4), or by the path of a query request sent to a queue's URL.
func (s *Service) resolve(c *service.Call, queueURL *string) (*Queue, error) {
	text := ""
	if queueURL != nil {
		text = *queueURL
	}
	if text == "" && c.Query {
		text = c.Path
	}
	n, ok := nameFromURL(text, c.Account(), c.Region)
	if !ok {
		return nil, errNoQueue()
	}
	q, err := s.find(n)
	if err == nil && q == nil {
		err = errNoQueue()
	}
	return q, err
}

// nameFromURL reads a queue URL. Only the path matters, and a region if the URL
// is of a form that has one; a name without any slash is one of the caller's.
func nameFromURL(text, account, region string) (name, bool) {
	if text == "" {
		return name{}, false
	}
	path, host := text, ""
	if i := strings.Index(text, "://"); i >= 0 {
		path = text[i+3:]
		slash := strings.IndexByte(path, '/')
		if slash < 0 {
			return name{}, false
		}
		host, path = path[:slash], path[slash:]
	} else if !strings.Contains(text, "/") {
		return name{region, account, text}, true
	}
	if i := strings.IndexAny(path, "?#"); i >= 0 {
		path = path[:i]
	}
	if strings.IndexByte(path, '%') >= 0 {
		if unescaped, err := url.PathUnescape(path); err == nil {
			path = unescaped
		}
	}
	path = strings.Trim(path, "/")
	// LocalStack's "path" strategy: /queue/<region>/<account>/<name>
	if rest, ok := strings.CutPrefix(path, "queue/"); ok && strings.Count(rest, "/") == 2 {
		region, path, _ = strings.Cut(rest, "/")
	} else if r := regionOfHost(host); r != "" {
		region = r
	}
	owner, queue, ok := strings.Cut(path, "/")
	if !ok || owner == "" || queue == "" || strings.Contains(queue, "/") {
		return name{}, false
	}
	return name{region, owner, queue}, true
}

// regionOfHost returns the region in AWS's and LocalStack's host names, or "".
func regionOfHost(host string) string {
	host, _, _ = strings.Cut(host, ":")
	labels := strings.Split(host, ".")
	for i := 0; i+1 < len(labels); i++ {
		switch {
		case labels[i] == "sqs" || labels[i] == "sqs-fips":
			if looksLikeRegion(labels[i+1]) {
				return labels[i+1]
			}
		case labels[i+1] == "queue" && looksLikeRegion(labels[i]):
			return labels[i]
		}
	}
	if strings.HasPrefix(host, "queue.amazonaws.com") {
		return "us-east-1"
	}
	return ""
}

// looksLikeRegion: "us-east-1", "us-gov-west-1".
func looksLikeRegion(s string) bool {
	return strings.Count(s, "-") >= 2 && s[len(s)-1] >= '0' && s[len(s)-1] <= '9'
}

// urlOf is the queue's URL as the caller can reach it.
func urlOf(c *service.Call, n name) *string {
	return new(c.BaseURL + "/" + n.account + "/" + n.queue)
}

// onQueue returns the authorization of an operation on the queue that its input
// names.
func onQueue[In any](action string, queueURL func(*In) *string) func(*Service, *service.Call, *In) (service.Access, error) {
	return func(s *Service, c *service.Call, in *In) (service.Access, error) {
		q, err := s.resolve(c, queueURL(in))
		if err != nil {
			return service.Access{}, err
		}
		return service.Access{Action: action, Resource: q.ARN, Owner: q.account, Policy: q.policy}, nil
	}
}

// onOwnQueue is onQueue for operations that no policy opens to other accounts.
func onOwnQueue[In any](action string, queueURL func(*In) *string) func(*Service, *service.Call, *In) (service.Access, error) {
	access := onQueue(action, queueURL)
	return func(s *Service, c *service.Call, in *In) (service.Access, error) {
		a, err := access(s, c, in)
		a.OwnerOnly = true
		return a, err
	}
}

// notAtQueueURL refuses operations that are not valid at the URL of a queue.
func notAtQueueURL(c *service.Call, operation string) error {
	if c.Query && strings.Contains(strings.Trim(c.Path, "/"), "/") {
		return smithy.UnknownOperation.Newf("The action %s is not valid for this endpoint.", operation)
	}
	return nil
}
