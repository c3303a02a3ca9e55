package filter

import (
	"net/netip"
	"strings"
)

// condition is one element of a key's array.
type condition interface {
	matches(v value) bool
}

type (
	exact       value
	prefix      string
	suffix      string
	equalFold   string
	wildcard    []string // what stands between the asterisks
	cidr        struct{ netip.Prefix }
	span        struct{ low, high int64 } // numeric: both are inside
	exists      struct{}
	anythingBut []condition
)

func (c exact) matches(v value) bool { return value(c) == v }

func (c prefix) matches(v value) bool {
	return v.kind == kindString && strings.HasPrefix(v.text, string(c))
}

func (c suffix) matches(v value) bool {
	return v.kind == kindString && strings.HasSuffix(v.text, string(c))
}

func (c equalFold) matches(v value) bool {
	return v.kind == kindString && strings.EqualFold(v.text, string(c))
}

// matches takes the leftmost place for each piece. That is enough, since what an
// asterisk stands for may be longer, and it never goes back.
func (c wildcard) matches(v value) bool {
	if v.kind != kindString {
		return false
	}
	first, last := c[0], c[len(c)-1]
	if len(c) == 1 {
		return v.text == first
	}
	if len(v.text) < len(first)+len(last) || !strings.HasPrefix(v.text, first) || !strings.HasSuffix(v.text, last) {
		return false
	}
	rest := v.text[len(first) : len(v.text)-len(last)]
	for _, piece := range c[1 : len(c)-1] {
		i := strings.Index(rest, piece)
		if i < 0 {
			return false
		}
		rest = rest[i+len(piece):]
	}
	return true
}

func (c cidr) matches(v value) bool {
	if v.kind != kindString {
		return false
	}
	address, err := netip.ParseAddr(v.text)
	return err == nil && c.Contains(address.Unmap())
}

func (c span) matches(v value) bool {
	return v.inRange() && c.low <= v.number && v.number <= c.high
}

func (c exists) matches(value) bool { return true }

func (c anythingBut) matches(v value) bool {
	for _, but := range c {
		if but.matches(v) {
			return false
		}
	}
	return true
}
