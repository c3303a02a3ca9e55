package sns

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/spillway/spillway/internal/service"
	"github.com/spillway/spillway/internal/sns/filter"
)

// Types of messages to endpoints.
const (
	typeNotification = "Notification"
	typeSubscribe    = "SubscriptionConfirmation"
	typeUnsubscribe  = "UnsubscribeConfirmation"
)

// notification is one message to subscribers, as it is kept in queues, in JSON.
type notification struct {
	Type    string  `json:"type"`
	ID      string  `json:"id"`              // MessageId
	Topic   string  `json:"topic,omitempty"` // ARN, "" for a message to one endpoint
	Subject *string `json:"subject,omitempty"`
	Message string  `json:"message"`
	// Variants replace Message by protocol or platform (MessageStructure json).
	Variants   map[string]string          `json:"variants,omitempty"`
	Attributes []service.MessageAttribute `json:"attributes,omitempty"` // by name
	Sent       int64                      `json:"sent"`                 // unix ms
	Group      string                     `json:"group,omitempty"`
	Dedup      string                     `json:"dedup,omitempty"`
	Sequence   string                     `json:"sequence,omitempty"` // of FIFO topics
	Base       string                     `json:"base"`               // URL of this server, for links
	Version    string                     `json:"version"`            // SignatureVersion
	Signature  string                     `json:"signature,omitempty"`
	Unsigned   bool                       `json:"unsigned,omitempty"` // there was no time yet: it is signed when it is delivered
	Trace      string                     `json:"trace,omitempty"`
	Token      string                     `json:"token,omitempty"` // of confirmations
	Replayed   bool                       `json:"replayed,omitempty"`
	Runs       int                        `json:"runs,omitempty"` // of a function that failed
	// Protocol and Endpoint are set where no subscription says them, and then the zone.
	Protocol string `json:"protocol,omitempty"`
	Endpoint string `json:"endpoint,omitempty"`
	Region   string `json:"region,omitempty"`
	Account  string `json:"account,omitempty"`
}

// textFor is what the subscribers of a protocol get.
func (n *notification) textFor(protocol string) string {
	if text, ok := n.Variants[protocol]; ok {
		return text
	}
	return n.Message
}

// forProtocol is the notification without what other protocols get.
func (n *notification) forProtocol(protocol string) *notification {
	if n.Variants == nil || protocol == "application" {
		return n
	}
	out := *n
	out.Message, out.Variants = n.textFor(protocol), nil
	return &out
}

// filterAttributes are the attributes as filter policies see them.
func (n *notification) filterAttributes() []filter.Attribute {
	if len(n.Attributes) == 0 {
		return nil
	}
	out := make([]filter.Attribute, len(n.Attributes))
	for i, a := range n.Attributes {
		out[i] = filter.Attribute{Name: a.Name, Type: a.Type, Value: a.Text}
	}
	return out
}

// attribute is the text of an attribute, "" for none.
func (n *notification) attribute(name string) string {
	for _, a := range n.Attributes {
		if a.Name == name {
			return a.Text
		}
	}
	return ""
}

// variantsOf reads a message with MessageStructure json. Values that are no strings
// count as absent, the last of several keys counts (recorded).
func variantsOf(message string) (map[string]string, error) {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal([]byte(message), &raw); err != nil || raw == nil {
		return nil, invalid("Message Structure - JSON message body failed to parse")
	}
	out := make(map[string]string, len(raw))
	for key, value := range raw {
		var text string
		if len(value) > 0 && value[0] == '"' && json.Unmarshal(value, &text) == nil {
			out[key] = text
		}
	}
	if _, ok := out["default"]; !ok {
		return nil, invalid("Message Structure - No default entry in JSON message body")
	}
	return out, nil
}

// contentDedup is the deduplication id of a message that brings none.
func contentDedup(message string) string {
	sum := sha256.Sum256([]byte(message))
	return hex.EncodeToString(sum[:])
}
