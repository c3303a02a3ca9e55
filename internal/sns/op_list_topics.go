package sns

import (
	"context"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/service"
)

// ListTopics returns the caller's topics of the region, 100 a page, in order of name.
//
// AWS: API_ListTopics.
func init() {
	service.Register(&operations, snsapi.ListTopics, inAccount("SNS:ListTopics", anyResource[snsapi.ListTopicsInput]), (*Service).ListTopics)
}

// ListTopics implements the operation.
func (s *Service) ListTopics(ctx context.Context, c *service.Call, in *snsapi.ListTopicsInput) (*snsapi.ListTopicsResponse, error) {
	if err := s.current(ctx); err != nil {
		return nil, err
	}
	topics, next, err := page(s.topicsOf(zone{c.Region, c.Account()}), func(t *topic) string { return t.topic }, pageSize, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &snsapi.ListTopicsResponse{NextToken: next, Topics: make([]snsapi.Topic, 0, len(topics))}
	for _, t := range topics {
		out.Topics = append(out.Topics, snsapi.Topic{TopicArn: new(t.ARN)})
	}
	return out, nil
}

func (s *Service) topicsOf(z zone) (out []*topic) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for n, t := range s.topics {
		if n.zone() == z {
			out = append(out, t)
		}
	}
	return out
}
