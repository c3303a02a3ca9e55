package sns

import (
	"encoding/base64"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/spillway/spillway/internal/service"
)

// envelope is a notification as SQS, HTTP and e-mail-json get it, byte for byte as AWS
// writes it: Jackson's pretty printing, attributes compact on a line each. A notification
// that is not signed yet has blanks for it.
func (s *Service) envelope(sub *subscription, n *notification) (b []byte, seal *service.Seal) {
	b = make([]byte, 0, 1024+len(n.Message)+len(n.Signature))
	field := func(key, value string) {
		if len(b) == 0 {
			b = append(b, "{\n"...)
		} else {
			b = append(b, ",\n"...)
		}
		b = append(b, `  "`...)
		b = append(b, key...)
		b = append(b, `" : `...)
		b = appendJSON(b, value)
	}
	field("Type", n.Type)
	field("MessageId", n.ID)
	if n.Sequence != "" {
		field("SequenceNumber", n.Sequence)
	}
	if n.Token != "" {
		field("Token", n.Token)
	}
	field("TopicArn", n.Topic)
	if n.Subject != nil {
		field("Subject", *n.Subject)
	}
	field("Message", n.textFor(sub.Protocol))
	if n.Token != "" {
		field("SubscribeURL", subscribeURL(n))
	}
	field("Timestamp", timestamp(n.Sent))
	if n.Signature != "" || n.Unsigned {
		field("SignatureVersion", n.Version)
		if n.Unsigned {
			field("Signature", blanks)
			seal = sealOf(n, len(b)-len(`"`)-len(blanks))
		} else {
			field("Signature", n.Signature)
		}
		field("SigningCertURL", s.certificateURL(n.Base))
	}
	if n.Token == "" {
		field("UnsubscribeURL", unsubscribeURL(n.Base, sub.ARN))
	}
	if n.Replayed {
		b = append(b, ",\n  \"Replayed\" : true"...)
	}
	if len(n.Attributes) > 0 {
		b = append(b, ",\n  \"MessageAttributes\" : {\n"...)
		for i, a := range n.Attributes {
			if i > 0 {
				b = append(b, ",\n"...)
			}
			b = append(appendJSON(append(b, "    "...), a.Name), " : "...)
			b = appendAttribute(b, a)
		}
		b = append(b, "\n  }"...)
	}
	return append(b, "\n}"...), seal
}

// blanks are where a signature goes.
var blanks = strings.Repeat(" ", service.SealBytes)

func appendAttribute(b []byte, a service.MessageAttribute) []byte {
	b = append(b, `{"Type":`...)
	b = appendJSON(b, a.Type)
	b = append(b, `,"Value":`...)
	if a.Binary != nil {
		b = appendJSON(b, base64.StdEncoding.EncodeToString(a.Binary))
	} else {
		b = appendJSON(b, a.Text)
	}
	return append(b, '}')
}

// lambdaEvent is a notification as a function gets it: compact, with everything
// present, and SignatureVersion 1 on every topic (recorded).
func (s *Service) lambdaEvent(sub *subscription, n *notification) []byte {
	b := make([]byte, 0, 1024+len(n.Message))
	field := func(key, value string) {
		b = append(b, '"')
		b = append(b, key...)
		b = append(b, `":`...)
		b = append(appendJSON(b, value), ',')
	}
	b = append(b, `{"Records":[{"EventSource":"aws:sns","EventVersion":"1.0",`...)
	field("EventSubscriptionArn", sub.ARN)
	b = append(b, `"Sns":{`...)
	field("Type", n.Type)
	field("MessageId", n.ID)
	field("TopicArn", n.Topic)
	if n.Subject != nil {
		field("Subject", *n.Subject)
	} else {
		b = append(b, `"Subject":null,`...)
	}
	field("Message", n.textFor(sub.Protocol))
	field("Timestamp", timestamp(n.Sent))
	field("SignatureVersion", "1")
	field("Signature", n.Signature)
	field("SigningCertUrl", s.certificateURL(n.Base))
	field("UnsubscribeUrl", unsubscribeURL(n.Base, sub.ARN))
	b = append(b, `"MessageAttributes":{`...)
	b = appendAttributes(b, n.Attributes)
	return append(b, `}}}]}`...)
}

// firehoseRecord is a notification as Firehose gets it: one line, without signature.
func (s *Service) firehoseRecord(sub *subscription, n *notification) []byte {
	if sub.raw {
		return []byte(n.textFor(sub.Protocol))
	}
	b := make([]byte, 0, 512+len(n.Message))
	field := func(key, value string) {
		b = append(b, '"')
		b = append(b, key...)
		b = append(b, `":`...)
		b = append(appendJSON(b, value), ',')
	}
	b = append(b, '{')
	field("Type", n.Type)
	field("MessageId", n.ID)
	field("TopicArn", n.Topic)
	if n.Subject != nil {
		field("Subject", *n.Subject)
	}
	field("Message", n.textFor(sub.Protocol))
	field("Timestamp", timestamp(n.Sent))
	field("UnsubscribeURL", unsubscribeURL(n.Base, sub.ARN))
	if len(n.Attributes) > 0 {
		b = append(b, `"MessageAttributes":{`...)
		b = append(appendAttributes(b, n.Attributes), `},`...)
	}
	return append(b[:len(b)-1], "}\n"...)
}

func appendAttributes(b []byte, attributes []service.MessageAttribute) []byte {
	for i, a := range attributes {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendJSON(b, a.Name), ':')
		b = appendAttribute(b, a)
	}
	return b
}

func unsubscribeURL(base, subscriptionARN string) string {
	return base + "/?Action=Unsubscribe&SubscriptionArn=" + subscriptionARN
}

func subscribeURL(n *notification) string {
	return n.Base + "/?Action=ConfirmSubscription&TopicArn=" + n.Topic + "&Token=" + n.Token
}

const hexUpper = "0123456789ABCDEF"

// appendJSON appends a string as Jackson writes it: everything that need not be
// escaped stays as it is.
func appendJSON(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				b = append(append(b, s[start:i]...), "\uFFFD"...)
				start = i + 1
			}
			i += size
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		b = append(b, s[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, `\n`...)
		case '\r':
			b = append(b, `\r`...)
		case '\t':
			b = append(b, `\t`...)
		case '\b':
			b = append(b, `\b`...)
		case '\f':
			b = append(b, `\f`...)
		default:
			b = append(b, '\\', 'u', '0', '0', hexUpper[c>>4], hexUpper[c&15])
		}
		i++
		start = i
	}
	return append(append(b, s[start:]...), '"')
}

// sequence writes a sequence number: the engine's have 20 digits, as AWS's.
func sequence(seq uint64) string { return strconv.FormatUint(seq, 10) }
