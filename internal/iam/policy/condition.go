package policy

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// condition is one operator and key with its values. All conditions of a
// statement must hold.
//
// Source: AWS IAM, "IAM JSON policy elements: Condition operators" and
// "Multivalued context keys".
type condition struct {
	key      string // lower case
	set      setPrefix
	ifExists bool
	null     bool // the Null operator
	wantNull []bool
	negated  bool // holds when no value matches
	tests    []test
}

type setPrefix uint8

const (
	setNone setPrefix = iota
	setAny
	setAll
)

// test reports whether a context value matches one value of the policy.
type test func(value string, lookup Lookup) bool

func parseConditions(n node, variables bool) ([]condition, error) {
	if n.kind != kindObject {
		return nil, errors.New("Condition must be an object")
	}
	var out []condition
	for _, operator := range n.fields {
		if operator.value.kind != kindObject {
			return nil, fmt.Errorf("Condition %s must be an object", operator.name)
		}
		for _, f := range operator.value.fields {
			values, err := f.value.scalars("Condition " + operator.name + " " + f.name)
			if err != nil {
				return nil, err
			}
			c, err := parseCondition(operator.name, values, variables)
			if err != nil {
				return nil, err
			}
			if c.key = strings.ToLower(f.name); c.key == "" {
				return nil, fmt.Errorf("Condition %s has an empty key", operator.name)
			}
			out = append(out, c)
		}
	}
	return out, nil
}

func parseCondition(operator string, values []string, variables bool) (condition, error) {
	var c condition
	name := strings.ToLower(operator)
	if rest, ok := strings.CutPrefix(name, "foranyvalue:"); ok {
		c.set, name = setAny, rest
	} else if rest, ok := strings.CutPrefix(name, "forallvalues:"); ok {
		c.set, name = setAll, rest
	}
	name, c.ifExists = strings.CutSuffix(name, "ifexists")
	if name == "null" {
		if c.ifExists || c.set != setNone {
			return c, fmt.Errorf("unknown condition operator %q", operator)
		}
		c.null = true
		for _, v := range values {
			want, err := parseBool(v)
			if err != nil {
				return c, err
			}
			c.wantNull = append(c.wantNull, want)
		}
		return c, nil
	}
	for _, v := range values {
		t, negated, err := newTest(name, v, variables)
		if err != nil {
			return c, err
		}
		if t == nil {
			return c, fmt.Errorf("unknown condition operator %q", operator)
		}
		c.tests = append(c.tests, t)
		c.negated = negated
	}
	if len(values) == 0 { // an empty list still has to name a known operator
		t, negated, err := newTest(name, "0", variables)
		if err == nil && t == nil {
			return c, fmt.Errorf("unknown condition operator %q", operator)
		}
		c.negated = negated
	}
	return c, nil
}

// newTest makes the test for one policy value; a nil test means that there is
// no such operator.
func newTest(operator, value string, variables bool) (t test, negated bool, err error) {
	switch operator {
	case "stringequals", "stringnotequals", "stringequalsignorecase", "stringnotequalsignorecase", "stringlike", "stringnotlike":
		p := compile(value, strings.HasSuffix(operator, "like"), variables, strings.HasSuffix(operator, "ignorecase"))
		return p.match, strings.HasPrefix(operator, "stringnot"), nil
	case "arnequals", "arnlike", "arnnotequals", "arnnotlike":
		t, err = arnTest(value, variables)
		return t, strings.HasPrefix(operator, "arnnot"), err
	case "ipaddress", "notipaddress":
		t, err = ipTest(value)
		return t, operator == "notipaddress", err
	case "bool":
		want, err := parseBool(value)
		return func(v string, _ Lookup) bool {
			got, err := parseBool(v)
			return err == nil && got == want
		}, false, err
	case "binaryequals":
		want, err := base64.StdEncoding.DecodeString(value)
		if err != nil {
			return nil, false, fmt.Errorf("BinaryEquals %q is not base64", value)
		}
		return func(v string, _ Lookup) bool {
			got, err := base64.StdEncoding.DecodeString(v)
			return err == nil && bytes.Equal(got, want)
		}, false, nil
	}
	if rest, ok := strings.CutPrefix(operator, "numeric"); ok {
		return orderTest(rest, value, parseNumber)
	}
	if rest, ok := strings.CutPrefix(operator, "date"); ok {
		return orderTest(rest, value, parseDate)
	}
	return nil, false, nil
}

