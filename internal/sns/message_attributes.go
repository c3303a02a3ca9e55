package sns

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/service"
	"github.com/spillway/spillway/internal/smithy"
)

// attributesOf checks message attributes and returns them in order of name, and their
// size in bytes. path is where they are in the request, for texts.
func attributesOf(given map[string]snsapi.MessageAttributeValue, path string) (out []service.MessageAttribute, size int, err error) {
	for _, attribute := range slices.Sorted(maps.Keys(given)) {
		v := given[attribute]
		if v.DataType == nil {
			return nil, 0, smithy.ValidationError.Newf("1 validation error detected: Value null at '%s.%s.member.dataType' failed to satisfy constraint: Member must not be null", path, attribute)
		}
		if err := checkAttributeName(attribute); err != nil {
			return nil, 0, err
		}
		a := service.MessageAttribute{Name: attribute, Type: *v.DataType}
		kind, label, labelled := strings.Cut(a.Type, ".")
		if labelled && label == "" || kind != "String" && kind != "Number" && kind != "Binary" || len(a.Type) > 256 {
			return nil, 0, badAttribute("The message attribute '%s' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.", attribute)
		}
		if err := setValue(&a, kind, &v); err != nil {
			return nil, 0, err
		}
		size += len(attribute) + len(a.Type) + len(a.Text) + len(a.Binary)
		out = append(out, a)
	}
	return out, size, nil
}

func badAttribute(format string, args ...any) error {
	return snsapi.InvalidParameterValueException.Newf(format, args...)
}

// setValue takes the value that belongs to the type.
func setValue(a *service.MessageAttribute, kind string, v *snsapi.MessageAttributeValue) error {
	field, other := "String", v.BinaryValue != nil
	empty := deref(v.StringValue) == ""
	if kind == "Binary" {
		field, other = "Binary", v.StringValue != nil
		empty = len(v.BinaryValue) == 0
	}
	switch {
	case empty && other:
		return badAttribute("The message attribute '%s' with type '%s' must use field '%s'.", a.Name, a.Type, field)
	case empty:
		return badAttribute("The message attribute '%s' must contain non-empty message attribute value for message attribute type '%s'.", a.Name, a.Type)
	case kind == "Binary":
		a.Binary = v.BinaryValue
	default:
		a.Text = *v.StringValue
	}
	if kind == "Number" && !isNumber(a.Text) {
		return badAttribute("Could not cast message attribute '%s' value to number.", a.Name)
	}
	return nil
}

// isNumber reports whether s is a decimal number, perhaps with an exponent.
func isNumber(s string) bool {
	s = strings.TrimLeft(s, "+-")
	digits, rest := 0, s
	for i := range len(s) {
		switch c := s[i]; {
		case '0' <= c && c <= '9':
			digits++
		case c == '.' && strings.Count(s, ".") == 1:
		default:
			rest = s[i:]
			if digits == 0 || rest[0] != 'e' && rest[0] != 'E' {
				return false
			}
			exponent := strings.TrimLeft(rest[1:], "+-")
			return exponent != "" && strings.Trim(exponent, "0123456789") == ""
		}
	}
	return digits > 0
}

func checkAttributeName(s string) error {
	switch {
	case s == "" || len(s) > 256:
		return badAttribute("Length of message attribute name must be less than 256 bytes.")
	case s[0] == '.':
		return badAttribute("Invalid message attribute name starting with character '.' was found.")
	case s[len(s)-1] == '.':
		return badAttribute("Invalid message attribute name ending with character '.' was found.")
	case strings.Contains(s, ".."):
		return badAttribute("Message attribute name can not have successive '.' character.")
	}
	for _, c := range s {
		if c > 127 || !isWord(byte(c)) && c != '.' {
			return badAttribute("Invalid non-alphanumeric character '%s' was found in the message attribute name. Can only include alphanumeric characters, hyphens, underscores, or dots.", fmt.Sprintf("#x%X", c))
		}
	}
	return nil
}
