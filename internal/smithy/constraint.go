package smithy

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// violations lists the constraints that the string v breaks.
func (s *Schema) violations(v string) []string {
	var out []string
	if s.Limits.Pattern != "" && !s.matchesPattern(v) {
		out = append(out, s.patternText())
	}
	out = append(out, s.Limits.length(utf8.RuneCountInString(v))...)
	if s.Enum != nil && !slices.Contains(s.Enum, v) {
		out = append(out, s.enumText())
	}
	return out
}

func (s *Schema) patternText() string {
	return "Member must satisfy regular expression pattern: " + s.Limits.Pattern
}

func (s *Schema) enumText() string {
	return "Member must satisfy enum value set: [" + strings.Join(s.Enum, ", ") + "]"
}

// constraints lists all constraints of a string, as AWS does where one of a
// collection's elements breaks any.
func (s *Schema) constraints() []string {
	var out []string
	if s.Limits.HasMax {
		out = append(out, atMost("length", s.Limits.Max))
	}
	if s.Limits.HasMin {
		out = append(out, atLeast("length", s.Limits.Min))
	}
	if s.Limits.Pattern != "" {
		out = append(out, s.patternText())
	}
	if s.Enum != nil {
		out = append(out, s.enumText())
	}
	return out
}

func atLeast(what string, n int64) string {
	return fmt.Sprintf("Member must have %s greater than or equal to %d", what, n)
}

func atMost(what string, n int64) string {
	return fmt.Sprintf("Member must have %s less than or equal to %d", what, n)
}

func (l *Limits) length(n int) []string {
	switch {
	case l.HasMin && int64(n) < l.Min:
		return []string{atLeast("length", l.Min)}
	case l.HasMax && int64(n) > l.Max:
		return []string{atMost("length", l.Max)}
	}
	return nil
}