// orderTest compares numbers, or dates as seconds.
func orderTest(comparison, value string, parse func(string) (float64, error)) (test, bool, error) {
	var holds func(got, want float64) bool
	switch comparison {
	case "equals", "notequals":
		holds = func(got, want float64) bool { return got == want }
	case "lessthan":
		holds = func(got, want float64) bool { return got < want }
	case "lessthanequals":
		holds = func(got, want float64) bool { return got <= want }
	case "greaterthan":
		holds = func(got, want float64) bool { return got > want }
	case "greaterthanequals":
		holds = func(got, want float64) bool { return got >= want }
	default:
		return nil, false, nil
	}
	want, err := parse(value)
	if err != nil {
		return nil, false, err
	}
	return func(v string, _ Lookup) bool {
		got, err := parse(v)
		return err == nil && holds(got, want)
	}, comparison == "notequals", nil
}

func parseNumber(s string) (float64, error) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return 0, fmt.Errorf("%q is not a number", s)
	}
	return f, nil
}

// parseDate reads a W3C ISO 8601 date, or seconds since 1970.
func parseDate(s string) (float64, error) {
	if f, err := parseNumber(s); err == nil && len(s) != len("2006") {
		return f, nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02", "2006-01", "2006"} {
		if t, err := time.Parse(layout, s); err == nil {
			return float64(t.Unix()) + float64(t.Nanosecond())/1e9, nil
		}
	}
	return 0, fmt.Errorf("%q is not a date", s)
}

func parseBool(s string) (bool, error) {
	switch strings.ToLower(s) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, fmt.Errorf("%q is neither true nor false", s)
}

func ipTest(value string) (test, error) {
	prefix, err := netip.ParsePrefix(value)
	if err != nil {
		addr, err := netip.ParseAddr(value)
		if err != nil || addr.Zone() != "" {
			return nil, fmt.Errorf("%q is not an IP address or range", value)
		}
		addr = addr.Unmap()
		prefix = netip.PrefixFrom(addr, addr.BitLen())
	}
	prefix = prefix.Masked() // 203.0.113.9/24 means 203.0.113.0/24
	return func(v string, _ Lookup) bool {
		addr, err := netip.ParseAddr(v)
		return err == nil && prefix.Contains(addr.WithZone("").Unmap())
	}, nil
}

const arnParts = 6

// arnTest compares ARNs part by part: a wildcard does not reach over a colon,
// but in the resource, which may hold colons itself. ArnEquals and ArnLike are
// the same.
func arnTest(value string, variables bool) (test, error) {
	if value == "*" {
		return func(v string, _ Lookup) bool { return strings.HasPrefix(v, "arn:") }, nil
	}
	parts := splitARN(value)
	switch {
	case len(parts) == arnParts:
	case strings.HasPrefix(value, "${"): // "${aws:PrincipalArn}" is a whole ARN
		p := compile(value, false, variables, false)
		return p.match, nil
	case strings.HasPrefix(value, "arn:"):
		// AWS takes a short ARN, which then matches no ARN.
		return func(string, Lookup) bool { return false }, nil
	default:
		return nil, fmt.Errorf("%q is not an ARN", value)
	}
	var patterns [arnParts]pattern
	for i, part := range parts {
		patterns[i] = compile(part, true, variables, false)
	}
	return func(v string, lookup Lookup) bool {
		got := strings.SplitN(v, ":", arnParts)
		if len(got) != arnParts {
			return false
		}
		for i := range patterns {
			if !patterns[i].match(got[i], lookup) {
				return false
			}
		}
		return true
	}, nil
}

// splitARN splits at colons, those inside ${aws:...} excepted.
func splitARN(s string) []string {
	parts := make([]string, 0, arnParts)
	start, inside := 0, false
	for i := 0; i < len(s) && len(parts) < arnParts-1; i++ {
		switch {
		case strings.HasPrefix(s[i:], "${"):
			inside = true
		case s[i] == '}':
			inside = false
		case s[i] == ':' && !inside:
			parts = append(parts, s[start:i])
			start = i + 1
		}
	}
	return append(parts, s[start:])
}

func (c *condition) holds(lookup Lookup) bool {
	values := lookup.values(c.key)
	if c.null {
		for _, want := range c.wantNull {
			if want == (len(values) == 0) {
				return true
			}
		}
		return false
	}
	if len(values) == 0 {
		// ForAllValues holds for no values at all; a negated operator holds for
		// an absent key, unless it asks for any value.
		return c.ifExists || c.set == setAll || (c.negated && c.set == setNone)
	}
	switch c.set {
	case setAll:
		for _, v := range values {
			if c.matches(v, lookup) == c.negated {
				return false
			}
		}
		return true
	case setAny:
		for _, v := range values {
			if c.matches(v, lookup) != c.negated {
				return true
			}
		}
		return false
	}
	for _, v := range values {
		if c.matches(v, lookup) {
			return !c.negated
		}
	}
	return c.negated
}

func (c *condition) matches(value string, lookup Lookup) bool {
	for _, t := range c.tests {
		if t(value, lookup) {
			return true
		}
	}
	return false
}
