package smithy

import (
	"regexp"
	"strings"
	"sync"
)

// pattern is a schema's Limits.Pattern, compiled at its first use.
type pattern struct {
	once sync.Once
	re   *regexp.Regexp // nil: Go cannot express it, everything matches
}

// matchesPattern reports whether all of v matches the shape's pattern.
//
// Models hold Java patterns. What RE2 cannot express (lookaround,
// backreferences, possessive quantifiers) is accepted here; a service for which
// such a pattern matters checks it itself. No model in models/ has one today,
// and a test keeps the list.
func (s *Schema) matchesPattern(v string) bool {
	s.pattern.once.Do(func() {
		s.pattern.re, _ = compilePattern(s.Limits.Pattern)
	})
	return s.pattern.re == nil || s.pattern.re.MatchString(v)
}

// compilePattern compiles a Java pattern so that it must match everything, as
// Java's Matcher.matches does.
func compilePattern(java string) (*regexp.Regexp, error) {
	return regexp.Compile(`\A(?:` + translatePattern(java) + `)\z`)
}

// translatePattern rewrites the Java escapes that RE2 spells differently:
// \uXXXX, and the surrogate pairs that models write for characters above
// U+FFFF. Surrogate bounds in classes are moved to the neighbouring scalar,
// since Go strings hold no surrogates.
func translatePattern(java string) string {
	if !strings.Contains(java, `\u`) && !strings.Contains(java, `\/`) && !strings.Contains(java, `\:`) {
		return java
	}
	var b strings.Builder
	for i := 0; i < len(java); i++ {
		if java[i] != '\\' || i+1 >= len(java) {
			b.WriteByte(java[i])
			continue
		}
		switch c := java[i+1]; {
		case c == 'u' && i+6 <= len(java) && isHex(java[i+2:i+6]):
			// Models write \u10000 and \u10FFFF with five and six digits, which Java
			// reads as four and a literal; what is meant is the scalar.
			n := 4
			if rest := java[i+2:]; strings.HasPrefix(rest, "10000") {
				n = 5
			} else if strings.HasPrefix(rest, "10FFFF") {
				n = 6
			}
			b.WriteString(`\x{` + java[i+2:i+2+n] + `}`)
			i += 1 + n
		default:
			b.WriteByte('\\')
			b.WriteByte(c)
			i++
		}
	}
	return b.String()
}

func isHex(s string) bool {
	for i := range len(s) {
		c := s[i] | 0x20
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
