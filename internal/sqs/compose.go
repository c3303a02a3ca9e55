package sqs

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/queue"
	"github.com/spillway/spillway/internal/service"
)

// draft is a message as a client sends it, singly or in a batch.
type draft struct {
	body       *string
	delay      *int32
	attributes map[string]sqsapi.MessageAttributeValue
	system     map[string]sqsapi.MessageSystemAttributeValue
	dedup      *string
	group      *string
}

// composed is a checked message and what its sender is told about it.
type composed struct {
	enqueue                    queue.Enqueue
	md5Body, md5User, md5Trace *string
}

// compose checks a message and makes it ready for the engine. The order of the
// checks is AWS's (facts-sqs.md 5.2). Cannot begins the text for a message that is
// too long, which differs between single messages and batches.
func (s *Service) compose(c *service.Call, q *Queue, d *draft, cannot string) (out composed, err error) {
	if d.body == nil || *d.body == "" {
		return out, missingParameter("MessageBody")
	}
	size, limit := len(*d.body), int(q.number[attrMaximumSize])
	for name, v := range d.attributes {
		size += len(name) + len(deref(v.DataType)) + len(deref(v.StringValue)) + len(v.BinaryValue)
	}
	if size > limit {
		return out, invalidParameter("One or more parameters %s. Reason: Message must be shorter than %d bytes.", cannot, limit)
	}
	if err := checkBody(*d.body); err != nil {
		return out, err
	}
	h := header{body: digestOf(*d.body), sender: c.Principal.UserID}
	if h.attributes, err = attributesOf(d.attributes); err != nil {
		return out, err
	}
	if len(h.attributes) > 0 {
		h.digest = digestOfAttributes(h.attributes)
		out.md5User = h.digest.hex()
	}
	system, err := traceOf(d.system)
	if err != nil {
		return out, err
	}
	if len(system) > 0 {
		h.trace = string(system[0].value)
		out.md5Trace = digestOfAttributes(system).hex()
	} else {
		h.trace = c.TraceHeader
	}
	out.md5Body = h.body.hex()
	e := &out.enqueue
	if e.Delay, err = delayOf(q, d.delay); err != nil {
		return out, err
	}
	if err := s.identify(q, d, e); err != nil {
		return out, err
	}
	e.ID = queue.NewID()
	e.Header = h.append(make([]byte, 0, 64+size-len(*d.body)+len(h.sender)+len(h.trace)+4*len(h.attributes)))
	e.Body = []byte(*d.body)
	return out, nil
}

// delayOf returns the message's delay in ms, negative for the queue's.
func delayOf(q *Queue, delay *int32) (int64, error) {
	switch {
	case delay == nil:
		return -1, nil
	case q.FIFO() && *delay == 0:
		return -1, nil // recorded: the queue's delay applies all the same
	case q.FIFO():
		return 0, invalidParameter("Value %d for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid for this queue type.", *delay)
	case *delay < 0 || *delay > 900:
		return 0, invalidParameter("Value %d for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.", *delay)
	}
	return int64(*delay) * 1000, nil
}

// identify sets the message's group and deduplication id.
func (s *Service) identify(q *Queue, d *draft, e *queue.Enqueue) error {
	if !q.FIFO() {
		if d.dedup != nil {
			return invalidParameter("Value %s for parameter MessageDeduplicationId is invalid. Reason: The request includes a parameter that is not valid for this queue type.", *d.dedup)
		}
		if d.group != nil {
			// Fair queues: a group on a standard queue names a tenant.
			e.Group = *d.group
			return checkToken("MessageGroupId", *d.group)
		}
		return nil
	}
	if err := s.checkFIFOIDs(q, d); err != nil {
		return err
	}
	e.Group = *d.group
	if d.dedup != nil {
		e.Dedup = *d.dedup
	} else {
		sum := sha256.Sum256([]byte(*d.body))
		e.Dedup = hex.EncodeToString(sum[:])
	}
	q.dedup(e)
	return nil
}

// dedup sets what the engine knows duplicates by, from the message's ids.
func (q *Queue) dedup(e *queue.Enqueue) {
	scope := ""
	if q.DedupByGroup {
		scope = e.Group
	}
	key := sha256.Sum256([]byte(scope + "\x00" + e.Dedup))
	e.DedupKey, e.HasDedup = queue.DedupKey(key[:16]), true
}

// checkFIFOIDs checks what a message to a FIFO queue must name.
func (s *Service) checkFIFOIDs(q *Queue, d *draft) error {
	if d.group == nil {
		return missingParameter("MessageGroupId")
	}
	if err := checkToken("MessageGroupId", *d.group); err != nil {
		return err
	}
	if d.dedup != nil {
		return checkToken("MessageDeduplicationId", *d.dedup)
	}
	if q.attribute(attrContentDedup) != "true" {
		return invalidParameter("The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
	}
	return nil
}

// checkToken checks a group, deduplication or attempt id: 1 to 128 characters of
// the printable ASCII ones, without blanks.
func checkToken(parameter, v string) error {
	ok := len(v) >= 1 && len(v) <= 128
	for i := 0; ok && i < len(v); i++ {
		ok = v[i] > ' ' && v[i] < 0x7f
	}
	if !ok {
		return invalidParameter("Value %s for parameter %s is invalid. Reason: %s can only include alphanumeric and punctuation characters. 1 to 128 in length.", v, parameter, parameter)
	}
	return nil
}

// sequenceOf is the SequenceNumber of a message, nil on standard queues.
func sequenceOf(q *Queue, seq uint64) *string {
	if !q.FIFO() {
		return nil
	}
	return new(strconv.FormatUint(seq, 10))
}

// uuid formats a message id.
func uuid(id queue.ID) string {
	var b [36]byte
	hex.Encode(b[0:], id[:4])
	hex.Encode(b[9:], id[4:6])
	hex.Encode(b[14:], id[6:8])
	hex.Encode(b[19:], id[8:10])
	hex.Encode(b[24:], id[10:])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return string(b[:])
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
