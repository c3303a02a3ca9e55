package sns

import (
	"context"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/service"
)

// SetTopicAttributes sets one attribute of a topic.
//
// AWS: API_SetTopicAttributes.
func init() {
	service.Register(&operations, snsapi.SetTopicAttributes,
		onTopic("SNS:SetTopicAttributes", func(in *snsapi.SetTopicAttributesInput) *string { return in.TopicArn }),
		(*Service).SetTopicAttributes)
}

// SetTopicAttributes implements the operation.
func (s *Service) SetTopicAttributes(ctx context.Context, c *service.Call, in *snsapi.SetTopicAttributesInput) (*service.None, error) {
	t, err := s.resolveTopic(c, in.TopicArn)
	if err != nil {
		return nil, err
	}
	attribute := deref(in.AttributeName)
	stored, problem := checkTopicAttribute(t.name, attribute, deref(in.AttributeValue))
	if problem != "" {
		return nil, invalid("%s", problem)
	}
	return nil, s.changeTopic(ctx, t, func(tx *catalog.Tx, r *topicRecord) error {
		if r.Attributes == nil {
			r.Attributes = make(map[string]string)
		}
		if stored == "" {
			delete(r.Attributes, attribute)
		} else {
			r.Attributes[attribute] = stored
		}
		if attribute == attrArchivePolicy {
			setArchive(tx, r, stored != "")
		}
		return nil
	})
}

// setArchive begins or ends archiving.
func setArchive(tx *catalog.Tx, r *topicRecord, on bool) {
	switch {
	case on && r.Archive == 0:
		r.Archive, r.Archived = tx.NextID(), tx.Now.UnixMilli()
	case !on:
		r.Archive, r.Archived = 0, 0
	}
}
