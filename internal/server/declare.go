package server

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/api/sqsapi"
)

// declare makes what the configuration file names.
func (s *Server) declare(ctx context.Context) error {
	if err := s.declareQueues(ctx); err != nil {
		return err
	}
	if err := s.declareStreams(ctx); err != nil {
		return err
	}
	return s.declareTopics(ctx)
}

// declareStreams makes the streams that the configuration file names.
func (s *Server) declareStreams(ctx context.Context) error {
	for _, x := range s.config.Kinesis.Streams {
		region := x.Region
		if region == "" {
			region = s.config.Region
		}
		in := &kinesisapi.CreateStreamInput{StreamName: new(x.Name), Tags: x.Tags}
		if x.Shards > 0 {
			in.ShardCount = new(int32(x.Shards))
		} else {
			in.StreamModeDetails = &kinesisapi.StreamModeDetails{StreamMode: new("ON_DEMAND")}
		}
		if err := s.kinesis.Declare(ctx, region, in); err != nil {
			return fmt.Errorf("declare stream %s in %s: %w", x.Name, region, err)
		}
	}
	return nil
}

// declareTopics makes the topics that the configuration file names, with their
// subscriptions, as declareQueues does queues.
func (s *Server) declareTopics(ctx context.Context) error {
	for _, t := range s.config.SNS.Topics {
		region := t.Region
		if region == "" {
			region = s.config.Region
		}
		in := &snsapi.CreateTopicInput{Name: new(t.Name), Attributes: t.Attributes}
		for _, key := range slices.Sorted(maps.Keys(t.Tags)) {
			in.Tags = append(in.Tags, snsapi.Tag{Key: new(key), Value: new(t.Tags[key])})
		}
		if err := s.sns.DeclareTopic(ctx, region, in); err != nil {
			return fmt.Errorf("declare topic %s in %s: %w", t.Name, region, err)
		}
		for _, sub := range t.Subscriptions {
			in := &snsapi.SubscribeInput{Protocol: new(sub.Protocol), Endpoint: new(sub.Endpoint), Attributes: sub.Attributes}
			if err := s.sns.DeclareSubscription(ctx, region, t.Name, s.Endpoint(), in); err != nil {
				return fmt.Errorf("declare subscription %s %s of topic %s in %s: %w", sub.Protocol, sub.Endpoint, t.Name, region, err)
			}
		}
	}
	return nil
}

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
