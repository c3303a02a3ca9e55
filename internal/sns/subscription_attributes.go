package sns

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spillway/spillway/internal/arn"
	"github.com/spillway/spillway/internal/sns/filter"
)

// redrivePolicy is a subscription's RedrivePolicy.
type redrivePolicy struct {
	Target string `json:"deadLetterTargetArn"`
}

// parseRedrive checks a RedrivePolicy.
func parseRedrive(text string) (p redrivePolicy, problem string) {
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return p, notJSON(attrRedrivePolicy, text, err)
	}
	a, err := arn.Parse(p.Target)
	if err != nil || a.Service != "sqs" || a.Region == "" || !arn.ValidAccount(a.Account) {
		return p, "RedrivePolicy: deadLetterTargetArn is an invalid arn"
	}
	return p, ""
}

// notJSON is AWS's text for what its JSON parser refuses; clients can rely on its
// beginning only.
func notJSON(attribute, text string, err error) string {
	column := len(text) + 1
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		column = int(syntax.Offset)
	}
	return attribute + ": failed to parse JSON. Unexpected character in expression at position\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: " + strconv.Itoa(column) + "]"
}

// changeAttributes checks attributes of a subscription and applies them to have, which
// it does not change. problem is what follows "Invalid parameter: ", without the prefix
// of Subscribe; full texts that have no prefix are marked so.
func changeAttributes(n name, r *subscriptionRecord, given map[string]string) (out map[string]string, problem string) {
	out = maps.Clone(r.Attributes)
	if out == nil {
		out = make(map[string]string)
	}
	for _, attribute := range slices.Sorted(maps.Keys(given)) {
		value, problem := checkSubscriptionAttribute(n, r, attribute, given[attribute])
		if problem != "" {
			return nil, problem
		}
		if value == "" {
			delete(out, attribute)
		} else {
			out[attribute] = value
		}
	}
	if text := out[attrFilterPolicy]; text != "" {
		_, err := filter.Parse(text, (&subscriptionRecord{Attributes: out}).scope())
		if problem := filterProblem(err); problem != "" {
			return nil, problem
		}
	}
	if text := out[attrDeliveryPolicy]; text != "" {
		if _, problem := normalSubscriptionDelivery(text, out[attrRaw] == "true"); problem != "" {
			return nil, problem
		}
	}
	return out, ""
}

func filterProblem(err error) string {
	var e *filter.Error
	switch {
	case err == nil:
		return ""
	case errors.Is(err, filter.ErrNested):
		return "Filter policy scope MessageAttributes does not support nested filter policy"
	case errors.As(err, &e):
		return "FilterPolicy: " + e.Detail
	}
	return "FilterPolicy: " + err.Error()
}

// checkSubscriptionAttribute returns the value to store, "" to remove it.
func checkSubscriptionAttribute(n name, r *subscriptionRecord, attribute, value string) (stored, problem string) {
	switch attribute {
	case attrRaw:
		lower := strings.ToLower(value)
		if lower != "true" && lower != "false" {
			return "", "RawMessageDelivery: Invalid value [" + value + "]. Must be true or false."
		}
		if !rawProtocols[r.Protocol] && lower == "true" {
			return "", "RawMessageDelivery: Delivery protocol [" + r.Protocol + "] does not support raw message delivery."
		}
		return lower, ""
	case attrFilterPolicy:
		return strings.TrimSpace(emptyObject(value)), ""
	case attrFilterScope:
		if value != scopeAttributes && value != scopeBody {
			return "", "FilterPolicyScope: Invalid value [" + value + "]. Please use either MessageBody or MessageAttributes"
		}
	case attrRedrivePolicy:
		return checkRedrive(n, r, value)
	case attrDeliveryPolicy:
		if r.Protocol != "http" && r.Protocol != "https" {
			return "", "DeliveryPolicy: can not be set for protocol " + r.Protocol
		}
		if value == "" {
			return "", ""
		}
		return normalSubscriptionDelivery(value, true) // whether it is raw is checked with the rest
	case attrRole:
		if r.Protocol == "firehose" && !strings.HasPrefix(value, "arn:aws:iam::") {
			return "", "SubscriptionRoleArn"
		}
	case attrReplayPolicy:
		if emptyObject(value) == "" {
			return "", ""
		}
		_, _, problem := parseReplay(n, r, value)
		return value, problem
	default:
		return "", "AttributeName"
	}
	return value, ""
}

// rawProtocols can deliver a message without its envelope.
var rawProtocols = map[string]bool{"sqs": true, "http": true, "https": true, "firehose": true, "kinesis": true}

// emptyObject is value, or "" for an empty JSON object, which removes an attribute.
func emptyObject(value string) string {
	var m map[string]json.RawMessage
	if value != "" && json.Unmarshal([]byte(value), &m) == nil && len(m) == 0 {
		return ""
	}
	return value
}

func checkRedrive(n name, r *subscriptionRecord, value string) (stored, problem string) {
	if emptyObject(value) == "" {
		return "", ""
	}
	p, problem := parseRedrive(value)
	if problem != "" {
		return "", problem
	}
	if n.fifo() && strings.HasSuffix(r.Endpoint, ".fifo") && !strings.HasSuffix(p.Target, ".fifo") {
		return "", "RedrivePolicy: must use a FIFO queue as DLQ for a FIFO Subscription to a FIFO Topic."
	}
	return value, ""
}

// attributes are all attributes as GetSubscriptionAttributes shows them.
func (sub *subscription) attributes(t *topic) map[string]string {
	out := maps.Clone(sub.Attributes)
	if out == nil {
		out = make(map[string]string)
	}
	out["SubscriptionArn"] = sub.ARN
	out["TopicArn"] = sub.name.arn()
	out["Protocol"] = sub.Protocol
	out["Endpoint"] = sub.Endpoint
	out["Owner"] = sub.Owner
	out["SubscriptionPrincipal"] = sub.Principal
	out["PendingConfirmation"] = strconv.FormatBool(sub.Pending)
	out["ConfirmationWasAuthenticated"] = strconv.FormatBool(sub.AuthConfirm)
	if out[attrRaw] == "" {
		out[attrRaw] = "false"
	}
	switch {
	case out[attrFilterPolicy] == "":
		delete(out, attrFilterScope) // kept, and shown again with the next policy (recorded)
	case out[attrFilterScope] == "":
		out[attrFilterScope] = scopeAttributes
	}
	if sub.Protocol == "http" || sub.Protocol == "https" {
		out["EffectiveDeliveryPolicy"] = mustJSON(effectiveDelivery(t, sub))
	}
	if sub.Replay != nil {
		out["ReplayStatus"] = sub.Replay.Status
	}
	return out
}

// timestamp is how SNS writes times.
func timestamp(ms int64) string {
	return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z")
}
