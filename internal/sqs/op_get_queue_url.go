package sqs

import (
	"context"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/service"
)

// GetQueueUrl returns the URL of a queue, also of another account's if its policy
// allows. The URL has the host by which the caller reached the server.
//
// AWS: API_GetQueueUrl.
func init() {
	service.Register(&operations, sqsapi.GetQueueUrl, (*Service).accessGetQueueURL, (*Service).GetQueueUrl)
}

func (s *Service) byName(c *service.Call, in *sqsapi.GetQueueUrlRequest) (*Queue, error) {
	if deref(in.QueueName) == "" {
		return nil, invalidParameter("Value for parameter QueueName is invalid. Reason: Must specify a queue name.")
	}
	n := name{c.Region, c.Account(), *in.QueueName}
	if owner := deref(in.QueueOwnerAWSAccountId); owner != "" {
		n.account = owner
	}
	q, err := s.find(n)
	if err == nil && q == nil {
		err = errNoQueue()
	}
	return q, err
}

func (s *Service) accessGetQueueURL(c *service.Call, in *sqsapi.GetQueueUrlRequest) (service.Access, error) {
	q, err := s.byName(c, in)
	if err != nil {
		return service.Access{}, err
	}
	return service.Access{Action: "sqs:GetQueueUrl", Resource: q.ARN, Owner: q.account, Policy: q.policy}, nil
}

// GetQueueUrl implements the operation.
func (s *Service) GetQueueUrl(_ context.Context, c *service.Call, in *sqsapi.GetQueueUrlRequest) (*sqsapi.GetQueueUrlResult, error) {
	q, err := s.byName(c, in)
	if err != nil {
		return nil, err
	}
	return &sqsapi.GetQueueUrlResult{QueueUrl: urlOf(c, q.name)}, nil
}
