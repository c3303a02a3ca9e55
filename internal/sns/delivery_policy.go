package sns

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
)

// throttlePolicy bounds deliveries to one HTTP endpoint.
type throttlePolicy struct {
	MaxReceivesPerSecond int `json:"maxReceivesPerSecond"`
}

// requestPolicy shapes HTTP requests.
type requestPolicy struct {
	HeaderContentType string `json:"headerContentType"`
}

const defaultContentType = "text/plain; charset=UTF-8"

// topicDelivery is a topic's DeliveryPolicy, below "http".
type topicDelivery struct {
	Retry            *retryPolicy    `json:"defaultHealthyRetryPolicy,omitempty"`
	DisableOverrides bool            `json:"disableSubscriptionOverrides"`
	Throttle         *throttlePolicy `json:"defaultThrottlePolicy,omitempty"`
	Request          *requestPolicy  `json:"defaultRequestPolicy,omitempty"`
}

// subscriptionDelivery is a subscription's DeliveryPolicy.
type subscriptionDelivery struct {
	Retry    *retryPolicy    `json:"healthyRetryPolicy,omitempty"`
	Throttle *throttlePolicy `json:"throttlePolicy,omitempty"`
	Request  *requestPolicy  `json:"requestPolicy,omitempty"`
}

// UnmarshalJSON fills in what the policy leaves out.
func (p *retryPolicy) UnmarshalJSON(b []byte) error {
	type plain retryPolicy
	filled := plain(defaultRetries())
	if err := strict(b, &filled); err != nil {
		return err
	}
	*p = retryPolicy(filled)
	return nil
}

// strict decodes JSON and refuses what it does not know.
func strict(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errTrailing
	}
	return nil
}

// normalTopicDelivery checks a topic's DeliveryPolicy and returns it as it is stored:
// with the keys in AWS's order. problem is "" if it is right.
func normalTopicDelivery(text string) (normal, problem string) {
	var in struct {
		HTTP *topicDelivery `json:"http"`
	}
	if err := strict([]byte(text), &in); err != nil {
		return "", "DeliveryPolicy: failed to parse JSON."
	}
	if in.HTTP == nil {
		return "", "DeliveryPolicy: must have http"
	}
	if problem := checkDelivery("http.default", in.HTTP.Retry, in.HTTP.Throttle, in.HTTP.Request, false); problem != "" {
		return "", problem
	}
	return mustJSON(in), ""
}

// normalSubscriptionDelivery is normalTopicDelivery for a subscription.
func normalSubscriptionDelivery(text string, raw bool) (normal, problem string) {
	var in subscriptionDelivery
	if err := strict([]byte(text), &in); err != nil {
		return "", "DeliveryPolicy: failed to parse JSON."
	}
	if problem := checkDelivery("", in.Retry, in.Throttle, in.Request, raw); problem != "" {
		return "", problem
	}
	return mustJSON(in), ""
}

func checkDelivery(prefix string, r *retryPolicy, t *throttlePolicy, q *requestPolicy, raw bool) string {
	if r != nil {
		if problem := r.check(); problem != "" {
			return "DeliveryPolicy: " + prefixed(prefix, "healthyRetryPolicy") + "." + problem
		}
	}
	if t != nil && t.MaxReceivesPerSecond < 1 {
		return "DeliveryPolicy: " + prefixed(prefix, "throttlePolicy") + ".maxReceivesPerSecond must be greater than or equal to 1"
	}
	if q != nil && !contentTypeAllowed(q.HeaderContentType, raw) {
		return "DeliveryPolicy: " + prefixed(prefix, "requestPolicy") + ".headerContentType is not supported"
	}
	return ""
}

func prefixed(prefix, name string) string {
	if prefix == "" {
		return name
	}
	return prefix + strings.ToUpper(name[:1]) + name[1:]
}

// contentTypes that any subscription may have, and those of raw ones only.
//
// AWS: "HTTP/HTTPS headers", Content-Type in the delivery policy.
var (
	contentTypes    = []string{"application/json", "text/plain"}
	rawContentTypes = []string{
		"text/css", "text/csv", "text/html", "text/xml", "application/atom+xml", "application/octet-stream",
		"application/soap+xml", "application/x-www-form-urlencoded", "application/xhtml+xml", "application/xml",
	}
)

func contentTypeAllowed(v string, raw bool) bool {
	kind, _, _ := strings.Cut(strings.ToLower(v), ";")
	kind = strings.TrimSpace(kind)
	for _, c := range v {
		if c < ' ' || c > '~' {
			return false
		}
	}
	for _, t := range contentTypes {
		if kind == t {
			return true
		}
	}
	for _, t := range rawContentTypes {
		if kind == t {
			return raw
		}
	}
	return false
}

// effectiveTopicDelivery is what is in force for a topic with a stored policy, "" for
// none.
func effectiveTopicDelivery(stored string) *topicDelivery {
	var in struct {
		HTTP topicDelivery `json:"http"`
	}
	if stored != "" {
		_ = json.Unmarshal([]byte(stored), &in) // it was checked
	}
	if in.HTTP.Retry == nil {
		r := defaultRetries()
		in.HTTP.Retry = &r
	}
	if in.HTTP.Request == nil {
		in.HTTP.Request = &requestPolicy{HeaderContentType: defaultContentType}
	}
	return &in.HTTP
}

// text is EffectiveDeliveryPolicy of the topic.
func (d *topicDelivery) text() string {
	return mustJSON(struct {
		HTTP *topicDelivery `json:"http"`
	}{d})
}

// parseSubscriptionDelivery reads a stored policy, "" for none.
func parseSubscriptionDelivery(stored string) *subscriptionDelivery {
	var d subscriptionDelivery
	if stored != "" {
		_ = json.Unmarshal([]byte(stored), &d) // it was checked
	}
	return &d
}

// httpDelivery is how one subscription is delivered to over HTTP.
type httpDelivery struct {
	Retry    retryPolicy     `json:"healthyRetryPolicy"`
	Sickly   *retryPolicy    `json:"sicklyRetryPolicy"` // always null
	Throttle *throttlePolicy `json:"throttlePolicy"`
	Request  requestPolicy   `json:"requestPolicy"`
	// Guaranteed is always false.
	Guaranteed bool `json:"guaranteed"`
}

// effectiveDelivery joins the policies of a subscription and its topic. t may be nil.
func effectiveDelivery(t *topic, sub *subscription) httpDelivery {
	of := effectiveTopicDelivery("")
	if t != nil {
		of = t.delivery
	}
	out := httpDelivery{Retry: *of.Retry, Throttle: of.Throttle, Request: *of.Request}
	if of.DisableOverrides {
		return out
	}
	if d := sub.delivery; d != nil {
		if d.Retry != nil {
			out.Retry = *d.Retry
		}
		if d.Throttle != nil {
			out.Throttle = d.Throttle
		}
		if d.Request != nil {
			out.Request = *d.Request
		}
	}
	return out
}

// mustJSON writes what can always be written, as Jackson does: without escaping <, >
// and &.
func mustJSON(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // a mistake of the program
	}
	return strings.TrimSuffix(b.String(), "\n")
}
