package sqs

import (
	"regexp"
	"strings"

	"github.com/spillway/spillway/internal/api/sqsapi"
)

// Kinds of attribute values, as the digest tells them apart.
const (
	kindText   = 1 // String, Number
	kindBinary = 2
)

// attribute is a message attribute, checked.
type attribute struct {
	name, dataType string
	kind           byte
	value          []byte
}

// Message attribute limits: SQS developer guide, "Message metadata".
const (
	maxAttributes    = 10
	maxAttributeName = 256
)

// attributesOf checks the user's message attributes and returns them in order of
// name.
func attributesOf(given map[string]sqsapi.MessageAttributeValue) ([]attribute, error) {
	if len(given) == 0 {
		return nil, nil
	}
	if len(given) > maxAttributes {
		return nil, invalidParameter("Number of message attributes [%d] exceeds the allowed maximum [%d].", len(given), maxAttributes)
	}
	out := make([]attribute, 0, len(given))
	for _, name := range sortedKeys(given) {
		if err := checkAttributeName(name); err != nil {
			return nil, err
		}
		v := given[name]
		if v.StringListValues != nil || v.BinaryListValues != nil {
			return nil, sqsapi.UnsupportedOperation.New("Message attribute list values in SendMessage operation are not supported.")
		}
		a, err := valueOf("message (user) attribute", name, v.DataType, v.StringValue, v.BinaryValue)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

func checkAttributeName(name string) error {
	switch lower := strings.ToLower(name); {
	case name == "":
		return invalidParameter("Message (user) attribute name must not be empty.")
	case len(name) > maxAttributeName:
		return invalidParameter("Message (user) attribute name must be shorter than 256 bytes.")
	case strings.HasPrefix(lower, "aws.") || strings.HasPrefix(lower, "amazon."):
		return invalidParameter("You can't use message attribute names beginning with 'AWS.' or 'Amazon'. These strings are reserved for internal use.")
	case name[0] == '.' || name[len(name)-1] == '.' || strings.Contains(name, ".."):
		return invalidParameter("Invalid message (user) attribute name '%s'. A name must not start or end with a period, or have periods in succession.", name)
	}
	for _, r := range name {
		// Letters beyond ASCII are undocumented but accepted (recorded).
		if r < 0x80 && !isAlphanumeric(byte(r)) && r != '_' && r != '-' && r != '.' {
			return invalidParameter("Invalid message (user) attribute name '%s'. A name can contain only alphanumeric characters, hyphens, underscores and periods.", name)
		}
	}
	return nil
}

func isAlphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// number: up to 38 digits of precision, SendMessage API reference. The text is
// kept as it is.
var number = regexp.MustCompile(`^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$`)

// valueOf checks one attribute's type and value. What names the kind of attribute
// in errors, in lower case.
func valueOf(what, name string, dataType, text *string, binary []byte) (attribute, error) {
	What := strings.ToUpper(what[:1]) + what[1:]
	if dataType == nil || *dataType == "" {
		return attribute{}, invalidParameter("%s '%s' must contain a non-empty message attribute type.", What, name)
	}
	a := attribute{name: name, dataType: *dataType}
	base, label, labelled := strings.Cut(a.dataType, ".")
	if len(a.dataType) > maxAttributeName || labelled && label == "" || !validText(a.dataType) ||
		base != "String" && base != "Number" && base != "Binary" {
		return attribute{}, invalidParameter("The type of %s '%s' is invalid. You must use only the following supported type prefixes: Binary, Number, String.", what, name)
	}
	if base == "Binary" {
		a.kind, a.value = kindBinary, binary
		if text != nil && binary == nil {
			return attribute{}, invalidParameter("%s '%s' with type '%s' must use field 'Binary'.", What, name, base)
		}
	} else {
		a.kind = kindText
		if text != nil {
			a.value = []byte(*text)
		} else if binary != nil {
			return attribute{}, invalidParameter("%s '%s' with type '%s' must use field 'String'.", What, name, base)
		}
	}
	switch {
	case len(a.value) == 0:
		return attribute{}, invalidParameter("%s '%s' must contain a non-empty value of type '%s'.", What, name, base)
	case a.kind == kindText && !validText(string(a.value)):
		return attribute{}, invalidParameter("Invalid binary character found in %s '%s'. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF", what, name)
	case base == "Number" && !number.MatchString(string(a.value)):
		return attribute{}, invalidParameter("Can't cast the value of %s '%s' to a number.", what, name)
	}
	return a, nil
}

const attrTraceHeader = "AWSTraceHeader"

// traceOf checks the system attributes of a message: only AWSTraceHeader exists.
func traceOf(given map[string]sqsapi.MessageSystemAttributeValue) ([]attribute, error) {
	var out []attribute
	for _, name := range sortedKeys(given) {
		v := given[name]
		if name != attrTraceHeader {
			return nil, invalidParameter("Message system attribute name '%s' is invalid.", name)
		}
		a, err := valueOf("message (system) attribute", name, v.DataType, v.StringValue, v.BinaryValue)
		if err != nil {
			return nil, err
		}
		if a.dataType != "String" {
			return nil, invalidParameter("The data type of message (system) attribute 'AWSTraceHeader' must be 'String'.")
		}
		out = append(out, a)
	}
	return out, nil
}
