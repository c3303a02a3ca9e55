package sns

import (
	"context"
	"strings"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/service"
)

// Publish sends a message to the subscribers of a topic, to one endpoint of a mobile
// app, or to a phone number. When it returns, the message is durable for everybody who
// gets it.
//
// Limits: 262,144 bytes of message and attributes together.
//
// AWS: API_Publish.
func init() {
	service.Register(&operations, snsapi.Publish, (*Service).accessPublish, (*Service).Publish)
}

func (s *Service) accessPublish(c *service.Call, in *snsapi.PublishInput) (service.Access, error) {
	if err := validate(in); err != nil {
		return service.Access{}, err
	}
	where := 0
	for _, p := range []*string{in.TopicArn, in.TargetArn, in.PhoneNumber} {
		if p != nil {
			where++
		}
	}
	switch {
	case where != 1:
		return service.Access{}, invalid("TopicArn or TargetArn Reason: no value for required parameter")
	case in.PhoneNumber != nil:
		return service.Access{Action: "SNS:Publish", Resource: "*", OwnerOnly: true}, nil
	case in.TargetArn != nil && strings.Contains(*in.TargetArn, ":endpoint/"):
		r, err := readARN(c, "TargetArn", *in.TargetArn)
		if err != nil {
			return service.Access{}, err
		}
		return service.Access{Action: "SNS:Publish", Resource: *in.TargetArn, Owner: r.account, OwnerOnly: true}, nil
	}
	parameter, text := topicParameter(in)
	return s.accessTopic(c, "SNS:Publish", parameter, text, nil)
}

func topicParameter(in *snsapi.PublishInput) (parameter string, text *string) {
	if in.TargetArn != nil {
		return "TargetArn", in.TargetArn
	}
	return "TopicArn", in.TopicArn
}

// Publish implements the operation.
func (s *Service) Publish(ctx context.Context, c *service.Call, in *snsapi.PublishInput) (*snsapi.PublishResponse, error) {
	d := &draft{
		message: in.Message, subject: in.Subject, structure: in.MessageStructure, group: in.MessageGroupId,
		dedup: in.MessageDeduplicationId, attributes: in.MessageAttributes, path: "messageAttributes",
	}
	switch {
	case in.PhoneNumber != nil:
		return s.publishToPhone(ctx, c, *in.PhoneNumber, d)
	case in.TargetArn != nil && strings.Contains(*in.TargetArn, ":endpoint/"):
		return s.publishToEndpoint(ctx, c, *in.TargetArn, d)
	}
	_, text := topicParameter(in)
	t, err := s.resolveTopic(c, text)
	if err != nil {
		return nil, err
	}
	n, err := s.compose(c, t, d)
	if err != nil {
		return nil, err
	}
	if err := s.publish(ctx, t, []*notification{n}); err != nil {
		return nil, err
	}
	out := &snsapi.PublishResponse{MessageId: new(n.ID)}
	if n.Sequence != "" {
		out.SequenceNumber = new(n.Sequence)
	}
	return out, nil
}
