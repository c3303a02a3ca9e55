package sqs

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/iam/policy"
	"github.com/spillway/spillway/internal/smithy"
)

// Names of the queue attributes that the code treats specially.
const (
	attrVisibilityTimeout = "VisibilityTimeout"
	attrDelaySeconds      = "DelaySeconds"
	attrMaximumSize       = "MaximumMessageSize"
	attrRetention         = "MessageRetentionPeriod"
	attrWaitTime          = "ReceiveMessageWaitTimeSeconds"
	attrPolicy            = "Policy"
	attrRedrivePolicy     = "RedrivePolicy"
	attrRedriveAllow      = "RedriveAllowPolicy"
	attrKMSKey            = "KmsMasterKeyId"
	attrKMSReuse          = "KmsDataKeyReusePeriodSeconds"
	attrSSE               = "SqsManagedSseEnabled"
	attrFIFO              = "FifoQueue"
	attrContentDedup      = "ContentBasedDeduplication"
	attrDedupScope        = "DeduplicationScope"
	attrThroughput        = "FifoThroughputLimit"
	attrARN               = "QueueArn"
	attrCreated           = "CreatedTimestamp"
	attrModified          = "LastModifiedTimestamp"
	attrVisible           = "ApproximateNumberOfMessages"
	attrDelayed           = "ApproximateNumberOfMessagesDelayed"
	attrNotVisible        = "ApproximateNumberOfMessagesNotVisible"
)

// numeric attributes: default and range, SetQueueAttributes API reference.
var numeric = map[string]struct{ initial, min, max int64 }{
	attrVisibilityTimeout: {30, 0, 43_200},
	attrDelaySeconds:      {0, 0, 900},
	attrMaximumSize:       {1 << 20, 1024, 1 << 20},
	attrRetention:         {345_600, 60, 1_209_600},
	attrWaitTime:          {0, 0, 20},
	attrKMSReuse:          {300, 60, 86_400},
}

// fifoDefaults are the attributes that only FIFO queues have, with their values
// for one that sets none.
var fifoDefaults = map[string]string{
	attrFIFO: "true", attrContentDedup: "false", attrDedupScope: "queue", attrThroughput: "perQueue",
}

// numbers returns the numeric attributes in force.
func numbers(set map[string]string) map[string]int64 {
	out := make(map[string]int64, len(numeric))
	for attr, n := range numeric {
		out[attr] = n.initial
		if v, err := strconv.ParseInt(set[attr], 10, 64); err == nil {
			out[attr] = v
		}
	}
	return out
}

// attribute returns the value of a settable attribute in force, "" if it is not
// set and has no default.
func (q *Queue) attribute(attr string) string {
	if v, ok := q.Attributes[attr]; ok {
		return v
	}
	switch attr {
	case attrSSE:
		return "true"
	case attrKMSReuse:
		if q.Attributes[attrKMSKey] == "" {
			return ""
		}
	case attrFIFO, attrContentDedup, attrDedupScope, attrThroughput:
		if q.FIFO() {
			return fifoDefaults[attr]
		}
		return ""
	}
	if _, ok := numeric[attr]; ok {
		return strconv.FormatInt(q.number[attr], 10)
	}
	return ""
}

func unknownAttribute(attr string) error {
	return sqsapi.InvalidAttributeName.Newf("Unknown Attribute %s.", attr)
}

func invalidAttribute(attr string) error {
	return sqsapi.InvalidAttributeValue.Newf("Invalid value for the parameter %s.", attr)
}

// checkAttributes validates attributes given to CreateQueue or SetQueueAttributes
// for a queue of this name, and returns them as they are stored. Which queues a
// redrive policy may name is checked where the queues are known.
func (s *Service) checkAttributes(n name, given map[string]string, create bool) (map[string]string, error) {
	out := make(map[string]string, len(given))
	for _, attr := range sortedKeys(given) {
		value, err := s.checkAttribute(n, attr, given[attr], create)
		if err != nil {
			return nil, err
		}
		out[attr] = value
	}
	if out[attrKMSKey] != "" && out[attrSSE] == "true" {
		return nil, sqsapi.InvalidAttributeName.New("You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.")
	}
	return out, nil
}

