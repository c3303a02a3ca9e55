package sns

import (
	"net/mail"
	"net/url"
	"regexp"
	"strings"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/arn"
)

// protocols that can be subscribed, and whether the endpoint has to confirm.
var protocols = map[string]struct{ confirms bool }{
	"sqs": {}, "lambda": {}, "firehose": {}, "http": {true}, "https": {true}, "email": {true}, "email-json": {true},
	"sms": {}, "application": {}, "kinesis": {},
}

// maxEndpoint is the longest endpoint, in bytes.
const maxEndpoint = 2048

// checkEndpoint checks that the endpoint is one of the protocol.
func (s *Service) checkEndpoint(n name, protocol, endpoint string) error {
	if _, ok := protocols[protocol]; !ok || protocol == "kinesis" && s.config.Strict {
		return invalid("Amazon SNS does not support this protocol string: %s", protocol)
	}
	if endpoint == "" {
		return snsapi.NotFoundException.New("Endpoint not specified in subscription")
	}
	if len(endpoint) > maxEndpoint {
		return invalid("Endpoint")
	}
	if n.fifo() && protocol != "sqs" {
		return invalid("Invalid parameter: Endpoint Reason: Please use FIFO SQS queue")
	}
	switch protocol {
	case "sqs":
		return checkQueueARN(n, endpoint)
	case "http", "https":
		return s.checkURL(protocol, endpoint)
	case "lambda":
		if a, err := arn.Parse(endpoint); err != nil || a.Service != "lambda" || !strings.HasPrefix(a.Resource, "function:") {
			return invalid("Lambda endpoint ARN")
		}
	case "firehose":
		if a, err := arn.Parse(endpoint); err != nil || a.Service != "firehose" || !strings.HasPrefix(a.Resource, "deliverystream/") {
			return invalid("Firehose endpoint ARN")
		}
	case "kinesis":
		if a, err := arn.Parse(endpoint); err != nil || a.Service != "kinesis" || !strings.HasPrefix(a.Resource, "stream/") {
			return invalid("Kinesis endpoint ARN")
		}
	case "email", "email-json":
		if a, err := mail.ParseAddress(endpoint); err != nil || a.Address != endpoint {
			return invalid("Email address")
		}
	case "sms":
		if !validPhone(endpoint) {
			return snsapi.InvalidParameterException.Newf("Invalid SMS endpoint: %s", endpoint)
		}
	case "application":
		if _, ok := parseEndpointARN(endpoint); !ok {
			return invalid("ApplicationEndpoint ARN")
		}
	}
	return nil
}

func checkQueueARN(n name, endpoint string) error {
	a, err := arn.Parse(endpoint)
	if err != nil || a.Service != "sqs" || a.Region == "" || !arn.ValidAccount(a.Account) || strings.ContainsAny(a.Resource, ":/") {
		return invalid("SQS endpoint ARN")
	}
	if strings.HasSuffix(a.Resource, ".fifo") && !n.fifo() {
		return invalid("Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics")
	}
	return nil
}

func (s *Service) checkURL(protocol, endpoint string) error {
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != protocol {
		return invalid("Endpoint must match the specified protocol")
	}
	if u.Hostname() == "" {
		return invalid("Endpoint Reason: the URL has no host")
	}
	if s.config.Outbound.Allowed != nil {
		if err := s.config.Outbound.Allowed(endpoint); err != nil {
			return snsapi.AuthorizationErrorException.Newf("Not authorized to subscribe %s endpoints at this address", protocol)
		}
	}
	return nil
}

// phone is an E.164 number with single separators inside (recorded).
var phone = regexp.MustCompile(`^\+?[0-9]+([-./ ]?[0-9]+)*$`)

func validPhone(s string) bool {
	digits := 0
	for _, c := range s {
		if c >= '0' && c <= '9' {
			digits++
		}
	}
	return phone.MatchString(s) && digits >= 7 && digits <= 15
}
