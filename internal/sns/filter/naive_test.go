package filter

import (
	"encoding/json"
	"math/big"
	"net"
	"regexp"
	"strings"
)

// naive evaluates a policy straight from its text: no alternatives, no index, no
// caches, numbers as fractions, wildcards as regular expressions. It shares
// nothing with the package but the names that an "$or" must not have.
func naive(policy string, scope Scope, m *Message) bool {
	rules, ok := decode(policy).(map[string]any)
	if !ok {
		return false
	}
	values := map[string][]any{}
	if scope == Body {
		body, ok := decode(m.Body).(map[string]any)
		if !ok {
			return false
		}
		for k, v := range body {
			flatten(k, v, values)
		}
	} else {
		for _, a := range m.Attributes {
			switch {
			case a.Type == "String.Array" || strings.HasPrefix(a.Type, "String.Array."):
				array, _ := decode(a.Value).([]any)
				for _, e := range array {
					switch e.(type) {
					case []any, map[string]any:
					default:
						values[a.Name] = append(values[a.Name], e)
					}
				}
			case strings.HasPrefix(a.Type, "String"):
				values[a.Name] = []any{a.Value}
			case strings.HasPrefix(a.Type, "Number"):
				values[a.Name] = []any{json.Number(a.Value)}
			}
		}
	}
	return naiveObject(rules, "", values)
}

func decode(text string) any {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if !json.Valid([]byte(text)) || d.Decode(&v) != nil {
		return false // what nobody asks for
	}
	return v
}

func flatten(key string, v any, into map[string][]any) {
	switch v := v.(type) {
	case map[string]any:
		for k, v := range v {
			flatten(key+"."+k, v, into)
		}
	case []any:
		for _, v := range v {
			flatten(key, v, into)
		}
	default:
		into[key] = append(into[key], v)
	}
}

func naiveObject(rules map[string]any, base string, values map[string][]any) bool {
	for k, v := range rules {
		switch v := v.(type) {
		case map[string]any:
			if !naiveObject(v, base+k+".", values) {
				return false
			}
		case []any:
			if k == "$or" && isNaiveOr(v) {
				holds := false
				for _, o := range v {
					holds = holds || naiveObject(o.(map[string]any), base, values)
				}
				if !holds {
					return false
				}
				continue
			}
			if !naiveTest(v, values[base+k]) {
				return false
			}
		}
	}
	return true
}

func isNaiveOr(list []any) bool {
	for _, o := range list {
		object, ok := o.(map[string]any)
		for _, name := range reserved {
			if _, has := object[name]; has {
				return false
			}
		}
		if !ok {
			return false
		}
	}
	return len(list) >= 2
}

func naiveTest(conditions []any, values []any) bool {
	for _, c := range conditions {
		if object, ok := c.(map[string]any); ok && object["exists"] == false {
			if len(values) == 0 {
				return true
			}
			continue
		}
		for _, v := range values {
			if naiveCondition(c, v) {
				return true
			}
		}
	}
	return false
}

func naiveCondition(c, v any) bool {
	object, ok := c.(map[string]any)
	if !ok {
		return naiveEqual(c, v)
	}
	s, isString := v.(string)
	for op, x := range object {
		if op == "anything-but" {
			return !naiveBut(x, v)
		}
		text, _ := x.(string)
		switch op {
		case "exists":
			return true
		case "prefix":
			return isString && strings.HasPrefix(s, text)
		case "suffix":
			return isString && strings.HasSuffix(s, text)
		case "equals-ignore-case":
			return isString && regexp.MustCompile(`(?is)\A`+regexp.QuoteMeta(text)+`\z`).MatchString(s)
		case "wildcard":
			return isString && naiveWildcard(text).MatchString(s)
		case "cidr":
			_, network, err := net.ParseCIDR(text)
			ip := net.ParseIP(s)
			return isString && err == nil && ip != nil && network.Contains(ip)
		case "numeric":
			return naiveNumeric(x.([]any), v)
		}
	}
	return false
}

// naiveBut: whether one of what anything-but excludes holds.
func naiveBut(x, v any) bool {
	switch x := x.(type) {
	case []any:
		for _, x := range x {
			if naiveEqual(x, v) {
				return true
			}
		}
		return false
	case map[string]any:
		for op, texts := range x {
			list, ok := texts.([]any)
			if !ok {
				list = []any{texts}
			}
			for _, text := range list {
				if naiveCondition(map[string]any{op: text}, v) {
					return true
				}
			}
		}
		return false
	default:
		return naiveEqual(x, v)
	}
}

func naiveWildcard(pattern string) *regexp.Regexp {
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	for i := 0; i < len(pattern); i++ {
		switch {
		case pattern[i] == '*':
			b.WriteString(`.*`)
		case pattern[i] == '\\':
			i++
			fallthrough
		default:
			b.WriteString(regexp.QuoteMeta(pattern[i : i+1]))
		}
	}
	return regexp.MustCompile(b.String() + `\z`)
}

func naiveEqual(c, v any) bool {
	a, isNumber := c.(json.Number)
	b, isToo := v.(json.Number)
	if isNumber != isToo {
		return false
	}
	if !isNumber {
		return c == v
	}
	x, y := naiveNumber(a), naiveNumber(b)
	if x == nil || y == nil {
		return x == nil && y == nil && a == b
	}
	return x.Cmp(y) == 0
}

var jsonNumber = regexp.MustCompile(`\A\s*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?\s*\z`)

// naiveNumber is the number in units of the fifth decimal, or nil.
func naiveNumber(n json.Number) *big.Int {
	if !jsonNumber.MatchString(string(n)) {
		return nil
	}
	r, ok := new(big.Rat).SetString(strings.TrimSpace(string(n)))
	if !ok || new(big.Rat).Abs(r).Cmp(big.NewRat(1_000_000_000, 1)) > 0 {
		return nil
	}
	r.Mul(r, big.NewRat(100_000, 1))
	return new(big.Int).Quo(r.Num(), r.Denom()) // towards zero
}

func naiveNumeric(list []any, v any) bool {
	n, ok := v.(json.Number)
	if !ok || naiveNumber(n) == nil {
		return false
	}
	for i := 0; i < len(list); i += 2 {
		cmp := naiveNumber(n).Cmp(naiveNumber(list[i+1].(json.Number)))
		holds := map[string]bool{"=": cmp == 0, "<": cmp < 0, "<=": cmp <= 0, ">": cmp > 0, ">=": cmp >= 0}
		if !holds[list[i].(string)] {
			return false
		}
	}
	return true
}
