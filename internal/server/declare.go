package server

import (
	"context"
	"fmt"

	"github.com/spillway/spillway/internal/api/sqsapi"
)

// declareQueues makes the queues that the configuration file names, unless they
// exist. One that exists with other attributes is an error: the file and the data
// disagree, and somebody has to decide.
//
// Dead-letter queues must exist before the queues that name them, so queues with
// a redrive policy come last.
func (s *Server) declareQueues(ctx context.Context) error {
	for _, withRedrive := range []bool{false, true} {
		for _, q := range s.config.SQS.Queues {
			if _, redrive := q.Attributes["RedrivePolicy"]; redrive != withRedrive {
				continue
			}
			region := q.Region
			if region == "" {
				region = s.config.Region
			}
			in := &sqsapi.CreateQueueRequest{QueueName: new(q.Name), Attributes: q.Attributes, Tags: q.Tags}
			if err := s.sqs.Declare(ctx, region, in); err != nil {
				return fmt.Errorf("declare queue %s in %s: %w", q.Name, region, err)
			}
		}
	}
	return nil
}
