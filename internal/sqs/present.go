package sqs

import (
	"context"
	"strconv"
	"strings"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/queue"
	"github.com/spillway/spillway/internal/service"
)

// wanted is what a receiver asked to see of messages.
type wanted struct {
	system     []string
	allSystem  bool
	attributes []string // names, and prefixes that end in "*"
	all        bool     // attributes
}

func wantedOf(c *service.Call, in *sqsapi.ReceiveMessageRequest) wanted {
	w := wanted{system: in.AttributeNames}
	if c.Query && len(in.AttributeNames) > 0 {
		// Recorded: the query protocol then ignores the newer list.
	} else if len(w.system) == 0 {
		w.system = in.MessageSystemAttributeNames
	} else {
		w.system = append(append([]string(nil), w.system...), in.MessageSystemAttributeNames...)
	}
	for _, n := range w.system {
		w.allSystem = w.allSystem || n == "All"
	}
	for _, n := range in.MessageAttributeNames {
		switch {
		case n == "All" || n == ".*" || n == "*":
			w.all = true
		case strings.HasSuffix(n, ".*"):
			w.attributes = append(w.attributes, n[:len(n)-2]+"*")
		default:
			w.attributes = append(w.attributes, n)
		}
	}
	return w
}

// wants reports whether a user attribute is asked for. A prefix is taken as plain
// text: "Hel.*" means Hello as well as Help.Me (recorded).
func (w *wanted) wants(name string) bool {
	if w.all {
		return true
	}
	for _, n := range w.attributes {
		if prefix, ok := strings.CutSuffix(n, "*"); ok && strings.HasPrefix(name, prefix) || n == name {
			return true
		}
	}
	return false
}

// present turns a delivery into the message that the receiver sees, without a
// receipt handle. A message that is sealed gets its signature.
func (s *Service) present(ctx context.Context, q *Queue, d *queue.Delivery, w *wanted) (sqsapi.Message, error) {
	h, err := parseHeader(d.Header)
	if err != nil {
		return sqsapi.Message{}, err
	}
	var body string
	if h.seal == nil {
		body = string(d.Body)
	} else {
		signature, err := s.config.Sign(ctx, h.seal.Hash, h.seal.Sum)
		if err != nil {
			return sqsapi.Message{}, err
		}
		if body, err = h.seal.Fill(d.Body, signature); err != nil {
			return sqsapi.Message{}, err
		}
		h.body = digestOf(body)
	}
	m := sqsapi.Message{
		MessageId: new(uuid(d.ID)),
		Body:      &body,
		MD5OfBody: h.body.hex(),
	}
	if len(w.system) > 0 {
		m.Attributes = s.systemAttributes(q, d, &h, w)
	}
	if len(h.attributes) > 0 && (w.all || len(w.attributes) > 0) {
		presentAttributes(&m, &h, w)
	}
	return m, nil
}

// systemAttributes returns those asked for that the message has.
func (s *Service) systemAttributes(q *Queue, d *queue.Delivery, h *header, w *wanted) map[string]string {
	out := make(map[string]string, 8)
	add := func(name, value string) {
		if value == "" {
			return
		}
		if w.allSystem {
			out[name] = value
			return
		}
		for _, n := range w.system {
			if n == name {
				out[name] = value
				return
			}
		}
	}
	add("SenderId", h.sender)
	add("SentTimestamp", strconv.FormatInt(d.SentAt, 10))
	add("ApproximateReceiveCount", strconv.FormatUint(uint64(d.Acquired), 10))
	if d.FirstAcquired != 0 {
		add("ApproximateFirstReceiveTimestamp", strconv.FormatInt(d.FirstAcquired, 10))
	}
	add("MessageGroupId", d.Group)
	add(attrTraceHeader, h.trace)
	if q.FIFO() {
		add("SequenceNumber", strconv.FormatUint(d.Seq, 10))
		add("MessageDeduplicationId", d.Dedup)
	}
	if d.Origin != 0 {
		if source := s.lookupID(d.Origin); source != nil {
			add("DeadLetterQueueSourceArn", source.ARN)
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// presentAttributes adds the user attributes asked for. The digest covers what is
// returned, and is absent with nothing returned.
func presentAttributes(m *sqsapi.Message, h *header, w *wanted) {
	chosen := make([]attribute, 0, len(h.attributes))
	for _, a := range h.attributes {
		if w.wants(a.name) {
			chosen = append(chosen, a)
		}
	}
	if len(chosen) == 0 {
		return
	}
	digest := h.digest
	if len(chosen) != len(h.attributes) {
		digest = digestOfAttributes(chosen)
	}
	m.MD5OfMessageAttributes = digest.hex()
	m.MessageAttributes = make(map[string]sqsapi.MessageAttributeValue, len(chosen))
	for _, a := range chosen {
		v := sqsapi.MessageAttributeValue{DataType: new(a.dataType)}
		if a.kind == kindBinary {
			v.BinaryValue = a.value
		} else {
			v.StringValue = new(string(a.value))
		}
		m.MessageAttributes[a.name] = v
	}
}
