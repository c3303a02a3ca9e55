package filter

import "strings"

// value is what conditions are about. Equal values are equal in Go.
type value struct {
	kind   kind
	text   string // of a string; of a number that is out of range
	number int64  // of a number, in units of its last decimal
}

const (
	decimals = 5                            // SNS: "five digits of accuracy after the decimal point"
	unit     = 100_000                      // 10^decimals
	maxUnits = int64(1_000_000_000) * unit  // SNS: from -10^9 to 10^9
	maxWhole = len("1000000000") + decimals // digits of maxUnits
)

func stringValue(s string) value { return value{kind: kindString, text: s} }

// numberValue is the value of a number as written in a message or a policy. One
// that has no place between the limits is known by its text alone, as
// event-ruler has it: account ids are such numbers.
func numberValue(text string) value {
	if n, ok := parseNumber(text); ok {
		return value{kind: kindNumber, number: n}
	}
	return value{kind: kindNumber, text: text}
}

// inRange: it is a number that can be compared.
func (v value) inRange() bool { return v.kind == kindNumber && v.text == "" }

// scalar is the value of a node that is neither array nor object.
func scalar(n *node) value {
	switch n.kind {
	case kindString:
		return stringValue(n.text)
	case kindNumber:
		return numberValue(n.text)
	default:
		return value{kind: n.kind}
	}
}

// parseNumber reads a decimal number exactly, in time that does not depend on its
// exponent. Message attributes may have what JSON may not: spaces around, a plus
// sign, zeros in front.
func parseNumber(text string) (units int64, ok bool) {
	text = strings.TrimSpace(text)
	negative := strings.HasPrefix(text, "-")
	if negative || strings.HasPrefix(text, "+") {
		text = text[1:]
	}
	mantissa, exponent, ok := cutExponent(text)
	if !ok {
		return 0, false
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	if !isDigits(whole) || !isDigits(fraction) || whole+fraction == "" {
		return 0, false
	}
	// The digits, and how many of them make up the number of units.
	digits := strings.TrimLeft(whole+fraction, "0")
	if digits == "" {
		return 0, true
	}
	lead := len(whole) + len(fraction) - len(digits) // zeros in front
	n := len(whole) - lead + exponent + decimals
	if n > maxWhole {
		return 0, false
	}
	for i := range n {
		units *= 10
		if i < len(digits) {
			units += int64(digits[i] - '0')
		}
	}
	if units > maxUnits || units == maxUnits && strings.Trim(digits[min(len(digits), max(n, 0)):], "0") != "" {
		return 0, false
	}
	if negative {
		units = -units
	}
	return units, true
}

// cutExponent clamps the exponent, so that nothing overflows: no text is long
// enough to make up for so many zeros.
func cutExponent(text string) (mantissa string, exponent int, ok bool) {
	i := strings.IndexAny(text, "eE")
	if i < 0 {
		return text, 0, true
	}
	mantissa, text = text[:i], text[i+1:]
	negative := strings.HasPrefix(text, "-")
	if negative || strings.HasPrefix(text, "+") {
		text = text[1:]
	}
	if text == "" || !isDigits(text) {
		return "", 0, false
	}
	for i := range len(text) {
		exponent = min(exponent*10+int(text[i]-'0'), 1<<30)
	}
	if negative {
		exponent = -exponent
	}
	return mantissa, exponent, true
}

func isDigits(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return true
}
