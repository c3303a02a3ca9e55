package sns

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spillway/spillway/internal/iam/policy"
)

// Names of the topic and subscription attributes that the code treats specially.
const (
	attrDisplayName    = "DisplayName"
	attrPolicy         = "Policy"
	attrDeliveryPolicy = "DeliveryPolicy"
	attrKMSKey         = "KmsMasterKeyId"
	attrSignature      = "SignatureVersion"
	attrTracing        = "TracingConfig"
	attrFIFO           = "FifoTopic"
	attrContentDedup   = "ContentBasedDeduplication"
	attrScope          = "FifoThroughputScope"
	attrArchivePolicy  = "ArchivePolicy"
	attrRaw            = "RawMessageDelivery"
	attrFilterPolicy   = "FilterPolicy"
	attrFilterScope    = "FilterPolicyScope"
	attrRedrivePolicy  = "RedrivePolicy"
	attrRole           = "SubscriptionRoleArn"
	attrReplayPolicy   = "ReplayPolicy"
)

const (
	scopeAttributes = "MessageAttributes"
	scopeBody       = "MessageBody"
	perGroup        = "MessageGroup"
)

var errTrailing = errors.New("sns: something follows the JSON")

// isFeedback tells attributes of delivery logs: <protocol>SuccessFeedbackRoleArn,
// <protocol>SuccessFeedbackSampleRate, <protocol>FailureFeedbackRoleArn.
func isFeedback(attribute string) (suffix string, ok bool) {
	for _, p := range []string{"HTTP", "Firehose", "Lambda", "Application", "SQS"} {
		rest, found := strings.CutPrefix(attribute, p)
		if found && slices.Contains([]string{"SuccessFeedbackRoleArn", "SuccessFeedbackSampleRate", "FailureFeedbackRoleArn"}, rest) {
			return rest, true
		}
	}
	return "", false
}

// checkTopicAttribute checks one attribute of a topic and returns the value to store.
// problem is what follows "Invalid parameter: ", "" if it is right.
func checkTopicAttribute(n name, attribute, value string) (stored, problem string) {
	if suffix, ok := isFeedback(attribute); ok {
		return checkFeedback(attribute, suffix, value)
	}
	switch attribute {
	case attrDisplayName:
		if len([]rune(value)) > 100 || strings.ContainsAny(value, "\r\n") {
			return "", "DisplayName"
		}
	case attrPolicy:
		return checkPolicy(value)
	case attrDeliveryPolicy:
		if value == "" {
			return "", ""
		}
		return normalTopicDelivery(value)
	case attrKMSKey:
	case attrSignature:
		if value != "1" && value != "2" {
			return "", "SignatureVersion"
		}
	case attrTracing:
		if value != "PassThrough" && value != "Active" {
			return "", "TracingConfig"
		}
	case attrContentDedup, attrScope, attrArchivePolicy:
		return checkFIFOAttribute(n, attribute, value)
	default:
		return "", "AttributeName"
	}
	return value, ""
}

func checkFeedback(attribute, suffix, value string) (stored, problem string) {
	if suffix == "SuccessFeedbackSampleRate" {
		if rate, err := strconv.Atoi(value); err != nil || rate < 0 || rate > 100 {
			return "", attribute
		}
	} else if value != "" && !strings.HasPrefix(value, "arn:aws") {
		return "", attribute
	}
	return value, ""
}

// checkFIFOAttribute checks what only FIFO topics have.
func checkFIFOAttribute(n name, attribute, value string) (stored, problem string) {
	if !n.fifo() {
		if attribute == attrArchivePolicy && value == "" {
			return "", ""
		}
		return "", attribute
	}
	switch attribute {
	case attrContentDedup:
		if value != "true" && value != "false" {
			return "", attribute
		}
	case attrScope:
		if value != "Topic" && value != perGroup {
			return "", attribute
		}
	default:
		if value == "" || value == "{}" {
			return "", ""
		}
		if _, problem := archiveDays(value); problem != "" {
			return "", problem
		}
	}
	return value, ""
}

// archiveDays reads an ArchivePolicy.
func archiveDays(text string) (days int, problem string) {
	var p struct {
		MessageRetentionPeriod json.RawMessage
	}
	if err := strict([]byte(text), &p); err != nil {
		return 0, "ArchivePolicy: failed to parse JSON."
	}
	days, err := strconv.Atoi(strings.Trim(string(p.MessageRetentionPeriod), `"`))
	if err != nil || days < 1 || days > 365 {
		return 0, "ArchivePolicy: MessageRetentionPeriod must be between 1 and 365 days"
	}
	return days, ""
}

// checkPolicy checks a topic's policy. "" takes it back to the default.
func checkPolicy(text string) (stored, problem string) {
	if text == "" {
		return "", ""
	}
	d, err := policy.Parse(text)
	if err == nil {
		err = d.CheckResource()
	}
	if err != nil {
		return "", "Policy Error: null"
	}
	return text, ""
}

// defaultPolicy is the policy of a topic that was given none (recorded).
func defaultPolicy(n name) string {
	return `{"Version":"2008-10-17","Id":"__default_policy_ID","Statement":[{"Sid":"__default_statement_ID","Effect":"Allow","Principal":{"AWS":"*"},` +
		`"Action":["SNS:GetTopicAttributes","SNS:SetTopicAttributes","SNS:AddPermission","SNS:RemovePermission","SNS:DeleteTopic","SNS:Subscribe","SNS:ListSubscriptionsByTopic","SNS:Publish"],` +
		`"Resource":"` + n.arn() + `","Condition":{"StringEquals":{"AWS:SourceOwner":"` + n.account + `"}}}]}`
}

// topicAttributes are all attributes as GetTopicAttributes shows them.
func (t *topic) attributes() map[string]string {
	out := maps.Clone(t.Attributes)
	if out == nil {
		out = make(map[string]string)
	}
	confirmed, pending := t.subs.count()
	out[attrPolicy] = t.policyText()
	out["Owner"] = t.account
	out["TopicArn"] = t.ARN
	out["EffectiveDeliveryPolicy"] = t.delivery.text()
	out[attrDisplayName] = t.Attributes[attrDisplayName]
	out["SubscriptionsConfirmed"] = strconv.Itoa(confirmed)
	out["SubscriptionsPending"] = strconv.Itoa(pending)
	out["SubscriptionsDeleted"] = strconv.FormatInt(t.Deleted, 10)
	if t.fifo() {
		out[attrFIFO] = "true"
		if out[attrContentDedup] == "" {
			out[attrContentDedup] = "false"
		}
		if t.Archived != 0 {
			out["BeginningArchiveTime"] = timestamp(t.archiveBegins(time.Now()))
		}
	}
	return out
}