// checkAttribute validates one attribute and returns its canonical value; ""
// removes it.
func (s *Service) checkAttribute(n name, attr, value string, create bool) (string, error) {
	if limits, ok := numeric[attr]; ok {
		return s.checkNumber(attr, value, limits.min, limits.max)
	}
	switch attr {
	case attrPolicy:
		return checkPolicy(value, create)
	case attrRedrivePolicy:
		return checkRedrivePolicy(value)
	case attrRedriveAllow:
		return checkRedriveAllow(value)
	case attrKMSKey:
		if len(value) > 2048 {
			return "", invalidAttribute(attr)
		}
		return value, nil
	case attrSSE:
		return checkBool(attr, value)
	case attrFIFO, attrContentDedup, attrDedupScope, attrThroughput:
		return checkFIFOAttribute(n, attr, value, create)
	}
	return "", unknownAttribute(attr)
}

func (s *Service) checkNumber(attr, value string, low, high int64) (string, error) {
	if attr == attrMaximumSize {
		high = max(high, int64(s.limits.MaxMessageBytes))
	}
	v, err := strconv.ParseUint(value, 10, 32)
	if err != nil || value[0] == '+' || int64(v) < low || int64(v) > high {
		return "", invalidAttribute(attr)
	}
	return strconv.FormatUint(v, 10), nil
}

func checkBool(attr, value string) (string, error) {
	switch v := strings.ToLower(value); v {
	case "true", "false":
		return v, nil
	}
	return "", invalidAttribute(attr)
}

func checkFIFOAttribute(n name, attr, value string, create bool) (string, error) {
	if !n.fifo() {
		if attr == attrDedupScope || attr == attrThroughput {
			return "", sqsapi.InvalidAttributeName.Newf("You can specify the %s only when FifoQueue is set to true.", attr)
		}
		return "", unknownAttribute(attr)
	}
	switch attr {
	case attrFIFO:
		v, err := checkBool(attr, value)
		if err == nil && v == "false" && !create {
			err = sqsapi.InvalidAttributeValue.New("Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.")
		}
		return v, err
	case attrContentDedup:
		return checkBool(attr, value)
	case attrDedupScope:
		if value == "queue" || value == "messageGroup" {
			return value, nil
		}
	case attrThroughput:
		if value == "perQueue" || value == "perMessageGroupId" {
			return value, nil
		}
	}
	return "", invalidAttribute(attr)
}

// checkThroughput refuses the per-group limit without the per-group scope.
func checkThroughput(attributes map[string]string) error {
	if attributes[attrThroughput] == "perMessageGroupId" && attributes[attrDedupScope] != "messageGroup" {
		return sqsapi.InvalidAttributeValue.New("Invalid value for the parameter FifoThroughputLimit. Reason: The perMessageGroupId value is allowed only when the value for DeduplicationScope is messageGroup.")
	}
	return nil
}

// applyAttributes changes a queue's stored attributes by checked ones.
func applyAttributes(stored, given map[string]string) {
	for attr, value := range given {
		if value == "" {
			delete(stored, attr)
		} else {
			stored[attr] = value
		}
	}
	// SSE transitions, recorded from AWS: a KMS key turns SSE-SQS off, and taking
	// the key away does not turn it on again.
	key, keyGiven := given[attrKMSKey]
	switch {
	case keyGiven && key != "":
		stored[attrSSE] = "false"
	case keyGiven:
		delete(stored, attrKMSReuse)
		if given[attrSSE] == "" {
			stored[attrSSE] = "false"
		}
	case given[attrSSE] == "true":
		delete(stored, attrKMSKey)
		delete(stored, attrKMSReuse)
	}
}

// maxStatements: SQS developer guide, "Quotas related to policies".
const maxStatements = 20

func checkPolicy(text string, create bool) (string, error) {
	if text == "" {
		return "", nil
	}
	p, err := policy.Parse(text)
	if err == nil {
		err = p.CheckResource()
	}
	if err != nil {
		return "", invalidAttribute(attrPolicy)
	}
	if n := p.Statements(); n > maxStatements {
		kind := sqsapi.OverLimit
		if create {
			kind = smithy.InvalidParameterValue
		}
		return "", kind.Newf("%d statements were found in the submitted policy, max allowed is %d", n, maxStatements)
	}
	return compactJSON(text), nil
}

// compactJSON removes white space between tokens; the text is valid JSON.
func compactJSON(text string) string {
	if b, err := json.Marshal(json.RawMessage(text)); err == nil {
		return string(b)
	}
	return text
}
