package sns

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/service"
)

// CreateTopic makes a topic, or returns the ARN of the one with that name if none of
// the attributes and tags given differs from its own.
//
// AWS: API_CreateTopic.
func init() {
	service.Register(&operations, snsapi.CreateTopic,
		inAccount("SNS:CreateTopic", func(c *service.Call, in *snsapi.CreateTopicInput) string {
			return name{c.Region, c.Account(), deref(in.Name)}.arn()
		}), (*Service).CreateTopic)
}

// CreateTopic implements the operation.
func (s *Service) CreateTopic(ctx context.Context, c *service.Call, in *snsapi.CreateTopicInput) (*snsapi.CreateTopicResponse, error) {
	n := name{c.Region, c.Account(), deref(in.Name)}
	wanted, err := newTopic(n, in, c.Now)
	if err != nil {
		return nil, err
	}
	if err := engineError(s.catalog.Update(ctx, func(tx *catalog.Tx) error { return createTopic(tx, n, *wanted) })); err != nil {
		return nil, err
	}
	return &snsapi.CreateTopicResponse{TopicArn: new(n.arn())}, nil
}

// newTopic checks what is asked for.
func newTopic(n name, in *snsapi.CreateTopicInput, now time.Time) (*topicRecord, error) {
	fifo := in.Attributes[attrFIFO] == "true"
	if !n.valid() || n.fifo() != fifo {
		return nil, invalid("Topic Name")
	}
	r := &topicRecord{Attributes: map[string]string{}, Created: now.UnixMilli(), Protection: deref(in.DataProtectionPolicy)}
	for _, attribute := range slices.Sorted(maps.Keys(in.Attributes)) {
		value := in.Attributes[attribute]
		if attribute == attrFIFO {
			if value != "true" && value != "false" {
				return nil, invalid("Attributes Reason: FifoTopic")
			}
			continue
		}
		stored, problem := checkTopicAttribute(n, attribute, value)
		if problem != "" {
			return nil, invalid("Attributes Reason: %s", problem)
		}
		if stored != "" {
			r.Attributes[attribute] = stored
		}
	}
	if r.Protection != "" && !validJSONObject(r.Protection) {
		return nil, invalid("DataProtectionPolicy")
	}
	var err error
	r.Tags, err = addTags(nil, in.Tags)
	return r, err
}

// createTopic makes the topic unless it exists.
func createTopic(tx *catalog.Tx, n name, wanted topicRecord) error {
	old, ok, err := get[topicRecord](tx, kindTopic, n.key())
	if err != nil {
		return err
	}
	if !ok {
		wanted.ID = tx.NextID()
		if wanted.Attributes[attrArchivePolicy] != "" {
			wanted.Archive, wanted.Archived = tx.NextID(), tx.Now.UnixMilli()
		}
		return put(tx, kindTopic, n.key(), &wanted)
	}
	for attribute, value := range wanted.Attributes {
		if topicValue(n, &old, attribute) != value {
			return invalid("Attributes Reason: Topic already exists with different attributes")
		}
	}
	if len(wanted.Tags) > 0 && !maps.Equal(wanted.Tags, old.Tags) {
		return invalid("Tags Reason: Topic already exists with different tags")
	}
	return nil
}

// topicValue is an attribute's value in force.
func topicValue(n name, r *topicRecord, attribute string) string {
	if value, ok := r.Attributes[attribute]; ok {
		return value
	}
	switch attribute {
	case attrPolicy:
		return defaultPolicy(n)
	case attrContentDedup:
		return "false"
	case attrSignature:
		return "1"
	case attrTracing:
		return "PassThrough"
	case attrScope:
		return "Topic"
	}
	return ""
}

// DeclareTopic makes a topic unless it exists, in the configured account; for topics
// that the configuration file names. It fails if one exists with other attributes.
func (s *Service) DeclareTopic(ctx context.Context, region string, in *snsapi.CreateTopicInput) error {
	n := name{region, s.config.Account, deref(in.Name)}
	wanted, err := newTopic(n, in, time.Now())
	if err != nil {
		return err
	}
	return s.catalog.Ensure(ctx, func(tx *catalog.Tx) error { return createTopic(tx, n, *wanted) })
}
