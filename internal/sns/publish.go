package sns

import (
	"context"
	"strings"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/service"
)

// draft is a message as a publisher sends it, singly or in a batch.
type draft struct {
	message, subject, structure, group, dedup *string
	attributes                                map[string]snsapi.MessageAttributeValue
	path                                      string // of the attributes in the request, for texts
}

// maxMessage: Publish API reference, bytes of message and attributes together.
const maxMessage = 262_144

// compose checks a message and makes a notification of it. The order of the checks is
// AWS's as far as it is known (facts-sns.md 6). t is nil for messages to one endpoint.
func (s *Service) compose(c *service.Call, t *topic, d *draft) (*notification, error) {
	message := deref(d.message)
	if message == "" {
		return nil, invalid("Empty message")
	}
	if d.subject != nil && !validSubject(*d.subject) {
		return nil, invalid("Subject")
	}
	attributes, size, err := attributesOf(d.attributes, d.path)
	if err != nil {
		return nil, err
	}
	if size+len(message) > maxMessage {
		return nil, invalid("Message too long")
	}
	n := &notification{
		Type: typeNotification, ID: newUUID(), Subject: d.subject, Message: message, Attributes: attributes,
		Sent: c.Now.UnixMilli(), Group: deref(d.group), Dedup: deref(d.dedup), Base: s.base(c.BaseURL), Version: "1",
		Trace: c.TraceHeader,
	}
	if t != nil {
		n.Topic = t.ARN
		if v := t.Attributes[attrSignature]; v != "" {
			n.Version = v
		}
		if err := checkIDs(t, d, n); err != nil {
			return nil, err
		}
	}
	switch deref(d.structure) {
	case "":
	case "json":
		if n.Variants, err = variantsOf(message); err != nil {
			return nil, err
		}
		n.Message = n.Variants["default"]
	default:
		return nil, invalid("MessageStructure")
	}
	return n, nil
}

// checkIDs checks the group and the deduplication id, and finds the latter.
func checkIDs(t *topic, d *draft, n *notification) error {
	if d.group != nil && !validToken128(*d.group) {
		return invalid("MessageGroupId Reason: MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length")
	}
	if !t.fifo() {
		if d.dedup != nil {
			return invalid("MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type")
		}
		return nil
	}
	if d.group == nil {
		return invalid("The MessageGroupId parameter is required for FIFO topics")
	}
	switch {
	case d.dedup == nil && t.Attributes[attrContentDedup] != "true":
		return invalid("The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
	case d.dedup == nil:
		n.Dedup = contentDedup(deref(d.message))
	case !validToken128(*d.dedup):
		return invalid("MessageDeduplicationId Reason: MessageDeduplicationId can only include alphanumeric and punctuation characters. 1 to 128 in length")
	}
	return nil
}

// validToken128: 1 to 128 characters of the printable ASCII ones, without blanks.
func validToken128(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= 128
}

// validSubject: ASCII without control characters, at most 100 characters, beginning
// with a letter, digit or punctuation mark.
func validSubject(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return s != "" && len(s) <= 100 && strings.TrimLeft(s, " ") == s
}

// publish stores composed notifications for all who get them.
func (s *Service) publish(ctx context.Context, t *topic, all []*notification) error {
	s.stats.Published.Add(uint64(len(all)))
	if t.fifo() {
		return s.publishFIFO(ctx, t, all)
	}
	return s.fanOut(ctx, t, all)
}
