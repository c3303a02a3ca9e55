package sqs

import (
	"context"
	"slices"
	"strconv"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/queue"
	"github.com/spillway/spillway/internal/service"
)

// GetQueueAttributes returns the attributes asked for that are set. The counters
// are exact.
//
// AWS: API_GetQueueAttributes.
func init() {
	service.Register(&operations, sqsapi.GetQueueAttributes,
		onQueue("sqs:GetQueueAttributes", func(in *sqsapi.GetQueueAttributesRequest) *string { return in.QueueUrl }),
		(*Service).GetQueueAttributes)
}

// allAttributes in the order of the API reference.
var allAttributes = []string{
	attrVisible, attrDelayed, attrNotVisible, attrCreated, attrDelaySeconds, attrModified, attrMaximumSize,
	attrRetention, attrPolicy, attrARN, attrWaitTime, attrRedrivePolicy, attrVisibilityTimeout, attrKMSKey,
	attrKMSReuse, attrSSE, attrFIFO, attrContentDedup, attrDedupScope, attrThroughput, attrRedriveAllow,
}

// GetQueueAttributes implements the operation.
func (s *Service) GetQueueAttributes(ctx context.Context, c *service.Call, in *sqsapi.GetQueueAttributesRequest) (*sqsapi.GetQueueAttributesResult, error) {
	if err := s.current(ctx); err != nil {
		return nil, err
	}
	q, err := s.resolve(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, attr := range in.AttributeNames {
		switch {
		case attr == "All":
			names = allAttributes
		case !isAttribute(attr):
			return nil, unknownAttribute(attr)
		case len(names) < len(allAttributes):
			names = append(names, attr)
		}
	}
	out := &sqsapi.GetQueueAttributesResult{}
	var counters queue.Counters
	if slices.ContainsFunc(names, isCounter) {
		if counters, err = q.handle.Counters(ctx); err != nil {
			return nil, engineError(err)
		}
	}
	for _, attr := range names {
		if v := q.read(attr, &counters); v != "" {
			if out.Attributes == nil {
				out.Attributes = make(map[string]string, len(names))
			}
			out.Attributes[attr] = v
		}
	}
	return out, nil
}

func isCounter(attr string) bool {
	return attr == attrVisible || attr == attrDelayed || attr == attrNotVisible
}

func isAttribute(attr string) bool {
	for _, a := range allAttributes {
		if a == attr {
			return true
		}
	}
	return false
}

// read returns any attribute's value, "" if it is not set.
func (q *Queue) read(attr string, c *queue.Counters) string {
	switch attr {
	case attrARN:
		return q.ARN
	case attrCreated:
		return strconv.FormatInt(q.Created/1000, 10)
	case attrModified:
		return strconv.FormatInt(q.Modified/1000, 10)
	case attrVisible:
		return strconv.FormatUint(c.Visible, 10)
	case attrDelayed:
		return strconv.FormatUint(c.Delayed, 10)
	case attrNotVisible:
		return strconv.FormatUint(c.InFlight, 10)
	}
	return q.attribute(attr)
}
