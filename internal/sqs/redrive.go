package sqs

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/arn"
	"github.com/spillway/spillway/internal/catalog"
)

// redrivePolicy is a queue's RedrivePolicy. Its JSON is the canonical form.
type redrivePolicy struct {
	DeadLetterTargetArn string `json:"deadLetterTargetArn"`
	MaxReceiveCount     int64  `json:"maxReceiveCount"`
	target              name
}

func badRedrive(raw, reason string) error {
	return invalidParameter("Value %s for parameter RedrivePolicy is invalid. Reason: %s", raw, reason)
}

// checkRedrivePolicy validates the text alone and returns its canonical form.
func checkRedrivePolicy(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	p, err := parseRedrivePolicy(text)
	if err != nil {
		return "", err
	}
	b, err := json.Marshal(p)
	return string(b), err
}

func parseRedrivePolicy(text string) (*redrivePolicy, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &fields); err != nil || fields == nil {
		return nil, invalidParameter("Invalid value for the parameter RedrivePolicy. Reason: Redrive policy is not a valid JSON map.")
	}
	count, ok := fields["maxReceiveCount"]
	if !ok {
		return nil, badRedrive(text, "Redrive policy does not contain mandatory attribute: maxReceiveCount.")
	}
	target, ok := fields["deadLetterTargetArn"]
	if !ok {
		return nil, badRedrive(text, "Redrive policy does not contain mandatory attribute: deadLetterTargetArn.")
	}
	if len(fields) > 2 {
		return nil, badRedrive(text, "Only following attributes are supported: [maxReceiveCount, deadLetterTargetArn].")
	}
	p := new(redrivePolicy)
	digits := string(bytes.Trim(count, `"`))
	var err error
	if p.MaxReceiveCount, err = strconv.ParseInt(digits, 10, 64); err != nil || p.MaxReceiveCount < 1 || p.MaxReceiveCount > 1000 {
		return nil, badRedrive(text, "Invalid value for maxReceiveCount: "+digits+", valid values are from 1 to 1000 both inclusive.")
	}
	if err := json.Unmarshal(target, &p.DeadLetterTargetArn); err != nil {
		return nil, badRedrive(text, "Dead-letter target ARN should be fully qualified ARN.")
	}
	a, err := arn.Parse(p.DeadLetterTargetArn)
	if err != nil {
		return nil, badRedrive(text, "Dead-letter target ARN should be fully qualified ARN.")
	}
	if p.target, ok = nameOf(p.DeadLetterTargetArn); !ok {
		if a.Service != "sqs" {
			return nil, badRedrive(text, "Only SQS queues are valid resources for deadLetterTargetArn.")
		}
		return nil, badRedrive(text, "Dead-letter target ARN should be fully qualified ARN.")
	}
	return p, nil
}

// checkDeadLetter refuses a redrive policy whose target cannot take the queue's
// messages. It runs where the catalog cannot change.
func (s *Service) checkDeadLetter(tx *catalog.Tx, source name, text string) error {
	if text == "" {
		return nil
	}
	p, err := parseRedrivePolicy(text)
	if err != nil {
		return err
	}
	switch {
	case p.target.account != source.account:
		return badRedrive(text, "Dead-letter target owner should be same as the source.")
	case p.target == source:
		return nil // recorded: a queue may be its own dead-letter queue
	}
	target, ok, err := readRecord(tx, p.target)
	if err != nil {
		return err
	}
	switch {
	case !ok, p.target.region != source.region:
		return badRedrive(text, "Dead letter target does not exist.")
	case p.target.fifo() != source.fifo():
		return badRedrive(text, "Dead-letter queue must be same type of queue as the source..")
	}
	if allow := target.Attributes[attrRedriveAllow]; allow != "" {
		var a redriveAllow
		if err := json.Unmarshal([]byte(allow), &a); err != nil {
			return err
		}
		if !a.allows(source.arn()) {
			return badRedrive(text, "Dead letter target does not allow this queue as a source.")
		}
	}
	return nil
}

// redriveAllow is a queue's RedriveAllowPolicy.
type redriveAllow struct {
	RedrivePermission string   `json:"redrivePermission"`
	SourceQueueArns   []string `json:"sourceQueueArns,omitempty"`
}

func (a *redriveAllow) allows(source string) bool {
	switch a.RedrivePermission {
	case "denyAll":
		return false
	case "byQueue":
		return slices.Contains(a.SourceQueueArns, source)
	}
	return true
}

// maxRedriveSources: SetQueueAttributes API reference, RedriveAllowPolicy.
const maxRedriveSources = 10

func checkRedriveAllow(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	var a redriveAllow
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.DisallowUnknownFields()
	if err := d.Decode(&a); err != nil || d.More() {
		return "", sqsapi.InvalidAttributeValue.New("Invalid value for the parameter RedriveAllowPolicy. Reason: Amazon SQS can't create the redrive allow policy, as it’s in an unsupported format.")
	}
	bad := func(reason string) (string, error) {
		return "", invalidParameter("Value %s for parameter RedriveAllowPolicy is invalid. Reason: %s", text, reason)
	}
	switch a.RedrivePermission {
	case "allowAll", "denyAll":
		if len(a.SourceQueueArns) > 0 {
			return bad("Source queue ARNs can only be specified when redrivePermission is byQueue.")
		}
	case "byQueue":
		if len(a.SourceQueueArns) == 0 {
			return bad("Source queue ARNs must be specified when redrivePermission is byQueue.")
		}
		if len(a.SourceQueueArns) > maxRedriveSources {
			return bad("At most 10 source queue ARNs can be specified.")
		}
	default:
		return "", sqsapi.InvalidAttributeValue.New("Invalid value for the parameter RedriveAllowPolicy. Reason: Amazon SQS can't create the redrive allow policy, as it’s in an unsupported format.")
	}
	b, err := json.Marshal(a)
	return string(b), err
}
