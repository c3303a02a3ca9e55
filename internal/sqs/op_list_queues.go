package sqs

import (
	"context"
	"slices"
	"strings"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/service"
)

// ListQueues lists the caller's queues in the region, in order of name.
//
// AWS: API_ListQueues.
func init() {
	service.Register(&operations, sqsapi.ListQueues, (*Service).accessListQueues, (*Service).ListQueues)
}

func (s *Service) accessListQueues(c *service.Call, _ *sqsapi.ListQueuesRequest) (service.Access, error) {
	n := name{c.Region, c.Account(), "*"}
	return service.Access{Action: "sqs:ListQueues", Resource: n.arn(), OwnerOnly: true}, notAtQueueURL(c, "ListQueues")
}

// ListQueues implements the operation.
func (s *Service) ListQueues(ctx context.Context, c *service.Call, in *sqsapi.ListQueuesRequest) (*sqsapi.ListQueuesResult, error) {
	if err := s.current(ctx); err != nil {
		return nil, err
	}
	var names []name
	s.mu.RLock()
	for n := range s.queues {
		if n.region == c.Region && n.account == c.Account() && strings.HasPrefix(n.queue, deref(in.QueueNamePrefix)) {
			names = append(names, n)
		}
	}
	s.mu.RUnlock()
	slices.SortFunc(names, compareNames)
	urls, next, err := page(c, names, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	return &sqsapi.ListQueuesResult{QueueUrls: urls, NextToken: next}, nil
}
