package filter

import (
	"slices"
	"strings"
)

// Attribute is a message attribute. Type is as sent: String, Number, Binary,
// String.Array, with any label behind another dot.
type Attribute struct{ Name, Type, Value string }

// Message is what policies are evaluated against. It keeps what it has parsed,
// so it is for one goroutine at a time, and must not change.
type Message struct {
	Attributes []Attribute
	Body       string

	fields []field // nil: not yet read
	root   *node   // of the body; nil: not yet parsed, or no object
	parsed bool
	found  map[string][]value // in the body, by key
}

// field is the name of an attribute, and its values.
type field struct {
	name   string
	values []value
}

// values returns what the message has under a key of a policy.
func (m *Message) values(scope Scope, key string) []value {
	if scope == Attributes {
		fields := m.named()
		i, ok := slices.BinarySearchFunc(fields, key, func(f field, name string) int { return strings.Compare(f.name, name) })
		if !ok {
			return nil
		}
		return fields[i].values
	}
	values, ok := m.found[key]
	if !ok {
		values = m.body().find(key, nil)
		if m.found == nil {
			m.found = map[string][]value{}
		}
		m.found[key] = values
	}
	return values
}

// named returns the attributes that have values, by name. Of several with one name
// the first counts.
func (m *Message) named() []field {
	if m.fields != nil || len(m.Attributes) == 0 {
		return m.fields
	}
	m.fields = make([]field, 0, len(m.Attributes))
	each := make([]value, len(m.Attributes))
	for i, a := range m.Attributes {
		base, label, _ := strings.Cut(a.Type, ".")
		switch array, _, _ := strings.Cut(label, "."); {
		case base == "Number":
			each[i] = numberValue(a.Value)
		case base == "String" && array == "Array":
			if values := elements(a.Value); len(values) > 0 {
				m.fields = append(m.fields, field{a.Name, values})
			}
			continue
		case base == "String":
			each[i] = stringValue(a.Value)
		default:
			continue
		}
		m.fields = append(m.fields, field{a.Name, each[i : i+1 : i+1]})
	}
	slices.SortStableFunc(m.fields, func(a, b field) int { return strings.Compare(a.name, b.name) })
	return m.fields
}

// elements returns the values of a String.Array.
func elements(text string) []value {
	n, err := parseJSON(text)
	if err != nil || n.kind != kindArray {
		return nil
	}
	values := make([]value, 0, len(n.items))
	for i := range n.items {
		if e := &n.items[i].node; e.kind < kindArray {
			values = append(values, scalar(e))
		}
	}
	return values
}

// body returns the body's object, or nil if it is none.
func (m *Message) body() *node {
	if !m.parsed {
		m.parsed = true
		if n, err := parseJSON(m.Body); err == nil && n.kind == kindObject {
			m.root = n
		}
	}
	return m.root
}

// maxSplits is up to how many dots in a key each way to split it is looked up,
// instead of looking at each member.
const maxSplits = 8

// find appends the values under a key. Each value below n is reached in one way
// at most, since its names spell out what of the key is spent.
func (n *node) find(key string, values []value) []value {
	switch n.kind {
	case kindArray:
		for i := range n.items {
			values = n.items[i].find(key, values)
		}
	case kindObject:
		if n.names == nil || strings.Count(key, ".") > maxSplits {
			for i := range n.items {
				values = n.items[i].under(key, values)
			}
			return values
		}
		for end := 0; end <= len(key); end++ {
			if dot := strings.IndexByte(key[end:], '.'); dot >= 0 {
				end += dot
			} else {
				end = len(key)
			}
			if i := n.member(key[:end]); i >= 0 {
				values = n.items[i].under(key, values)
			}
		}
	}
	return values
}

// under appends the values under a key whose first step, or all of it, may be
// this member.
func (m *item) under(key string, values []value) []value {
	rest, ok := strings.CutPrefix(key, m.name)
	switch {
	case !ok:
		return values
	case rest == "":
		return m.leaves(values)
	case rest[0] == '.':
		return m.find(rest[1:], values)
	default:
		return values
	}
}

// leaves appends the values of a scalar, or of an array's elements.
func (n *node) leaves(values []value) []value {
	switch n.kind {
	case kindArray:
		for i := range n.items {
			values = n.items[i].leaves(values)
		}
	case kindObject:
	default:
		values = append(values, scalar(n))
	}
	return values
}
