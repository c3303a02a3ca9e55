package sns

import (
	"strings"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/arn"
	"github.com/spillway/spillway/internal/service"
)

// name names a topic.
type name struct{ region, account, topic string }

func (n name) key() string    { return n.region + "/" + n.account + "/" + n.topic }
func (n name) arn() string    { return arn.New("sns", n.region, n.account, n.topic).String() }
func (n name) fifo() bool     { return strings.HasSuffix(n.topic, ".fifo") }
func (n name) zone() zone     { return zone{n.region, n.account} }
func (n name) valid() bool    { return validTopicName(n.topic) }
func (n name) String() string { return n.key() }

// zone is an account in a region: what lists show.
type zone struct{ region, account string }

func (z zone) key() string { return z.region + "/" + z.account }

func parseKey(key string) (name, bool) {
	region, rest, ok := strings.Cut(key, "/")
	account, topic, ok2 := strings.Cut(rest, "/")
	return name{region, account, topic}, ok && ok2
}

// maxName: CreateTopic API reference.
const maxName = 256

// validTopicName checks the alphabet and the length; the suffix of a FIFO topic counts.
func validTopicName(s string) bool {
	base := strings.TrimSuffix(s, ".fifo")
	if base == "" || len(s) > maxName {
		return false
	}
	for i := range len(base) {
		if !isWord(base[i]) {
			return false
		}
	}
	return true
}

func isWord(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-'
}

// reference is an ARN in a parameter.
type reference struct{ region, account, resource string }

// readARN takes the ARN of a parameter apart. One in another region is refused as AWS
// does, without a look at whether it exists (recorded).
func readARN(c *service.Call, parameter, text string) (reference, error) {
	parts := strings.SplitN(text, ":", 6)
	switch {
	case text == "":
		return reference{}, invalid("%s Reason: no value for required parameter", parameter)
	case len(parts) < 6:
		return reference{}, invalid("%s Reason: An ARN must have at least 6 elements, not %d", parameter, len(parts))
	case parts[0] != "arn" || parts[1] != arn.Partition || parts[2] != "sns" || parts[3] != c.Region || parts[5] == "":
		return reference{}, invalid("%s", parameter)
	}
	return reference{parts[3], parts[4], parts[5]}, nil
}

// topicName reads the ARN of a topic.
func topicName(c *service.Call, parameter, text string) (name, error) {
	r, err := readARN(c, parameter, text)
	if err != nil {
		return name{}, err
	}
	return name{r.region, r.account, r.resource}, nil
}

// subscriptionName names a subscription: a topic and an id.
type subscriptionName struct {
	name
	id string // UUID
}

func (n subscriptionName) key() string { return n.name.key() + "/" + n.id }
func (n subscriptionName) arn() string { return n.name.arn() + ":" + n.id }

func parseSubscriptionKey(key string) (subscriptionName, bool) {
	i := strings.LastIndexByte(key, '/')
	if i < 0 {
		return subscriptionName{}, false
	}
	n, ok := parseKey(key[:i])
	return subscriptionName{n, key[i+1:]}, ok && n.topic != ""
}

// readSubscriptionARN reads the ARN of a subscription.
func readSubscriptionARN(c *service.Call, text string) (subscriptionName, error) {
	r, err := readARN(c, "SubscriptionArn", text)
	if err != nil {
		return subscriptionName{}, err
	}
	topic, id, ok := strings.Cut(r.resource, ":")
	if !ok || !validUUID(id) { // the ARN of a topic has none (recorded)
		return subscriptionName{}, invalid("SubscriptionId")
	}
	return subscriptionName{name{r.region, r.account, topic}, id}, nil
}

func validUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
		} else if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return true
}

func invalid(format string, args ...any) error {
	return snsapi.InvalidParameterException.Newf("Invalid parameter: "+format, args...)
}

func errNoTopic() error { return snsapi.NotFoundException.New("Topic does not exist") }
func errNoSubscription() error {
	return snsapi.NotFoundException.New("Subscription does not exist")
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
