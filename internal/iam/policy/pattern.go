package policy

import "strings"

// pattern is a compiled string with wildcards and policy variables.
type pattern struct {
	elems []elem
	fold  bool // ASCII case-insensitive
	vars  bool // some element is a variable
}

type elem struct {
	kind elemKind
	text string // the literal, or the variable's key in lower case
	// fallback is the value of a variable that the request lacks; hasFallback
	// tells "" from none.
	fallback    string
	hasFallback bool
}

type elemKind uint8

const (
	elemLiteral  elemKind = iota
	elemAny               // *: any run of bytes
	elemOne               // ?: exactly one byte
	elemVariable          // ${key}
)

// compile reads a pattern. Wildcards are * and ?; with variables, ${key},
// ${key, 'default'} and the escapes ${*}, ${?}, ${$} are read too (only in
// Version 2012-10-17). A "${" that never closes is literal text, as in AWS.
//
// Source: AWS IAM, "IAM policy elements: Variables and tags".
func compile(s string, wildcards, variables, fold bool) pattern {
	p := pattern{fold: fold}
	literal := func(text string) {
		if n := len(p.elems); n > 0 && p.elems[n-1].kind == elemLiteral {
			p.elems[n-1].text += text
			return
		}
		p.elems = append(p.elems, elem{kind: elemLiteral, text: text})
	}
	for s != "" {
		if variables && strings.HasPrefix(s, "${") {
			if end := strings.IndexByte(s, '}'); end > 0 {
				p.variable(s[2:end], literal)
				s = s[end+1:]
				continue
			}
		}
		switch {
		case wildcards && s[0] == '*':
			// Runs of * mean one *, and cost one.
			if n := len(p.elems); n == 0 || p.elems[n-1].kind != elemAny {
				p.elems = append(p.elems, elem{kind: elemAny})
			}
		case wildcards && s[0] == '?':
			p.elems = append(p.elems, elem{kind: elemOne})
		default:
			end := 1
			for end < len(s) && s[end] != '$' && (!wildcards || (s[end] != '*' && s[end] != '?')) {
				end++
			}
			literal(s[:end])
			s = s[end:]
			continue
		}
		s = s[1:]
	}
	return p
}

func (p *pattern) variable(name string, literal func(string)) {
	switch name {
	case "*", "?", "$":
		literal(name)
		return
	}
	e := elem{kind: elemVariable}
	if key, fallback, ok := strings.Cut(name, ","); ok {
		fallback = strings.TrimSpace(fallback)
		if len(fallback) >= 2 && fallback[0] == '\'' && fallback[len(fallback)-1] == '\'' {
			e.fallback, e.hasFallback = fallback[1:len(fallback)-1], true
		}
		name = key
	}
	e.text = strings.ToLower(strings.TrimSpace(name))
	p.elems = append(p.elems, e)
	p.vars = true
}

// match reports whether s matches the whole pattern. A variable that the
// request lacks, or that has several values, matches nothing.
func (p *pattern) match(s string, lookup Lookup) bool {
	elems := p.elems
	if p.vars {
		elems = make([]elem, len(p.elems))
		for i, e := range p.elems {
			if e.kind == elemVariable {
				e.kind = elemLiteral // its value is text: wildcards in it are not
				switch values := lookup.values(e.text); {
				case len(values) == 1:
					e.text = values[0]
				case len(values) == 0 && e.hasFallback:
					e.text = e.fallback
				default:
					return false
				}
			}
			elems[i] = e
		}
	}
	return matchElems(elems, s, p.fold)
}

// matchElems is the usual wildcard match that goes back to the last * only:
// its time is at most len(elems) times len(s), whatever the pattern.
func matchElems(elems []elem, s string, fold bool) bool {
	i, pos := 0, 0
	star, starPos := -1, 0
	for {
		switch {
		case i == len(elems):
			if pos == len(s) {
				return true
			}
		case elems[i].kind == elemAny:
			star, starPos = i, pos
			i++
			if i == len(elems) {
				return true
			}
			continue
		case elems[i].kind == elemOne:
			if pos < len(s) {
				pos++
				i++
				continue
			}
		default:
			if text := elems[i].text; hasPrefix(s[pos:], text, fold) {
				pos += len(text)
				i++
				continue
			}
		}
		// Mismatch: let the last * swallow one byte more.
		if star < 0 || starPos >= len(s) {
			return false
		}
		starPos++
		i, pos = star+1, starPos
	}
}

func hasPrefix(s, prefix string, fold bool) bool {
	if len(s) < len(prefix) {
		return false
	}
	if !fold {
		return s[:len(prefix)] == prefix
	}
	return strings.EqualFold(s[:len(prefix)], prefix)
}

func anyMatch(patterns []pattern, s string, lookup Lookup) bool {
	for i := range patterns {
		if patterns[i].match(s, lookup) {
			return true
		}
	}
	return false
}
